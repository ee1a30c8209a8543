import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase, withEmptyDatabase } from '../../support/database.ts'
import { anAccount, load, referralIdOf } from '../../support/load-referrals.ts'
import { migrateUpTo } from '../../support/migrate-up-to.ts'
import { aLine, aReferral, aRegistration } from '../../support/referral-builder.ts'

const dimensions = ['referral', 'customer', 'solution', 'tag', 'seller', 'engagement'] as const

/** Tables that lead to a dimension, behind those that they lead to. */
const filled = [
  'dw.dim_partner_account',
  'dw.dim_status',
  ...dimensions.map((name) => `dw.dim_${name}`),
  'dw.fact_referral',
  'dw.fact_referral_history',
  'dw.fact_referral_solution',
  'dw.fact_registration',
  'dw.fact_registration_solution',
  'dw.fact_acv_schedule',
  'dw.fact_engagement_history',
  'dw.bridge_referral_tag',
  'dw.bridge_line_incentive',
]

const someReferrals = [1, 2, 3].map((no) =>
  aReferral({
    id: referralIdOf(no),
    registrations: [
      aRegistration({ id: 'REG-1', solutionDetails: [aLine({ id: 'one', incentives: ['a'] })] }),
    ],
  }),
)

/** Foreign keys to the dimensions by table and name, and what each says. */
async function waysOf(db: Kysely<Database>): Promise<Record<string, string>> {
  const { rows } = await sql<{ name: string; way: string }>`
    select concat_ws(' ', conrelid::regclass, conname) as name, pg_get_constraintdef(oid) as way
    from pg_constraint
    where contype = 'f'
      and confrelid = any(${dimensions.map((name) => `dw.dim_${name}`)}::regclass[])`.execute(db)
  return Object.fromEntries(rows.map(({ name, way }) => [name, way]))
}

/** Columns of the primary keys of the dimensions, by the name of the key. */
async function keysOf(db: Kysely<Database>): Promise<Record<string, string>> {
  const { rows } = await sql<{ name: string; key: string }>`
    select conname as name, pg_get_constraintdef(oid) as key
    from pg_constraint
    where contype = 'p'
      and conrelid = any(${dimensions.map((name) => `dw.dim_${name}`)}::regclass[])`.execute(db)
  return Object.fromEntries(rows.map(({ name, key }) => [name, key]))
}

const rowsOf = async (db: Kysely<Database>, table: string) => {
  const { rows } = await sql<{ rows: unknown[] | null }>`
    select json_agg(to_jsonb(one)) as rows from ${sql.table(table)} one`.execute(db)
  return rows[0]?.rows ?? []
}

test('an upgrade in place adds the account to the keys of filled dimensions, and changes neither rows nor what else a key says', () =>
  withDatabase((current, _, warehouse) =>
    withEmptyDatabase(async (old) => {
      await load(await anAccount(warehouse), someReferrals)
      await migrateUpTo(old, '0043')
      for (const table of filled) {
        const rows = JSON.stringify(await rowsOf(current, table))
        const { rows: columns } = await sql<{ name: string }>`
          select attname as name from pg_attribute
          where attrelid = ${table}::regclass and attnum > 0 and attgenerated = ''
            and not attisdropped`.execute(old)
        const names = sql.join(columns.map(({ name }) => sql.ref(name)))
        await sql`
          insert into ${sql.table(table)} (${names}) overriding system value
          select ${names} from jsonb_populate_recordset(null::${sql.table(table)}, ${rows}::jsonb)
          on conflict do nothing`.execute(old)
      }
      await sql`alter table dw.fact_registration
        alter constraint fact_registration_customer deferrable initially deferred`.execute(old)
      const before = await waysOf(old)
      await migrate(old)
      const expected = Object.entries(before).map(([name, way]) => [
        name,
        way.replace(
          /\((\w+)\) REFERENCES (\S+)\((\w+)\)/,
          '($1, partner_account_key) REFERENCES $2($3, partner_account_key)',
        ),
      ])
      expect(await waysOf(old)).toEqual(Object.fromEntries(expected))
      expect((await waysOf(old))['dw.fact_registration fact_registration_customer']).toMatch(
        / DEFERRABLE INITIALLY DEFERRED$/,
      )
      expect(await keysOf(old)).toEqual(
        Object.fromEntries(
          dimensions.map((name) => [
            `dim_${name}_pkey`,
            `PRIMARY KEY (${name}_key, partner_account_key)`,
          ]),
        ),
      )
      for (const table of filled.slice(2))
        expect(await rowsOf(old, table)).toEqual(await rowsOf(current, table))
      expect(await rowsOf(old, 'dw.bridge_line_incentive')).toHaveLength(3)
    }),
  ))

test('an upgrade that would take the key from a table of others is refused, and names what depends on it', () =>
  withEmptyDatabase(async (old) => {
    await migrateUpTo(old, '0043')
    await sql`create table public.note (
      referral_key bigint constraint note_of references dw.dim_referral)`.execute(old)
    await expect(migrate(old)).rejects.toMatchObject({
      code: 'migrate.still_read',
      message: expect.stringMatching(/0044_account_in_keys.*dim_referral_pkey/s),
    })
    expect((await keysOf(old)).dim_referral_pkey).toBe('PRIMARY KEY (referral_key)')
  }))

test.each(dimensions)('a row of dw.dim_%s is found by its surrogate alone by an index', (name) =>
  withDatabase(async (db) => {
    await db.transaction().execute(async (transaction) => {
      await sql`set local enable_seqscan = off`.execute(transaction)
      const { rows } = await sql<{ 'QUERY PLAN': string }>`
        explain select * from ${sql.table(`dw.dim_${name}`)}
        where ${sql.ref(`${name}_key`)} = 1`.execute(transaction)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toContain(`dim_${name}_pkey`)
      expect(plan).toContain(`Index Cond: (${name}_key = 1)`)
    })
  }),
)

test('a fact cannot have the customer of another account', () =>
  withDatabase(async (db, _, warehouse) => {
    await load(await anAccount(warehouse), someReferrals)
    const moving = sql`
      update dw.fact_referral set partner_account_key = partner_account_key + 1`.execute(db)
    await expect(moving).rejects.toMatchObject({ code: '23503' })
  }))

test('surrogates of two accounts come from one sequence, so none is given twice', () =>
  withDatabase(async (db, _, warehouse) => {
    for (const code of ['one', 'two']) await load(await anAccount(warehouse, code), someReferrals)
    for (const name of ['referral', 'customer', 'tag', 'solution', 'engagement'] as const) {
      const { rows } = await sql<{ rows: number; keys: number; accounts: number }>`
        select count(*) as rows, count(distinct ${sql.ref(`${name}_key`)}) as keys,
          count(distinct partner_account_key) as accounts
        from ${sql.table(`dw.dim_${name}`)}`.execute(db)
      expect(rows[0], name).toEqual({ rows: rows[0]?.keys, keys: rows[0]?.keys, accounts: 2 })
    }
  }))
