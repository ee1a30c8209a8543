import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { type TableName, tables } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  load,
  reload,
  type TestAccount,
  writtenBy,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

/** The referral as it stood on a day of 2025; nothing is known of it but its status. */
const onDay = (day: string, changes: Partial<Referral>) =>
  aReferral({
    createdDateTime: '2025-09-01T08:00:00Z',
    updatedDateTime: `2025-${day}T08:00:00Z`,
    acceptedDateTime: null,
    closedDateTime: null,
    registrations: [],
    registrationStatus: null,
    ...changes,
  })

const received = onDay('09-01', { status: 'New', substatus: 'Received' })
const acceptedAtOnce = onDay('09-01', { status: 'Active', substatus: 'Accepted' })
const accepted = onDay('10-01', {
  status: 'Active',
  substatus: 'Accepted',
  acceptedDateTime: '2025-10-01T08:00:00Z',
})
const won = onDay('11-01', {
  status: 'Closed',
  substatus: 'Won',
  acceptedDateTime: '2025-10-01T08:00:00Z',
  closedDateTime: '2025-11-01T08:00:00Z',
})
const raised = { ...won, updatedDateTime: '2025-12-01T08:00:00Z', qualification: 'Direct' }

/** `number status from..to`, the open one without an end. */
async function historyOf({ warehouse, key }: TestAccount): Promise<string[]> {
  const versions = await sql<{ line: string }>`
    select concat(version_no, ' ', status.referral_status, ' ', to_char(valid_from, 'MM-DD'), '..',
      to_char(valid_to, 'MM-DD'), case when is_current then ' current' end) as line
    from dw.fact_referral_history history
    join dw.dim_status status using (status_key)
    where partner_account_key = ${key}
    order by version_no`.execute(warehouse.query)
  return versions.rows.map(({ line }) => line)
}

describe('history', () => {
  test('a publish closes the current version and opens the next', () =>
    withAccount(async (account) => {
      await load(account, [received])
      expect(await historyOf(account)).toEqual(['1 New 09-01.. current'])
      const second = await load(account, [accepted])
      expect(await historyOf(account)).toEqual(['1 New 09-01..10-01', '2 Active 10-01.. current'])
      expect(writtenBy(second)).toMatchObject({
        'dw.fact_referral_history': '1 new, 1 changed, 0 gone',
      })
    }))

  test('a publish closes the current version and opens several', () =>
    withAccount(async (account) => {
      await load(account, [received])
      await load(account, [accepted, won, raised])
      expect(await historyOf(account)).toEqual([
        '1 New 09-01..10-01',
        '2 Active 10-01..11-01',
        '3 Closed 11-01..12-01',
        '4 Closed 12-01.. current',
      ])
    }))

  test('a publish makes an earlier version current when versions become fewer', () =>
    withAccount(async (account) => {
      await load(account, [won])
      // Estimated from its milestones until something older is known.
      expect(await historyOf(account)).toEqual([
        '1 New 09-01..10-01',
        '2 Active 10-01..11-01',
        '3 Closed 11-01.. current',
      ])
      const late = await load(account, [acceptedAtOnce])
      expect(await historyOf(account)).toEqual([
        '1 Active 09-01..11-01',
        '2 Closed 11-01.. current',
      ])
      expect(writtenBy(late)).toMatchObject({
        'dw.fact_referral_history': '0 new, 2 changed, 1 gone',
      })
    }))

  test('a publish inserts an older version that arrives late in its place', () =>
    withAccount(async (account) => {
      await load(account, [received])
      await load(account, [won])
      await load(account, [accepted])
      expect(await historyOf(account)).toEqual([
        '1 New 09-01..10-01',
        '2 Active 10-01..11-01',
        '3 Closed 11-01.. current',
      ])
    }))

  test('a publish takes facts from the newest source time, not from the latest arrival', () =>
    withAccount(async (account) => {
      await load(account, [raised])
      expect(
        writtenBy(await load(account, [{ ...received, name: 'Old name' }])),
      ).not.toHaveProperty('dw.dim_referral')
      const { query } = account.warehouse
      const current = await query.selectFrom('dw.dim_referral').selectAll().execute()
      expect(current).toMatchObject([{ referral_status: 'Closed', qualification: 'Direct' }])
    }))
})

const compared = (Object.keys(tables) as TableName[]).filter((name) =>
  /^dw\.(fact_(?!run$|finding$)|bridge_|dim_(referral|customer|solution|tag)$)|^pii\.(contact|referral_text)$/.test(
    name,
  ),
)

const surrogateKeys = [
  'partner_account_key',
  'referral_key',
  'primary_referral_key',
  'engagement_key',
  'customer_key',
  'solution_key',
  'seller_key',
  'tag_key',
]

/** Every row of an account, less what differs from one installation or run to the next. */
async function contentOf({ warehouse, key }: TestAccount) {
  const content: Record<string, unknown[]> = {}
  for (const table of compared) {
    const rows = await sql<{ content: unknown }>`
      select to_jsonb(t) - ${surrogateKeys}::text[] - '{created_run_id,updated_run_id}'::text[]
        as content
      from ${sql.table(table)} t where partner_account_key = ${key} order by 1`.execute(
      warehouse.query,
    )
    content[table] = rows.rows.map((row) => row.content)
  }
  return content
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  )
}

test('the warehouse is the same for any order of versions, and after a rebuild', () =>
  withAccount(async (account) => {
    const versions = [received, accepted, won, raised].map((wire, index) => ({
      wire: { ...aReferral(), ...wire, name: `Name ${index}` },
      at: `2026-01-0${index + 1}T02:00:00Z`,
    }))
    for (const { wire, at } of versions) await load(account, [wire], { at })
    const expected = await contentOf(account)
    expect(expected['dw.fact_referral_history']).toHaveLength(4)
    await reload(account)
    expect(await contentOf(account)).toEqual(expected)
    // Every fourth of the 24 orders, each in an account of its own.
    for (const [index, order] of permutations(versions).entries()) {
      if (index % 4 !== 3) continue
      const replica = await anAccount(account.warehouse, `replica ${index}`)
      for (const { wire, at } of order) await load(replica, [wire], { at })
      expect(await contentOf(replica), `order ${index}`).toEqual(expected)
    }
  }))
