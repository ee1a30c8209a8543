import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll } from 'vitest'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { type Nights, withNights } from './with-pipeline.ts'

/** The day on which the business of the sandbox stands still. */
export const businessDay = '2026-06-30'

/** A rate with more digits than a double holds; the other currencies keep none. */
export const euroRate = '1.0837123456'

/** Gives the reporting currency, USD, and EUR a rate on every day that the reports look at. */
export async function loadEuroRates(db: Kysely<Database>): Promise<void> {
  await sql`
    insert into dw.fx_rate (currency_code, rate_date, rate_to_reporting, observed_date, rate_source)
    select rate.currency_code, day.date_day, rate.value, day.date_day, 'test'
    from dw.dim_date day
    cross join (values ('USD', 1::numeric), ('EUR', ${euroRate}::numeric)) rate (currency_code, value)
    where day.date_day between date '2015-01-01' and date '2040-12-31'
    on conflict (currency_code, rate_date) do update
      set rate_to_reporting = excluded.rate_to_reporting`.execute(db)
}

/** The one row of a query. */
export async function one<T>(db: Kysely<Database>, query: ReturnType<typeof sql<T>>): Promise<T> {
  const { rows } = await query.execute(db)
  if (rows[0] === undefined) throw new Error('no row')
  return rows[0]
}

/** One loaded warehouse for all tests of a file, to be had once they run. */
export function loadedOnce(options: Parameters<typeof withNights>[0]): () => Nights {
  let nights: Nights | undefined
  let release = () => {}
  let over: Promise<void> = Promise.resolve()
  beforeAll(
    () =>
      new Promise<void>((ready, failed) => {
        over = withNights(options, async (loaded) => {
          await loaded.run()
          nights = loaded
          ready()
          await new Promise<void>((end) => {
            release = end
          })
        })
        over.catch(failed)
      }),
  )
  afterAll(() => {
    release()
    return over
  })
  return () => {
    if (nights === undefined)
      throw new Error('the warehouse is loaded before all tests, not sooner')
    return nights
  }
}
