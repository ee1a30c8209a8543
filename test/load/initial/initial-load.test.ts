import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { canLoadInitially, initialLoad } from '../../../src/load/initial/initial-load.ts'
import { readLanded } from '../../../src/load/landing/read-landed.ts'
import { isRefusal } from '../../../src/load/staging/rejected-rows.ts'
import { toRows } from '../../../src/transform/to-rows.ts'
import { withDatabase } from '../../support/database.ts'
import { countRows, digestState } from '../../support/digest.ts'
import {
  anAccount,
  aRun,
  landReferrals,
  load,
  referralIdOf,
  reload,
  type TestAccount,
  writtenBy,
} from '../../support/load-referrals.ts'
import { aLine, aMember, aReferral, aRegistration } from '../../support/referral-builder.ts'
import { recordStatements } from '../../support/sent-statements.ts'

/** What a first load meets at its worst: two words about a solution, values that nobody knows. */
const wires = [
  aReferral({ id: referralIdOf(1) }),
  aReferral({
    id: referralIdOf(2),
    status: 'Paused',
    substatus: 'Holiday',
    registrations: [
      aRegistration({
        solutionDetails: [aLine({ name: '' }), aLine({ id: 'SOL-0008-TST', name: 'Tab\tand \\N' })],
      }),
    ],
    updatedDateTime: '2025-12-09T00:00:00Z',
  }),
  aReferral({
    id: referralIdOf(3),
    details: { dealValue: 12.5, currency: 'QQQ', notes: 'line\nline', requirements: {} },
    registrations: [aRegistration({ solutionDetails: [aLine({ name: 'Shelf Sense 2' })] })],
    updatedDateTime: '2025-12-20T00:00:00Z',
  } as never),
  aReferral({
    id: referralIdOf(4),
    team: [aMember('olav@example.com', 'Olav', 'Lie')],
    registrations: [],
    mood: 'fine',
  } as never),
  { id: referralIdOf(5), status: 'New' },
]

async function first(account: TestAccount, scope: 'unpublished' | 'all' = 'unpublished') {
  const { warehouse, lease, key, context } = account
  const runId = await aRun(account, scope === 'all' ? 'rebuild' : 'incremental')
  const landed = scope === 'all' ? 0 : await landReferrals(account, runId, wires)
  const published = await initialLoad(warehouse, lease, {
    runId,
    watermark: null,
    scope,
    quarantinePercentMax: 1,
    quarantineCountMax: 10,
    rowsRead: () => landed,
    batches: async function* () {
      let referral_no = 0
      for await (const resource of readLanded(warehouse.query, key, scope)) {
        referral_no += 1
        yield toRows({ partner_account_key: key, referral_no, ...resource }, context).rows
      }
    },
  })
  return { runId, ...published }
}

const withAccount = (use: (account: TestAccount) => Promise<void>) =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

describe('a first publish', () => {
  test('leaves what staging and publishing leave, counts and findings too', () =>
    withAccount(async (poured) => {
      const result = await first(poured)
      await withAccount(async (staged) => {
        const { runId: _, ...expected } = await load(staged, wires)
        expect(result).toMatchObject({ staged: 4, changed: 4, quarantined: 1, missing: 0 })
        expect(result.conservation).toEqual(expected.conservation)
        expect(writtenBy(result)).toEqual(writtenBy(expected))
        expect(await digestState(poured.warehouse.query)).toEqual(
          await digestState(staged.warehouse.query),
        )
      })
    }))

  test('goes without staging facts and people, and leaves nothing staged but what it says', () =>
    withAccount(async (account) => {
      const sent = await recordStatements(async () => void (await first(account)))
      const copied = new Set(
        sent.flatMap(({ text }) => /^copy (\S+)/.exec(text)?.[1] ?? []).filter((to) => to !== ''),
      )
      expect(copied).toContain('dw.fact_referral_history')
      expect(copied).toContain('pii.contact')
      expect(
        [...copied].filter((table) => /^stg\.(fact|bridge|contact|dim_ref)/.test(table)),
      ).toEqual([])
      const left = await countRows(account.warehouse.query, /^stg\.(fact|bridge|contact|referral)/)
      expect(new Set(Object.values(left))).toEqual(new Set([0]))
    }))

  test('is what a rebuild finds nothing to change in', () =>
    withAccount(async (account) => {
      await first(account)
      const before = await digestState(account.warehouse.query)
      expect(writtenBy(await reload(account))).toEqual({})
      expect(await digestState(account.warehouse.query)).toEqual(before)
    }))

  test('gives keys that later ones do not give again', () =>
    withAccount(async (account) => {
      await first(account)
      await load(account, [
        aReferral({ id: referralIdOf(9), customerProfile: { name: 'New Ltd.' } } as never),
      ])
      const { rows } = await sql<{ keys: number; referrals: number }>`
        select count(distinct referral_key) as keys, count(*) as referrals from dw.dim_referral`.execute(
        account.warehouse.query,
      )
      expect(rows).toEqual([{ keys: 5, referrals: 5 }])
    }))

  test('leaves nothing behind when PostgreSQL refuses a row', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      const empty = await countRows(query, /^(dw|pii)\./)
      await sql`alter table dw.fact_registration add constraint refused check (registration_no > 1)`.execute(
        query,
      )
      const failure = await first(account).catch((error: unknown) => error)
      expect(isRefusal(failure)).toBe(true)
      const { 'pii.payload': _, ...left } = await countRows(query, /^(dw|pii)\./)
      const { 'pii.payload': __, ...expected } = empty
      expect(left).toEqual(expected)
    }))
})

test('a star is empty until something of the account is in it', () =>
  withDatabase(async (db, _, warehouse) => {
    const north = await anAccount(warehouse)
    const south = await anAccount(warehouse, 'south')
    expect(await canLoadInitially(db, north.lease)).toBe(true)
    await first(north)
    expect(await canLoadInitially(db, north.lease)).toBe(false)
    expect(await canLoadInitially(db, south.lease)).toBe(true)
    await sql`truncate dw.dim_referral cascade`.execute(db)
    expect(await canLoadInitially(db, north.lease), 'customers are left').toBe(false)
  }))
