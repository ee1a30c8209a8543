import { sql } from 'kysely'
import type { Transaction } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { Quotes } from './quotes.ts'
import { type FileRate, invalidLine } from './rate-values.ts'

/** Factor between two rates from which on one of them counts as turned round. */
const factorMax = 100
/** Days between two rates of a currency that may be compared; money can lose its worth in a year. */
const neighbourDaysMax = 92
const dayMs = 24 * 60 * 60_000

/**
 * Compares the rates of a file with their neighbours. A rate turned round, such as 16250 for
 * 0.0000615, is a hundredfold or a hundredth of the last one before it.
 *
 * @throws CosellError `checkFailed` with the line of the rate.
 */
export function checkNeighbours(rates: Iterable<FileRate>, name: string): void {
  const before = new Map<string, FileRate>()
  const byDay = [...rates].sort((one, other) => (one.date < other.date ? -1 : 1))
  for (const rate of byDay) {
    const known = before.get(rate.currency)
    if (known !== undefined && isNear(known, rate) && isFarOff(rate.rate, known.rate)) {
      const expected =
        `a rate of ${rate.currency} on ${rate.date} less than ${factorMax} times off the ` +
        `${known.rate} of ${known.date} (line ${known.line}), one of the two turned round`
      throw invalidLine(name, rate.line, expected, rate.rate)
    }
    before.set(rate.currency, rate)
  }
}

function isNear(one: FileRate, other: FileRate): boolean {
  return Date.parse(other.date) - Date.parse(one.date) <= neighbourDaysMax * dayMs
}

function isFarOff(one: string, other: string): boolean {
  const factor = Number(one) / Number(other)
  return factor >= factorMax || factor <= 1 / factorMax
}

/** Stored rate that is far off its neighbour; both in units of `measure`. */
interface FarOff {
  readonly currency_code: string
  readonly observed_date: string
  readonly rate: string
  readonly other_rate: string
  readonly other_date: string
  readonly other_source: string
  readonly measure: string
}

/** First and last day of the quotes that a load wrote. */
export interface WrittenDays {
  readonly from: string
  readonly to: string
}

/** Queries that end with `measured`: the rates of all sources around the written days. */
const measured = ({ from, to }: WrittenDays, reportingCurrency: string) => sql`
    with near as materialized (
      select rate_source, base_currency_code, observed_date, currency_code, base_units,
        currency_units
      from etl.fx_quote
      where observed_date between ${from}::date - ${neighbourDaysMax}::integer
        and ${to}::date + ${neighbourDaysMax}::integer
    ),
    unit as (
      select rate_source, base_currency_code, observed_date, base_units, currency_units
      from near
      where currency_code = ${reportingCurrency}
      union all
      select distinct rate_source, base_currency_code, observed_date, 1, 1
      from near
      where base_currency_code = ${reportingCurrency}
    ),
    measured as (
      select near.currency_code, near.observed_date, near.rate_source, near.base_currency_code,
        case when unit.base_units is null then near.base_currency_code
          else ${reportingCurrency}
        end as measure,
        near.base_units * coalesce(unit.currency_units, 1)
          / (near.currency_units * coalesce(unit.base_units, 1)) as rate
      from near
      left join unit
        on unit.rate_source = near.rate_source
        and unit.base_currency_code = near.base_currency_code
        and unit.observed_date = near.observed_date
        and near.currency_code <> ${reportingCurrency}
    )`

/**
 * Compares the stored quotes of a file with their neighbours in time, of whatever file or source.
 * Quotes of another source on the same day are neighbours. All are measured in the reporting
 * currency, and in their base where they have no quote of it on their day.
 *
 * @throws CosellError `checkFailed` with the line of the first rate that is a hundredfold or a
 * hundredth of a neighbour.
 */
export async function rejectTurnedRound(
  transaction: Transaction<Database>,
  { source, base, quotes }: Quotes,
  written: WrittenDays,
  { name, reportingCurrency }: { readonly name: string; readonly reportingCurrency: string },
): Promise<void> {
  const { rows } = await sql<FarOff>`
    ${measured(written, reportingCurrency)},
    compared as (
      select measured.*, lag(rate) over neighbour as rate_before,
        lag(observed_date) over neighbour as date_before,
        lag(rate_source) over neighbour as source_before,
        lead(rate) over neighbour as rate_after,
        lead(observed_date) over neighbour as date_after,
        lead(rate_source) over neighbour as source_after
      from measured
      window neighbour as (
        partition by measure, currency_code
        order by observed_date, rate_source, base_currency_code
      )
    )
    select currency_code, observed_date, measure, rate::float8::text as rate,
      other_rate::float8::text as other_rate, other_date, other_source
    from compared
    cross join lateral (
      values (rate_before, date_before, source_before), (rate_after, date_after, source_after)
    ) as other(other_rate, other_date, other_source)
    where rate_source = ${source}
      and base_currency_code = ${base}
      and abs(other_date - observed_date) <= ${neighbourDaysMax}::integer
      and (rate >= ${factorMax}::numeric * other_rate or other_rate >= ${factorMax}::numeric * rate)
    order by observed_date, currency_code, other_date, other_source`.execute(transaction)
  const lines = new Map(quotes.map(({ currency, date, line }) => [`${currency} ${date}`, line]))
  for (const row of rows) {
    const line = lines.get(`${row.currency_code} ${row.observed_date}`)
    if (line === undefined) continue
    const expected =
      `a rate of ${row.currency_code} on ${row.observed_date} less than ${factorMax} times off the ` +
      `stored ${row.other_rate} ${row.measure} of ${row.other_date} (${row.other_source}), one of ` +
      'the two turned round; a stored one is replaced by loading its file again'
    throw invalidLine(name, line, expected, `${row.rate} ${row.measure}`)
  }
}
