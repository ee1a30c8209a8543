// Pure: how amounts are shown. They stay decimal text; only the size of a bar is a double.

import {
  addDecimals,
  exact,
  short,
  signed,
  sumByCurrency,
  whole,
} from '../../../report/page/format.ts'
import type { Amounts, Choices, Figure } from '../../answers.ts'

/**
 * How amounts are shown: converted into the reporting currency, those of one currency alone, or, where
 * no rates are loaded, each currency by itself.
 */
export interface Money {
  readonly kind: 'converted' | 'one' | 'each'
  readonly currency: string
  readonly minorUnit: number
}

export function moneyOf(choices: Choices, currency: string | null): Money {
  if (currency !== null) {
    return { kind: 'one', currency, minorUnit: minorUnitOf(choices, currency) }
  }
  return {
    kind: choices.is_converted ? 'converted' : 'each',
    currency: choices.reporting_currency,
    minorUnit: choices.reporting_minor_unit,
  }
}

/** Decimals of a currency; 2 for one that no referral has. */
export function minorUnitOf({ currencies }: Choices, code: string): number {
  return currencies.find(({ value }) => value === code)?.minor_unit ?? 2
}

/** Exact sum in the currency that is shown; null without one. */
export function sumOf(money: Money, amounts: Amounts): string | null {
  if (money.kind === 'each') return null
  if (money.kind === 'converted') return amounts.converted
  return amounts.by_currency.find((one) => one.currency_code === money.currency)?.amount ?? null
}

/** Size of a bar. Only here does an amount become a double: a pixel needs no more digits. */
export function sizeOf(money: Money, { amounts, count }: Figure): number {
  return money.kind === 'each' ? count : Number(sumOf(money, amounts) ?? 0)
}

/** Heading above amounts. */
export function amountHead({ kind, currency }: Money, name: string): string {
  return kind === 'each' ? `${name} by currency` : `${name}, ${currency}`
}

/** Short text of a figure for tiles and tooltips: the amount, or the number without rates. */
export function brief(money: Money, figure: Figure, many: string): string {
  if (money.kind === 'each') return `${whole(figure.count)} ${many}`
  return `${money.currency} ${short(sumOf(money, figure.amounts) ?? '0')}`
}

/** Exact difference of two sums with its sign, such as +1,234.50; empty where it cannot be told. */
export function changeOf(money: Money, now: Amounts, before: Amounts): string {
  if (money.kind === 'each') return ''
  const [one, other] = [sumOf(money, now) ?? '0', sumOf(money, before) ?? '0']
  return signed(subtract(one, other), (size) => exact(size, money.minorUnit))
}

/** Exact difference of two decimals of up to four places. */
export function subtract(one: string, other: string): string {
  return addDecimals(one, other.startsWith('-') ? other.slice(1) : `-${other}`)
}

/** Amounts without a rate in any of the figures, as a sentence; null when all have one. */
export function unconvertedNote(money: Money, figures: readonly Figure[]): string | null {
  if (money.kind !== 'converted') return null
  const missing = sumByCurrency(figures.map(({ amounts }) => amounts))
  if (missing.length === 0) return null
  const list = missing.map(
    ({ currency_code, amount, minor_unit, count }) =>
      `${currency_code} ${exact(amount, minor_unit)} (${count})`,
  )
  return `Not included, no exchange rate: ${list.join(', ')}.`
}
