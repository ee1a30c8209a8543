import { type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { rateSources } from './quotes.ts'

/** Row of `etl.setting` with the version of the rules that `dw.fx_rate` follows. */
export const rateRulesName = 'fx_rate_rules_version'
/** Goes up when the rules below change; the next run then derives the rates again. */
export const rateRulesVersion = '2'

/**
 * Derives `dw.fx_rate` from `etl.fx_quote` for one reporting currency and returns the number of
 * changed rows. A rate is carried until the next one, at most `daysMax` days or as long as its quote
 * says. No clock is read, so it is also carried into the future.
 *
 * A cross rate is two quotes of the same source, base and day. Both are kept with all digits, as units
 * of one currency and of the other. `rate_to_reporting` is their quotient rounded once, half up, to
 * ten decimals; a rate that rounds to zero, or reaches `rateMax`, is dropped.
 *
 * A currency that joined the euro has its conversion rate from the changeover on, whatever a file
 * says: the rate of the euro and the fixed units of `dw.dim_currency`.
 */
export async function deriveRates(
  transaction: Transaction<Database>,
  reportingCurrency: string,
  daysMax: number,
): Promise<number> {
  await sql`set local work_mem = '96MB'`.execute(transaction)
  await sql`set local jit = off`.execute(transaction)
  await storeRulesVersion(transaction)
  const written = await sql<{ rows_written: number }>`
    with ${quoted(reportingCurrency)},
    crossed as (
      select one.currency_code, one.observed_date, one.rate_source, one.base_currency_code,
        one.days_carried_max, one.changeover_date, one.base_units * own.currency_units as above,
        one.currency_units * own.base_units as below
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
        currency_code, observed_date, above, below, rate_source, days_carried_max, changeover_date
      from crossed
      where 20000000000 * above >= below and above < ${sql.lit(rateMax)} * below
      order by currency_code, observed_date,
        array_position(${[...rateSources]}::text[], rate_source),
        base_currency_code <> ${reportingCurrency}, base_currency_code
    ),
    ${spans(reportingCurrency, daysMax)},
    wanted as materialized (
      select scaled.currency_code, day.at::date as rate_date, scaled.rate_to_reporting,
        scaled.reporting_units, scaled.currency_units,
        coalesce(scaled.observed_date, day.at::date) as observed_date, scaled.rate_source
      from (${inUnits(sql`(
        select * from span
        union all
        select joined.currency_code, 'fixed', euro.above, euro.below * joined.units_per_euro,
          euro.observed_date, greatest(euro.from_date, joined.euro_changeover_date), euro.to_date
        from span euro
        join dw.dim_currency joined on joined.euro_changeover_date <= euro.to_date
        where euro.currency_code = 'EUR' and joined.currency_code <> ${reportingCurrency}
      )`)}) scaled
      cross join lateral generate_series(
        scaled.from_date::timestamp, scaled.to_date::timestamp, interval '1 day'
      ) as day(at)
    ),
    ${replaced}
    select (select count(*) from gone) + (select count(*) from changed) as rows_written`.execute(
    transaction,
  )
  return written.rows[0]?.rows_written ?? 0
}

/** A converted amount of 15 digits then fits into the columns of the marts. */
const rateMax = 10_000_000

/**
 * Quotes that count, and their base currencies as quotes of 1. Where the reporting currency joined
 * the euro, its fixed rate stands beside the quotes of the euro.
 */
const quoted = (reportingCurrency: string) => sql`
    published as (
      select quote.rate_source, quote.base_currency_code, quote.observed_date, quote.currency_code,
        quote.base_units, quote.currency_units, quote.days_carried_max,
        currency.euro_changeover_date as changeover_date
      from etl.fx_quote quote
      left join dw.dim_currency currency on currency.currency_code = quote.currency_code
      where quote.observed_date < coalesce(currency.euro_changeover_date, 'infinity')
      union all
      select rate_source, base_currency_code, observed_date, base_currency_code, 1, 1,
        min(days_carried_max), null::date
      from etl.fx_quote
      group by rate_source, base_currency_code, observed_date
    ),
    quoted as (
      select * from published
      union all
      select euro.rate_source, euro.base_currency_code, euro.observed_date, own.currency_code,
        euro.base_units, euro.currency_units * own.units_per_euro, euro.days_carried_max, null
      from published euro
      join dw.dim_currency own on own.euro_changeover_date <= euro.observed_date
      where euro.currency_code = 'EUR' and own.currency_code = ${reportingCurrency}
    )`

/**
 * Days for which each of the `best` rates is used, within the calendar and before the euro came; the
 * reporting currency has all.
 */
const spans = (reportingCurrency: string, daysMax: number) => sql`
    calendar as (
      select min(date_day) as first_date, max(date_day) as last_date
      from dw.dim_date
    ),
    span as (
      select best.currency_code, best.rate_source, best.above, best.below, best.observed_date,
        greatest(best.observed_date, calendar.first_date) as from_date,
        least(
          best.observed_date + coalesce(best.days_carried_max, ${daysMax}::integer),
          lead(best.observed_date) over (
            partition by best.currency_code order by best.observed_date
          ) - 1,
          best.changeover_date - 1,
          calendar.last_date
        ) as to_date
      from best
      cross join calendar
      union all
      select ${reportingCurrency}, 'identity', 1, 1, null, first_date, last_date
      from calendar
    )`

/**
 * Query of the spans with `above` and `below` as columns of 15 decimals and 28 digits. Both are
 * multiplied by the same power of ten where they have more decimals. Two quotes that are too long for
 * that together become one of 28 digits.
 */
const inUnits = (rates: RawBuilder<unknown>) => sql`
      select short.currency_code, short.rate_source, short.observed_date, short.from_date,
        short.to_date,
        div(20000000000 * above + below, 2 * below) * 0.0000000001 as rate_to_reporting,
        case when is_short then above * factor else round(above * single / below, 15) end
          as reporting_units,
        case when is_short then below * factor else single end as currency_units
      from (
        select rates.*, factor,
          case when above < below then 1000000000000 else 1000000 end::numeric as single,
          greatest(above, below) * factor < 10000000000000 as is_short
        from ${rates} rates
        cross join lateral (
          select 10::numeric ^ greatest(
            0, min_scale(rates.above) - 15, min_scale(rates.below) - 15
          ) as factor
        ) as power
      ) short`

/** Makes `dw.fx_rate` the rows of `wanted`, and touches only those that differ. */
const replaced = sql`gone as (
      delete from dw.fx_rate old
      where not exists (
        select 1 from wanted
        where wanted.currency_code = old.currency_code and wanted.rate_date = old.rate_date)
      returning 1
    ),
    changed as (
      insert into dw.fx_rate
        (currency_code, rate_date, rate_to_reporting, reporting_units, currency_units,
          observed_date, rate_source)
      select wanted.currency_code, wanted.rate_date, wanted.rate_to_reporting,
        wanted.reporting_units, wanted.currency_units, wanted.observed_date, wanted.rate_source
      from wanted
      left join dw.fx_rate old
        on old.currency_code = wanted.currency_code and old.rate_date = wanted.rate_date
      where (old.rate_to_reporting, old.reporting_units, old.currency_units, old.observed_date,
          old.rate_source)
        is distinct from (wanted.rate_to_reporting, wanted.reporting_units, wanted.currency_units,
          wanted.observed_date, wanted.rate_source)
      order by wanted.currency_code, wanted.rate_date
      on conflict (currency_code, rate_date) do update
        set rate_to_reporting = excluded.rate_to_reporting,
            reporting_units = excluded.reporting_units,
            currency_units = excluded.currency_units,
            observed_date = excluded.observed_date,
            rate_source = excluded.rate_source
      returning 1
    )`

async function storeRulesVersion(transaction: Transaction<Database>): Promise<void> {
  await transaction
    .insertInto('etl.setting')
    .values({ setting_name: rateRulesName, setting_value: rateRulesVersion })
    .onConflict((on) =>
      on
        .column('setting_name')
        .doUpdateSet({ setting_value: rateRulesVersion })
        .where('etl.setting.setting_value', '<>', rateRulesVersion),
    )
    .execute()
}
