import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { migrate } from '../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { anAccount, load, referralIdOf, reload } from '../support/load-referrals.ts'
import { migrateUpTo } from '../support/migrate-up-to.ts'
import { aLine, aReferral, aRegistration } from '../support/referral-builder.ts'
import { withPipeline } from '../support/with-pipeline.ts'

const withRegistration = [
  'dw.fact_registration',
  'dw.fact_registration_review',
  'dw.fact_registration_solution',
  'dw.fact_acv_schedule',
  'dw.bridge_line_incentive',
  'dw.fact_microsoft_acv',
] as const
const withLine = [
  'dw.fact_registration_solution',
  'dw.fact_acv_schedule',
  'dw.bridge_line_incentive',
] as const

interface Numbers {
  readonly referral_key: number
  readonly registration_no: number
  readonly registration_key: number
  readonly line_no?: number
  readonly registration_line_key?: number
}

/** Keys and numbers of all rows of a table or mart. */
async function numbersIn(db: Kysely<Database>, table: string): Promise<readonly Numbers[]> {
  const line = [...withLine, 'mart.acv_line', 'mart.acv_schedule', 'mart.incentive_acv'].includes(
    table,
  )
  const columns = line ? sql`, line_no, registration_line_key` : sql``
  const { rows } = await sql<Numbers>`
    select referral_key, registration_no, registration_key ${columns}
    from ${sql.table(table)}
    order by referral_key, registration_no`.execute(db)
  return rows
}

/** Rows whose keys are not their numbers side by side, as decimal digits. */
const unlike = (rows: readonly Numbers[]) =>
  rows.filter((row) => {
    const registration = `${row.referral_key}${String(row.registration_no).padStart(3, '0')}`
    const line = `${registration}${String(row.line_no).padStart(5, '0')}`
    return (
      String(row.registration_key) !== registration ||
      (row.line_no !== undefined && String(row.registration_line_key) !== line)
    )
  })

/** Referrals with two registrations, of which one has two lines and one none. */
const someReferrals = [1, 2, 3].map((no) =>
  aReferral({
    id: referralIdOf(no),
    engagementId: null,
    registrations: [
      aRegistration({
        id: 'REG-1',
        solutionDetails: ['one', 'two'].map((id) => aLine({ id, incentives: ['a', 'b'] })),
      }),
      aRegistration({ id: 'REG-2', solutionDetails: [] }),
    ],
  }),
)

describe('keys of registrations and their lines', () => {
  test('a registration and its lines have one key in all facts, bridges and marts, after a first load and a night', () =>
    withPipeline({ referrals: 150, seed: 41 }, async ({ sandbox, db, run }) => {
      await run()
      sandbox.change(60)
      await run()
      const marts = ['registration', 'registration_review', 'acv_line', 'acv_schedule']
      const named = [...marts, 'incentive_acv', 'acv_reconciliation'].map((name) => `mart.${name}`)
      for (const table of [...withRegistration, ...named]) {
        const rows = await numbersIn(db, table)
        expect(unlike(rows), table).toEqual([])
        if (table !== 'dw.fact_microsoft_acv') expect(rows.length, table).toBeGreaterThan(5)
      }
      const keys = await sql<{ keys: number; rows: number }>`
        select count(distinct registration_key) as keys, count(*) as rows
        from dw.fact_registration
        union all
        select count(distinct registration_line_key), count(*) from dw.fact_registration_solution`.execute(
        db,
      )
      for (const row of keys.rows) expect(row.keys).toBe(row.rows)
    }))

  test('a rebuild keeps the keys of registrations and lines', () =>
    withDatabase(async (db, _, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, someReferrals)
      const before = await numbersIn(db, 'dw.fact_registration_solution')
      expect(before.map(({ registration_key }) => registration_key % 1000)).toEqual([
        1, 1, 2, 1, 1, 2, 1, 1, 2,
      ])
      await reload(account)
      expect(await numbersIn(db, 'dw.fact_registration_solution')).toEqual(before)
    }))

  test('a referral with a thousand registrations, more than the key has digits for, is quarantined', () =>
    withDatabase(async (db, _, warehouse) => {
      // A payload has at most ten thousand properties.
      const many = (count: number) =>
        Array.from({ length: count }, (_, no) => ({ id: `REG-${no}`, status: 'Approved' }))
      const loaded = await load(
        await anAccount(warehouse),
        [1000, 999, 1].map((count, no) =>
          aReferral({ id: referralIdOf(no + 1), engagementId: null, registrations: many(count) }),
        ),
        { quarantinePercentMax: 50 },
      )
      expect(loaded).toMatchObject({ quarantined: 1 })
      const { rows } = await sql<{ place: string }>`
        select item_path as place from etl.quarantine`.execute(db)
      expect(rows).toEqual([{ place: 'dw.fact_registration.fact_registration_registration_no' }])
      expect(unlike(await numbersIn(db, 'dw.fact_registration'))).toEqual([])
    }))
})

/** Tables that a registration needs, in the order of their foreign keys. */
const filled = [
  'dw.dim_partner_account',
  'dw.dim_referral',
  'dw.dim_customer',
  'dw.dim_solution',
  'dw.dim_tag',
  'dw.fact_referral',
  'dw.fact_registration',
  'dw.fact_registration_review',
  'dw.fact_registration_solution',
  'dw.fact_acv_schedule',
  'dw.bridge_line_incentive',
] as const

test('an upgrade in place gives the rows that are there their keys, and declares the ways to days', () =>
  withDatabase((current, _, warehouse) =>
    withEmptyDatabase(async (old) => {
      await load(await anAccount(warehouse), someReferrals)
      await migrateUpTo(old, '0030')
      for (const table of filled) {
        const { rows } = await sql<{ rows: string }>`
          select json_agg(to_jsonb(one)) as rows from ${sql.table(table)} one`.execute(current)
        // An identity takes no value of ours unless it is overridden.
        await sql`
          insert into ${sql.table(table)} overriding system value
          select * from jsonb_populate_recordset(null::${sql.table(table)},
            ${JSON.stringify(rows[0]?.rows)}::jsonb)`.execute(old)
      }
      await migrate(old)
      for (const table of withRegistration) {
        expect(await numbersIn(old, table), table).toEqual(await numbersIn(current, table))
      }
      expect(await numbersIn(old, 'mart.acv_line')).toHaveLength(9)
      const waysOf = async (db: Kysely<Database>) => {
        const { rows } = await sql<{ way: string }>`
          select concat_ws(' ', conrelid::regclass, pg_get_constraintdef(oid)) as way
          from pg_constraint
          where contype = 'f' and confrelid = 'dw.dim_date'::regclass
          order by 1`.execute(db)
        return rows
      }
      expect(await waysOf(old)).toEqual(await waysOf(current))
    }),
  ))
