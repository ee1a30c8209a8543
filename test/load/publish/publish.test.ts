import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openDatabase, type Warehouse } from '../../../src/warehouse/connection/database.ts'
import { type TableName, tables } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  load,
  physicalState,
  publishStaged,
  referralIdOf,
  reload,
  stageLanded,
  type TestAccount,
  untilWaiting,
  whileLocked,
  writtenBy,
} from '../../support/load-referrals.ts'
import { aLine, aMember, aReferral, aRegistration } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount, url: string) => Promise<T>): Promise<T> =>
  withDatabase(async (_, url, warehouse) => use(await anAccount(warehouse), url))

const referrals = (count: number, changes = {}) =>
  Array.from({ length: count }, (_, index) =>
    aReferral({ id: referralIdOf(index + 1), ...changes }),
  )

/** Tables that a publish fills, of one account. */
const published = (Object.keys(tables) as TableName[]).filter((name) =>
  /^dw\.(fact_(?!run$|finding$)|bridge)|^dw\.dim_(referral|customer|solution|tag)|^pii\.(contact|referral_text)/.test(
    name,
  ),
)

async function rowsByTable(warehouse: Warehouse) {
  const counts: Record<string, number> = {}
  for (const table of published) counts[table] = await countOf(warehouse, table)
  return counts
}

describe('readers', () => {
  test('readers see nothing during a publish and all of it afterwards', () =>
    withAccount(async (account, url) => {
      const { warehouse } = account
      const runId = await aRun(account)
      await landReferrals(account, runId, referrals(12))
      const staged = await stageLanded(account, 'unpublished')
      const reader = await openDatabase(url)
      const before = await rowsByTable(reader)
      let publishing: Promise<unknown> | undefined
      // The ledger comes after every other table.
      await whileLocked(warehouse, 'etl.run_table', async () => {
        publishing = publishStaged(account, runId, staged)
        await untilWaiting(warehouse, 1)
        expect(await rowsByTable(reader)).toEqual(before)
        expect(Object.values(before).every((count) => count === 0)).toBe(true)
      })
      await publishing
      const after = await rowsByTable(reader)
      expect(after).toMatchObject({ 'dw.dim_referral': 12, 'dw.fact_referral_history': 60 })
      await reader.close()
    }))

  test('readers who ask repeatedly see the old state or the new one and nothing between', () =>
    withAccount(async (account, url) => {
      await load(account, referrals(20))
      const runId = await aRun(account)
      const updatedDateTime = '2026-01-01T00:00:00Z'
      const changed = referrals(20, { registrations: [], name: 'New name', updatedDateTime })
      await landReferrals(account, runId, changed)
      const staged = await stageLanded(account, 'unpublished')
      const reader = await openDatabase(url)
      const seen = new Set<string>()
      const look = async () => {
        const state = await sql<{ names: number; registrations: number; schedules: number }>`
          select (select count(*) from dw.dim_referral where referral_name = 'New name') as names,
            (select count(*) from dw.fact_registration) as registrations,
            (select count(*) from dw.fact_acv_schedule) as schedules`.execute(reader.query)
        seen.add(JSON.stringify(Object.values(state.rows[0] ?? {})))
      }
      let isDone = false
      const publishing = publishStaged(account, runId, staged).finally(() => {
        isDone = true
      })
      while (!isDone) await look()
      await publishing
      await look()
      expect([...seen]).toEqual(['[0,20,60]', '[20,0,0]'])
      await reader.close()
    }))

  test('readers see nothing of a publish that fails at its last step', () =>
    withAccount(async (account) => {
      const runId = await aRun(account)
      await landReferrals(account, runId, referrals(3))
      const staged = await stageLanded(account, 'unpublished')
      const { query } = account.warehouse
      const counts = { staged_count: 0, inserted_count: 0, updated_count: 0, deleted_count: 0 }
      const entry = { run_id: runId, table_name: 'dw.dim_tag', ...counts }
      await query.insertInto('etl.run_table').values(entry).execute()
      const before = await rowsByTable(account.warehouse)
      expect(await failureOf(publishStaged(account, runId, staged))).toMatchObject({
        code: '23505',
      })
      expect(await rowsByTable(account.warehouse)).toEqual(before)
      await query.deleteFrom('etl.run_table').execute()
      await publishStaged(account, runId, staged)
      expect(await countOf(account.warehouse, 'dw.dim_referral')).toBe(3)
    }))
})

describe('publish', () => {
  test('a publish of the same rows again writes no row and locks none', () =>
    withAccount(async (account) => {
      const first = await load(account, referrals(3))
      expect(writtenBy(first)).toMatchObject({
        'dw.dim_referral': '3 new, 0 changed, 0 gone',
        'dw.dim_solution': '1 new, 0 changed, 0 gone',
        'pii.contact': '6 new, 0 changed, 0 gone',
      })
      const before = await physicalState(account.warehouse, account.key, published)
      const empty = Object.entries(before).filter(([, state]) => state.startsWith('0 '))
      expect(empty.map(([table]) => table)).toEqual(
        expect.arrayContaining([
          'dw.fact_microsoft_acv',
          'dw.fact_solution_change',
          'pii.contact_change',
        ]),
      )
      expect(empty).toHaveLength(4)
      const second = await reload(account)
      expect(writtenBy(second)).toEqual({})
      expect(second).toMatchObject({ staged: 3, changed: 0 })
      expect(await physicalState(account.warehouse, account.key, published)).toEqual(before)
    }))

  test('a publish of one changed referral updates its rows and no other', () =>
    withAccount(async (account) => {
      const [first, ...others] = referrals(3)
      await load(account, [first, ...others])
      const changed = { ...first, name: 'Renamed', updatedDateTime: '2026-01-01T00:00:00Z' }
      const second = await load(account, [changed, ...others])
      expect(writtenBy(second)).toEqual({
        'dw.dim_referral': '0 new, 1 changed, 0 gone',
        'dw.dim_solution': '0 new, 1 changed, 0 gone',
        'dw.fact_referral': '0 new, 1 changed, 0 gone',
      })
      const rows = await account.warehouse.query
        .selectFrom('dw.dim_referral')
        .select(['referral_name', 'created_run_id', 'updated_run_id'])
        .orderBy('referral_id')
        .execute()
      const untouched = { referral_name: 'Warehouse sensors', updated_run_id: second.runId - 1 }
      expect(rows).toMatchObject([
        {
          referral_name: 'Renamed',
          created_run_id: second.runId - 1,
          updated_run_id: second.runId,
        },
        untouched,
        untouched,
      ])
    }))

  test.each([
    {
      changes: { registrations: [aRegistration({ solutionDetails: [aLine()] })] },
      gone: {
        'dw.fact_registration_solution': '0 new, 1 changed, 1 gone',
        'dw.fact_acv_schedule': '0 new, 3 changed, 3 gone',
        'dw.bridge_line_incentive': '0 new, 0 changed, 1 gone',
      },
      why: 'a line takes its contract years and incentives along',
    },
    {
      changes: { registrations: [] },
      gone: {
        'dw.fact_registration': '0 new, 0 changed, 1 gone',
        'dw.fact_registration_solution': '0 new, 0 changed, 2 gone',
        'dw.fact_acv_schedule': '0 new, 0 changed, 6 gone',
      },
      why: 'a registration takes everything below it along',
    },
    {
      changes: { team: [] },
      gone: { 'pii.contact': '0 new, 0 changed, 1 gone' },
      why: 'a member of the team is forgotten',
    },
    {
      changes: { details: { ...aReferral().details, notes: null } },
      gone: { 'pii.referral_text': '0 new, 0 changed, 1 gone' },
      why: 'a note is forgotten',
    },
  ])('a publish deletes rows that a referral no longer has: $why', ({ changes, gone }) =>
    withAccount(async (account) => {
      const lines = [aLine(), aLine({ id: 'SOL-2', value: 20_000 })]
      const whole = { registrations: [aRegistration({ solutionDetails: lines })] }
      await load(account, referrals(2, whole))
      const updatedDateTime = '2026-01-01T00:00:00Z'
      const second = await load(account, referrals(1, { ...whole, ...changes, updatedDateTime }))
      expect(writtenBy(second)).toMatchObject(gone)
    }),
  )

  test('a publish treats one referral in two accounts as two', () =>
    withAccount(async (north) => {
      const south = await anAccount(north.warehouse, 'south')
      const member = aMember('kai@example.com', 'Kai', 'Holm')
      await load(north, referrals(2))
      await load(south, referrals(2, { team: [member] }))
      const before = await physicalState(north.warehouse, north.key, published)
      await load(south, referrals(2, { name: 'Renamed', team: [], registrations: [] }))
      expect(await physicalState(north.warehouse, north.key, published)).toEqual(before)
      const names = await north.warehouse.query
        .selectFrom('dw.dim_referral')
        .select(['partner_account_key', 'referral_name'])
        .distinct()
        .orderBy('partner_account_key')
        .execute()
      expect(names.map((row) => row.referral_name)).toEqual(['Warehouse sensors', 'Renamed'])
    }))

  test('a publish of one account goes on while another account is staged', () =>
    withAccount(async (north) => {
      const south = await anAccount(north.warehouse, 'south')
      const [northRun, southRun] = [await aRun(north), await aRun(south)]
      await landReferrals(north, northRun, referrals(2))
      await landReferrals(south, southRun, referrals(5))
      const staged = await stageLanded(north, 'unpublished')
      const stagedSouth = await stageLanded(south, 'unpublished')
      expect(await publishStaged(north, northRun, staged)).toMatchObject({ staged: 2 })
      expect(await publishStaged(south, southRun, stagedSouth)).toMatchObject({ staged: 5 })
      expect(await countOf(north.warehouse, 'dw.fact_referral')).toBe(7)
    }))

  test('a publish fails for a staged referral that would get no rows', () =>
    withAccount(async (account) => {
      const runId = await aRun(account)
      await landReferrals(account, runId, referrals(3, { registrations: [] }))
      const staged = await stageLanded(account, 'unpublished')
      await account.warehouse.query
        .deleteFrom('stg.fact_referral')
        .where('referral_no', '=', 2)
        .execute()
      const failure = await failureOf(publishStaged(account, runId, staged))
      expect(failure).toMatchObject({ code: 'check.every_referral_is_whole' })
      expect(await countOf(account.warehouse, 'dw.dim_referral')).toBe(0)
    }))
})
