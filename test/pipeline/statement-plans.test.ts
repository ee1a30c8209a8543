import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { type Database, type TableName, tables } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { type PlannedStatement, recordPlans, unboundedLoops } from '../support/statement-plans.ts'
import { playNights, type TestPipeline, withPipeline } from '../support/with-pipeline.ts'

/** The account that is loaded is new to statistics that know another one, of the same size. */
async function knowAnotherAccount({ db, run }: TestPipeline) {
  await run()
  await renumber(db)
  await sql`analyze`.execute(db)
}

/** Gives the rows of the warehouse to an account of another source. */
async function renumber(db: Kysely<Database>) {
  await sql`truncate etl.account_source`.execute(db)
  await sql`
    update dw.dim_partner_account set account_code = 'earlier', tenant_id = null`.execute(db)
  const otherId = sql`translate(resource_id, '0123456789abcdef', '123456789abcdef0')`
  await sql`
    update raw.payload
    set resource_id = ${otherId},
        payload = jsonb_set(payload, '{id}', to_jsonb(${otherId}))`.execute(db)
  await sql`update pii.payload set resource_id = ${otherId}`.execute(db)
  const owned = (Object.keys(tables) as TableName[]).filter((table) =>
    (tables[table].columns as readonly string[]).includes('partner_account_key'),
  )
  await db.transaction().execute(async (transaction) => {
    // Foreign keys have the account, and no order of the tables keeps all of them.
    await sql`set local session_replication_role = replica`.execute(transaction)
    for (const table of owned) {
      await sql`update ${sql.table(table)} set partner_account_key = 7`.execute(transaction)
    }
  })
}

const statistics: Readonly<Record<string, (nights: TestPipeline) => Promise<unknown>>> = {
  'no statistics of columns, and tables that look large': ({ db }) =>
    sql`
    update pg_class set reltuples = 1000, relpages = 1
    where relkind = 'r'
      and relnamespace in ('dw'::regnamespace, 'pii'::regnamespace, 'raw'::regnamespace,
        'stg'::regnamespace, 'etl'::regnamespace)`.execute(db),
  'statistics of another account': knowAnotherAccount,
}

/** Plans of every statement that `playNights` sends, after `prepare`. */
async function plansOfNights(prepare: (nights: TestPipeline) => Promise<unknown>) {
  let plans: PlannedStatement[] = []
  await withPipeline({ referrals: 100, broken: 4 }, async (nights) => {
    await prepare(nights)
    plans = await recordPlans(() => playNights(nights), {
      isAnalyzeIgnored: true,
      isIndexPreferred: true,
    })
  })
  return plans
}

describe('plans of a load', () => {
  test.each(Object.entries(statistics))(
    'statements of every kind of load compare no two sets row by row, with %s',
    async (_, prepare) => {
      const plans = await plansOfNights(prepare)
      expect(plans.length).toBeGreaterThan(300)
      const found = plans.flatMap(({ text, plan }) =>
        unboundedLoops(plan).map((loop) => `${loop} of ${text.replace(/\s+/g, ' ').slice(0, 300)}`),
      )
      expect([...new Set(found)]).toEqual([])
    },
  )

  test('a nested loop over two lists is found in a plan, and a probe of a key is none', () =>
    withDatabase(async (db) => {
      const ask = () =>
        db.transaction().execute(async (transaction) => {
          await sql`set local enable_hashjoin = off`.execute(transaction)
          await sql`set local enable_mergejoin = off`.execute(transaction)
          await sql`
            select count(*) from stg.dim_referral s
            join stg.referral_key k using (partner_account_key, referral_no)`.execute(transaction)
          await sql`
            select count(*) from stg.referral_key k
            join dw.fact_referral t using (referral_key)`.execute(transaction)
          await sql`
            select count(*) from stg.dim_referral s
            where referral_no = 1 or exists (
              select 1 from stg.referral_key k where k.referral_no = s.referral_no offset 0)`.execute(
            transaction,
          )
        })
      const plans = await recordPlans(ask, { isIndexPreferred: true })
      expect(plans.map(({ plan }) => unboundedLoops(plan).length)).toEqual([1, 0, 1])
    }))

  test('a join by the account that leaves the key to a filter is found in a plan, and one by the key is none', () =>
    withDatabase(async (db) => {
      const ask = () =>
        db.transaction().execute(async (transaction) => {
          await sql`set local enable_nestloop = off`.execute(transaction)
          const join = (isSame: string) => sql`
            select count(*) from stg.dim_referral s
            join stg.referral_key k
              on k.partner_account_key = s.partner_account_key and ${sql.raw(isSame)}`
          await join('k.referral_no > s.referral_no').execute(transaction)
          await join('k.referral_no = s.referral_no').execute(transaction)
          await sql`set local enable_hashjoin = off`.execute(transaction)
          await join('k.referral_no > s.referral_no').execute(transaction)
          await join('k.referral_no = s.referral_no').execute(transaction)
        })
      const plans = await recordPlans(ask)
      expect(plans.map(({ plan }) => unboundedLoops(plan).length)).toEqual([1, 0, 1, 0])
    }))
})
