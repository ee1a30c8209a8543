import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { beginWindow, landPage } from '../../../src/load/landing/land-page.ts'
import { readLanded } from '../../../src/load/landing/read-landed.ts'
import { withDatabase } from '../../support/database.ts'
import {
  aLanding,
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  physicalState,
  referralIdOf,
  type TestAccount,
} from '../../support/load-referrals.ts'
import { aMember, aReferral, referralId } from '../../support/referral-builder.ts'

function withAccount<T>(use: (account: TestAccount, runId: number) => Promise<T>): Promise<T> {
  return withDatabase(async (_, __, warehouse) => {
    const account = await anAccount(warehouse)
    return use(account, await aRun(account))
  })
}

/** Name and number of every landed version of a resource, in order. */
async function versionsOf({ warehouse }: TestAccount, id = referralId) {
  const landed = await sql<{ version_no: number; name: string }>`
    select version_no, payload ->> 'name' as name from raw.payload
    where resource_id = ${id} order by version_no`.execute(warehouse.query)
  return landed.rows.map(({ version_no, name }) => `${version_no} ${name}`)
}

const named = (name: string) => aReferral({ name })
const landingZone = ['raw.payload', 'pii.payload'] as const

describe('landPage', () => {
  test('landPage lands every new referral', () =>
    withAccount(async (account, runId) => {
      const page = [1, 2, 3].map((no) => aReferral({ id: referralIdOf(no) }))
      expect(await landReferrals(account, runId, page)).toBe(3)
      expect(await countOf(account.warehouse, 'raw.payload')).toBe(3)
      expect(await countOf(account.warehouse, 'pii.payload')).toBe(3)
    }))

  test('landPage of an unchanged page writes no row and locks none', () =>
    withAccount(async (account, runId) => {
      const page = [1, 2, 3].map((no) => aReferral({ id: referralIdOf(no) }))
      await landReferrals(account, runId, page)
      const before = await physicalState(account.warehouse, account.key, landingZone)
      expect(await landReferrals(account, await aRun(account), page)).toBe(0)
      expect(await physicalState(account.warehouse, account.key, landingZone)).toEqual(before)
    }))

  test('landPage takes other etags, links and orders of lists for unchanged', () =>
    withAccount(async (account, runId) => {
      const members = [aMember('a@example.com', 'A', 'A'), aMember('b@example.com', 'B', 'B')]
      await landReferrals(account, runId, [aReferral({ team: members })])
      const again = { ...aReferral({ team: members.toReversed(), eTag: 'another' }), links: null }
      expect(await landReferrals(account, runId, [again])).toBe(0)
    }))

  test('landPage lands the next version of a changed referral and leaves the earlier one alone', () =>
    withAccount(async (account, runId) => {
      for (const name of ['one', 'two', 'three']) await landReferrals(account, runId, [named(name)])
      expect(await versionsOf(account)).toEqual(['1 one', '2 two', '3 three'])
    }))

  test('landPage lands a new version of a referral that changed back', () =>
    withAccount(async (account, runId) => {
      for (const name of ['one', 'two', 'one']) await landReferrals(account, runId, [named(name)])
      expect(await versionsOf(account)).toEqual(['1 one', '2 two', '3 one'])
    }))

  test.each([
    { page: ['a', 'b'], expected: ['1 a', '2 b'], why: 'both, in order, when they differ' },
    { page: ['a', 'a'], expected: ['1 a'], why: 'once when they are equal' },
    { page: ['a', 'b', 'a'], expected: ['1 a', '2 b', '3 a'], why: 'back and forth' },
    { page: ['a', 'a', 'b', 'b'], expected: ['1 a', '2 b'], why: 'each only once' },
  ])('landPage lands a referral that a page has several times: $why', ({ page, expected }) =>
    withAccount(async (account, runId) => {
      expect(await landReferrals(account, runId, page.map(named))).toBe(expected.length)
      expect(await versionsOf(account)).toEqual(expected)
    }),
  )

  test('landPage compares a referral that a page has twice with its landed version', () =>
    withAccount(async (account, runId) => {
      await landReferrals(account, runId, [named('a')])
      expect(await landReferrals(account, runId, ['a', 'b', 'b', 'c'].map(named))).toBe(2)
      expect(await versionsOf(account)).toEqual(['1 a', '2 b', '3 c'])
    }))

  test('landPage lands the same referrals of another account apart', () =>
    withAccount(async (account, runId) => {
      await landReferrals(account, runId, [named('a')])
      const other = await anAccount(account.warehouse, 'south')
      expect(await landReferrals(other, await aRun(other), [named('a')])).toBe(1)
      expect(await countOf(account.warehouse, 'raw.payload')).toBe(2)
    }))

  test('landPage lands a whole page or nothing', () =>
    withAccount(async ({ warehouse, lease }, runId) => {
      const landings = [1, 2, 3].map((no) => aLanding(aReferral({ id: referralIdOf(no) })))
      const broken = landings.map((landing, index) =>
        index === 1 ? { ...landing, payload: { name: 'a\u0000b' } } : landing,
      )
      const page = { runId, windowNo: 1 }
      const landing = landPage(warehouse.query, lease, { ...page, landings: broken })
      expect(await failureOf(landing)).toMatchObject({ code: '22P05' })
      for (const table of [...landingZone, 'stg.listed_referral'] as const) {
        expect(await countOf(warehouse, table)).toBe(0)
      }
      const windows = await warehouse.query.selectFrom('etl.extract_window').selectAll().execute()
      expect(windows).toMatchObject([{ page_count: 0, referral_count: 0 }])
    }))

  test('landPage lands nothing of an empty page and counts it', () =>
    withAccount(async (account, runId) => {
      expect(await landReferrals(account, runId, [])).toBe(0)
      const windows = await account.warehouse.query
        .selectFrom('etl.extract_window')
        .selectAll()
        .execute()
      expect(windows).toMatchObject([{ page_count: 1, referral_count: 0 }])
    }))
})

test('people and free text are in pii.payload only', () =>
  withAccount(async (account, runId) => {
    const marked = aReferral({
      team: [aMember('needle@example.com', 'Needle', 'Needle')],
      customerProfile: {
        ...aReferral().customerProfile,
        team: [aMember('needle@example.com', 'Needle', 'Needle')],
      },
      details: { ...aReferral().details, notes: 'needle in a note' },
      inviteContext: { ...aReferral().inviteContext, notes: 'needle in an invitation' },
    })
    await landReferrals(account, runId, [marked])
    const found = await sql<{ open: number; restricted: number }>`
      select (select count(*) from raw.payload p where p::text ilike '%needle%') as open,
        (select count(*) from pii.payload p where p::text ilike '%needle%') as restricted
    `.execute(account.warehouse.query)
    expect(found.rows).toEqual([{ open: 0, restricted: 1 }])
    for await (const { versions } of readLanded(account.warehouse.query, account.key, 'all')) {
      expect(JSON.stringify(versions[0]?.people)).toContain('needle in a note')
    }
  }))

test('the ledger counts the pages and referrals of each window, unchanged ones too', () =>
  withAccount(async (account, runId) => {
    const { query } = account.warehouse
    const [from, to] = ['2025-01-01T00:00:00Z', '2025-02-01T00:00:00Z']
    await beginWindow(query, { runId, windowNo: 2, from, to })
    for (const page of [['a', 'b'], ['b'], ['b', 'b']]) {
      await landReferrals(account, runId, page.map(named))
    }
    const windows = await query
      .selectFrom('etl.extract_window')
      .select(['window_no', 'page_count', 'referral_count', 'window_status'])
      .orderBy('window_no')
      .execute()
    expect(windows).toEqual([
      { window_no: 1, page_count: 3, referral_count: 5, window_status: 'running' },
      { window_no: 2, page_count: 0, referral_count: 0, window_status: 'running' },
    ])
    expect(await countOf(account.warehouse, 'stg.listed_referral')).toBe(5)
  }))

test('a source time keeps its seven digits as text and is cut, not rounded, as an instant', () =>
  withAccount(async (account, runId) => {
    const updatedDateTime = '2025-12-10T09:18:01.7654329Z'
    await landReferrals(account, runId, [aReferral({ updatedDateTime })])
    const landed = await account.warehouse.query
      .selectFrom('raw.payload')
      .select(['source_updated_at', 'source_updated_text'])
      .execute()
    expect(landed).toEqual([
      { source_updated_at: '2025-12-10T09:18:01.765432Z', source_updated_text: updatedDateTime },
    ])
  }))

describe('readLanded', () => {
  test('readLanded yields changed referrals with every version in id order, and all for a rebuild', () =>
    withAccount(async (account, runId) => {
      const { query } = account.warehouse
      const page = (name: string, nos: readonly number[]) =>
        nos.map((no) => aReferral({ id: referralIdOf(no), name }))
      await landReferrals(account, runId, page('old', [3, 1, 2]))
      await query.updateTable('etl.run').set({ run_status: 'published' }).execute()
      await landReferrals(account, await aRun(account), page('new', [3, 1]))
      const read = async (which: 'unpublished' | 'all') => {
        const found: string[] = []
        for await (const { resource_id, versions } of readLanded(query, account.key, which)) {
          const names = versions.map(({ payload }) => (payload as { name: string }).name)
          found.push(`${resource_id.at(-1)} ${names.join(' ')}`)
        }
        return found
      }
      expect(await read('unpublished')).toEqual(['1 old new', '3 old new'])
      expect(await read('all')).toEqual(['1 old new', '2 old', '3 old new'])
    }))
})
