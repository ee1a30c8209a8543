import { sql } from 'kysely'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { dayOfRate, type RateDay, type Rates, rateKey } from './calculation/conversion.ts'
import type { RateShown } from './explanation.ts'

/** Reads the rates of some currencies and days, which may depend on today. */
export async function readRates(
  query: Kysely<Database>,
  wanted: (today: string) => readonly RateDay[],
): Promise<Rates> {
  const { rows } = await sql<{ today: string; reporting: string | null }>`
    select
      (now() at time zone 'utc')::date as today,
      (
        select setting.setting_value
        from etl.setting setting
        where setting.setting_name = 'reporting_currency'
      ) as reporting`.execute(query)
  const { today = '', reporting } = rows[0] ?? {}
  const pairs = wanted(today).flatMap((of) => {
    const day = dayOfRate(of, today)
    return day === null ? [] : [{ currency: of.currency, day }]
  })
  const found = await query
    .selectFrom('dw.fx_rate')
    .select([
      'currency_code',
      'rate_date',
      'reporting_units',
      'currency_units',
      'rate_to_reporting',
      'observed_date',
      'rate_source as source',
    ])
    .where(
      sql<boolean>`(currency_code, rate_date) in (
        select *
        from unnest(
          ${pairs.map(({ currency }) => currency)}::text[],
          ${pairs.map(({ day }) => day)}::date[]
        )
      )`,
    )
    .execute()
  return {
    today,
    reportingCurrency: reporting ?? 'USD',
    byCurrencyAndDay: new Map(
      found.map(({ currency_code, rate_date, ...rate }): [string, RateShown] => [
        rateKey(currency_code, rate_date),
        {
          ...rate,
          reporting_units: withoutZeros(rate.reporting_units),
          currency_units: withoutZeros(rate.currency_units),
        },
      ]),
    ),
  }
}

/** The column pads a quote to its scale. */
function withoutZeros(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal
}
