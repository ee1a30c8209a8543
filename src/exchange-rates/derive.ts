import { sql } from 'kysely'
import type { Transaction } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { rateSources } from './quotes.ts'

/**
 * Derives `dw.fx_rate` from `etl.fx_quote` for one reporting currency and returns the number of
 * changed rows. A rate is carried until the next one, at most `daysMax` days. No clock is read, so
 * it is also carried into the future.
 *
 * A cross rate is computed from two quotes of the same source, base and day, as an exact fraction
 * rounded once, half up, to ten decimals. A rate that rounds to zero is dropped.
 */
export async function deriveRates(
  transaction: Transaction<Database>,
  reportingCurrency: string,
  daysMax: number,
): Promise<number> {
  await sql`set local work_mem = '96MB'`.execute(transaction)
  await sql`set local jit = off`.execute(transaction)
  const written = await sql<{ rows_written: number }>`
    with quoted as (
      select rate_source, base_currency_code, observed_date, currency_code, base_units,
        currency_units
      from etl.fx_quote
      union all
      select distinct rate_source, base_currency_code, observed_date, base_currency_code, 1, 1
      from etl.fx_quote
    ),
    crossed as (
      select one.currency_code, one.observed_date, one.rate_source, one.base_currency_code,
        div(
          20000000000 * one.base_units * own.currency_units + one.currency_units * own.base_units,
          2 * one.currency_units * own.base_units
        ) * 0.0000000001 as rate_to_reporting
      from quoted one
      join quoted own
        on own.rate_source = one.rate_source
        and own.base_currency_code = one.base_currency_code
        and own.observed_date = one.observed_date
        and own.currency_code = ${reportingCurrency}
      where one.currency_code <> ${reportingCurrency}
    ),
    best as (
      select distinct on (currency_code, observed_date)
        currency_code, observed_date, rate_to_reporting, rate_source
      from crossed
      where rate_to_reporting > 0 and rate_to_reporting < 10000000000
      order by currency_code, observed_date,
        array_position(${[...rateSources]}::text[], rate_source),
        base_currency_code <> ${reportingCurrency}, base_currency_code
    ),
    span as (
      select currency_code, observed_date, rate_to_reporting, rate_source,
        least(
          ${daysMax}::integer,
          lead(observed_date) over (partition by currency_code order by observed_date)
            - observed_date - 1
        ) as days_carried
      from best
    ),
    wanted as materialized (
      select span.currency_code, day.date_day as rate_date, span.rate_to_reporting,
        span.observed_date, span.rate_source
      from span
      cross join lateral generate_series(0, span.days_carried) as passed(days)
      join dw.dim_date day on day.date_day = span.observed_date + passed.days
      union all
      select ${reportingCurrency}, date_day, 1, date_day, 'identity'
      from dw.dim_date
    ),
    gone as (
      delete from dw.fx_rate old
      where not exists (
        select 1 from wanted
        where wanted.currency_code = old.currency_code and wanted.rate_date = old.rate_date)
      returning 1
    ),
    changed as (
      insert into dw.fx_rate
        (currency_code, rate_date, rate_to_reporting, observed_date, rate_source)
      select wanted.currency_code, wanted.rate_date, wanted.rate_to_reporting,
        wanted.observed_date, wanted.rate_source
      from wanted
      left join dw.fx_rate old
        on old.currency_code = wanted.currency_code and old.rate_date = wanted.rate_date
      where (old.rate_to_reporting, old.observed_date, old.rate_source)
        is distinct from (wanted.rate_to_reporting, wanted.observed_date, wanted.rate_source)
      order by wanted.currency_code, wanted.rate_date
      on conflict (currency_code, rate_date) do update
        set rate_to_reporting = excluded.rate_to_reporting,
            observed_date = excluded.observed_date,
            rate_source = excluded.rate_source
      returning 1
    )
    select (select count(*) from gone) + (select count(*) from changed) as rows_written`.execute(
    transaction,
  )
  return written.rows[0]?.rows_written ?? 0
}
