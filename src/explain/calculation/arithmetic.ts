import type { Months } from '../../transform/contract/acv.ts'
import {
  divideRounded,
  fitsMoney,
  formatFixed,
  formatMoney,
  type Money,
} from '../../transform/values/money.ts'

/** Decimals that an unrounded result is shown with. */
const shownDecimals = 10
const moneyDecimals = 4

/** Months as people count them: `36`, or `35 + 12/31`, whole ones and the share of the one begun. */
export function monthsText({ numerator, denominator }: Months): string {
  const whole = numerator / denominator
  const rest = numerator % denominator
  if (rest === 0n) return `${whole}`
  return whole === 0n ? `${rest}/${denominator}` : `${whole} + ${rest}/${denominator}`
}

/** `monthsText` as a factor of a formula. */
export function monthsFactor(months: Months): string {
  const text = monthsText(months)
  return text.includes(' ') ? `(${text})` : text
}

/**
 * A quotient of amounts with ten decimals, cut; ends with `…` when it has more. The numerator is in
 * ten-thousandths, as money is.
 */
export function unrounded(numerator: Money, denominator: bigint): string {
  const scaled = numerator * 10n ** BigInt(shownDecimals - moneyDecimals)
  const text = formatFixed(scaled / denominator, shownDecimals)
  if (scaled % denominator !== 0n) return `${text}…`
  return text.replace(/\.?0+$/, '')
}

/** The step to which results are rounded, such as `0.01`. */
export function stepText(step: bigint): string {
  return formatMoney(step)
}

/**
 * An amount in the reporting currency, as the marts compute it: by both quotes, rounded once, half
 * away from zero, to four decimals. Null when it has more than 15 digits before the point.
 *
 * @param reportingUnits and `currencyUnits` are decimal text, as in `dw.fx_rate`.
 */
export function converted(
  amount: Money,
  reportingUnits: string,
  currencyUnits: string,
): Money | null {
  const [reporting, currency] = [toFraction(reportingUnits), toFraction(currencyUnits)]
  const money = divideRounded(
    amount * reporting.digits * currency.scale,
    currency.digits * reporting.scale,
  )
  return fitsMoney(money) ? money : null
}

function toFraction(decimal: string): { digits: bigint; scale: bigint } {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return { digits: BigInt(whole + fraction), scale: 10n ** BigInt(fraction.length) }
}
