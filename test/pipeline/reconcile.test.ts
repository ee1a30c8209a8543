import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { countRows } from '../support/digest.ts'
import { failureOf, withPipeline } from '../support/with-pipeline.ts'

const referrals = 120
const seed = 7

/** Changes every row that is inserted into a table, as a bug of the load would. */
async function corrupt(db: Kysely<Database>, table: string, change: string) {
  await sql`create function etl.corrupt() returns trigger language plpgsql as
    ${sql.lit(`begin ${change}; return new; end`)}`.execute(db)
  await sql`create trigger corrupt before insert on ${sql.table(table)}
    for each row execute function etl.corrupt()`.execute(db)
}

async function mend(db: Kysely<Database>) {
  await sql`drop function etl.corrupt() cascade`.execute(db)
}

const faults = [
  {
    fault: 'a deal value grows by a hundredth of a cent',
    table: 'dw.fact_referral',
    change: 'new.deal_value_amount := new.deal_value_amount + 0.0001',
  },
  {
    fault: 'a contract value is cut to whole units',
    table: 'dw.fact_registration',
    change: 'new.contract_value_amount := trunc(new.contract_value_amount) - 1',
  },
  {
    fault: 'a solution value loses its sign',
    table: 'dw.fact_registration_solution',
    change: 'new.solution_value_amount := -new.solution_value_amount',
  },
  {
    fault: 'a currency changes',
    table: 'dw.fact_referral',
    change: "new.currency_code := case new.currency_code when 'USD' then 'EUR' else 'USD' end",
  },
  {
    fault: 'history has another status than the fact',
    table: 'dw.fact_referral_history',
    change: 'new.status_key := -1',
  },
]

test.each(faults)('a run publishes nothing when $fault', ({ table, change }) =>
  withPipeline({ referrals, seed }, async ({ db, run }) => {
    await corrupt(db, table, change)
    expect(await failureOf(run())).toMatchObject({ kind: 'checkFailed', exitCode: 65 })
    expect(await countRows(db, /^dw\.fact_(?!run$)/)).toSatisfy((counts: Record<string, number>) =>
      Object.values(counts).every((rows) => rows === 0),
    )
    await mend(db)
    expect(await run()).toMatchObject({ status: 'published', changed: referrals })
  }),
)

test.each([
  ['corrupts what it changes', 'dw.fact_referral'],
  ['stages another value than the payload has', 'stg.fact_referral'],
])('a run that %s leaves the run before in place', (_, table) =>
  withPipeline({ referrals, seed }, async ({ sandbox, db, run, rebuild }) => {
    await run()
    const total = async () => {
      const found = await sql<{ total: string }>`
        select sum(deal_value_amount) as total from dw.fact_referral`.execute(db)
      return found.rows[0]?.total
    }
    const before = await total()
    sandbox.change(30)
    await corrupt(db, table, 'new.deal_value_amount := 1')
    expect(await failureOf(run())).toMatchObject({ kind: 'checkFailed' })
    expect(await total()).toBe(before)
    await mend(db)
    expect(await run()).toMatchObject({ status: 'published' })
    expect(await rebuild()).toMatchObject({ changed: 0 })
  }),
)
