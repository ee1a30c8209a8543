import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll } from 'vitest'
import type { Referral } from '../../src/sandbox/referral.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { referralIdOf } from './load-referrals.ts'
import { aReferral } from './referral-builder.ts'
import { type TestPipeline, withPipeline } from './with-pipeline.ts'

/** Day on which the calendar of the sandbox stands still. */
export const businessDay = '2026-06-30'

/** Rate with more digits than a double holds. */
export const euroRate = '1.0837123456'

/** Stores rates of USD and EUR for every day of the report; other currencies have none. */
export async function loadEuroRates(db: Kysely<Database>): Promise<void> {
  await sql`
    insert into dw.fx_rate
      (currency_code, rate_date, rate_to_reporting, reporting_units, currency_units, observed_date,
        rate_source)
    select rate.currency_code, day.date_day, rate.value, rate.value, 1, day.date_day, 'test'
    from dw.dim_date day
    cross join (values ('USD', 1::numeric), ('EUR', ${euroRate}::numeric)) rate (currency_code, value)
    where day.date_day between date '2015-01-01' and date '2040-12-31'
    on conflict (currency_code, rate_date) do update
      set rate_to_reporting = excluded.rate_to_reporting,
          reporting_units = excluded.reporting_units,
          currency_units = excluded.currency_units`.execute(db)
}

/** Returns the first row of a query, which must have one. */
export async function one<T>(db: Kysely<Database>, query: ReturnType<typeof sql<T>>): Promise<T> {
  const { rows } = await query.execute(db)
  if (rows[0] === undefined) throw new Error('the query returned no row')
  return rows[0]
}

/** Loads one warehouse for all tests of a file; the result is a function for use in tests. */
export function loadOnce(options: Parameters<typeof withPipeline>[0]): () => TestPipeline {
  let pipeline: TestPipeline | undefined
  let release = () => {}
  let over: Promise<void> = Promise.resolve()
  beforeAll(
    () =>
      new Promise<void>((ready, failed) => {
        over = withPipeline(options, async (loaded) => {
          await loaded.run()
          pipeline = loaded
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
    if (pipeline === undefined)
      throw new Error('call this in a test: beforeAll loads the warehouse')
    return pipeline
  }
}

/** How an open or closed deal stands in the source. */
interface Stand {
  readonly status?: string
  readonly substatus?: string
  readonly value?: number
  readonly expires?: string
  readonly closed?: string
}

/** An open deal of no engagement, as the source shows it after an update. */
export function aDeal(no: number, updated: string, stand: Stand = {}): Referral {
  const { status = 'Active', substatus = 'Accepted', value = 100, expires, closed } = stand
  return aReferral({
    id: referralIdOf(no),
    name: `Deal ${no}`,
    engagementId: null,
    createdDateTime: '2025-09-01T08:00:00Z',
    acceptedDateTime: '2025-09-01T08:00:00Z',
    updatedDateTime: updated,
    closedDateTime: closed ?? null,
    expirationDateTime: expires === undefined ? null : `${expires}T00:00:00Z`,
    status,
    substatus,
    registrationStatus: 'None',
    registrations: [],
    details: { ...aReferral().details, dealValue: value, currency: 'USD' },
  })
}

export const won = { status: 'Closed', substatus: 'Won' }
