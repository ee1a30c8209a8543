import { amountText, formatMoney, type Money, parseMoney } from '../../transform/values/money.ts'
import type { ConversionExplained, ConvertedAmount, RateShown } from '../explanation.ts'
import { converted } from './arithmetic.ts'

/** Currency of amounts, and the day whose rate they are converted at. */
export interface RateDay {
  readonly currency: string
  /** Day of the amounts themselves; null for none. */
  readonly day: string | null
  /** What that day is, such as `the day of signing`. */
  readonly name: string
}

/** Rates by currency and day, today in UTC, and the currency of conversion. */
export interface Rates {
  readonly today: string
  readonly reportingCurrency: string
  readonly byCurrencyAndDay: ReadonlyMap<string, RateShown>
}

/** Amount to convert, and the column of a mart that has the result. */
export interface ToConvert {
  readonly column: string
  readonly label: string
  readonly amount: string | null
}

/** Day whose rate counts: that of the amounts, at the latest today. */
export function dayOfRate({ day }: Pick<RateDay, 'day'>, today: string): string | null {
  return day === null || day < today ? day : today
}

export function rateKey(currency: string, day: string): string {
  return `${currency} ${day}`
}

/** Explains how amounts of one currency and day are converted into the reporting currency. */
export function explainConversion(
  of: RateDay,
  amounts: readonly ToConvert[],
  { today, reportingCurrency, byCurrencyAndDay }: Rates,
): ConversionExplained {
  const day = dayOfRate(of, today)
  const rate = day === null ? undefined : byCurrencyAndDay.get(rateKey(of.currency, day))
  return {
    currency_code: of.currency,
    day,
    why: `${whyDay(of, today)} ${whyRate(of.currency, day, rate, reportingCurrency)}`,
    rate: rate ?? null,
    amounts: amounts.map((amount) =>
      convertedAmount(amount, rate, of.currency === reportingCurrency),
    ),
  }
}

function whyDay({ day, name }: RateDay, today: string): string {
  if (day === null) return 'The amounts have no day, so no rate applies.'
  if (day > today) {
    return `${name} ${day} is to come: until then the rate of today counts, and moves with it.`
  }
  return `The rate is that of ${name}, ${day}.`
}

function whyRate(
  currency: string,
  day: string | null,
  rate: RateShown | undefined,
  reportingCurrency: string,
): string {
  if (day === null) return 'They are not converted.'
  if (rate === undefined) {
    return `There is no rate of ${currency} for it, so nothing is converted: load one with \`cosell fx\`.`
  }
  if (currency === reportingCurrency) return `${currency} is the reporting currency itself.`
  const carried =
    rate.observed_date === day ? '' : `, quoted on ${rate.observed_date} and carried to that day`
  return `${rate.reporting_units} ${reportingCurrency} were worth ${rate.currency_units} ${currency} (${rate.source}${carried}).`
}

function convertedAmount(
  { column, label, amount }: ToConvert,
  rate: RateShown | undefined,
  isReportingCurrency: boolean,
): ConvertedAmount {
  const money = moneyOf(amount)
  if (money === null || rate === undefined) {
    return { column, label, amount, formula: null, reporting_amount: null }
  }
  const { reporting_units: reporting, currency_units: units } = rate
  return {
    column,
    label,
    amount,
    formula: isReportingCurrency ? null : `${formatMoney(money)} × ${reporting} ÷ ${units}`,
    reporting_amount: amountText(converted(money, reporting, units)),
  }
}

function moneyOf(text: string | null): Money | null {
  const parsed = text === null ? null : parseMoney(text)
  return parsed?.ok ? parsed.value : null
}
