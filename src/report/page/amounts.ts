import { html, isolated, type Markup } from '../html.ts'
import type { Amounts, CurrencyAmount, Group } from '../report-data.ts'
import { addDecimals, counted, exact, short, signed, sumByCurrency, whole } from './format.ts'

/** Reporting currency, and whether amounts can be converted into it. */
export interface Conversion {
  readonly currency: string
  readonly minorUnit: number
  readonly isConverted: boolean
}

/** Length of a bar: the converted amount, or the number of items without rates. */
export function measure({ isConverted }: Conversion, { amounts, count }: Group): string {
  return isConverted ? (amounts.converted ?? '0') : String(count)
}

/** Column heading above `amountCell`. */
export function amountHead({ currency, isConverted }: Conversion, name: string): string {
  return isConverted ? `${name}, ${currency}` : `${name} by currency`
}

/**
 * Exact converted sum with the unconverted amounts below it. Without rates: short amounts of all
 * currencies.
 */
export function amountCell({ minorUnit, isConverted }: Conversion, amounts: Amounts): Markup {
  if (!isConverted) {
    const brief = amounts.by_currency.map(
      (one, index) =>
        html`${index === 0 ? '' : ', '}<span class="line" title="${exact(one.amount, one.minor_unit)}">${isolated(one.currency_code)} ${short(one.amount)}</span>`,
    )
    return html`${brief.length === 0 ? '–' : brief}`
  }
  const { converted, unconverted } = amounts
  const rest = unconverted.map((one) => html`<small>+ ${currencyAmount(one)}</small>`)
  const sum = converted === null ? '–' : exact(converted, minorUnit)
  return html`<span class="number">${sum}</span>${rest}`
}

/** Short converted amount, or the number of items without rates. */
export function briefAmount(
  { currency, isConverted }: Conversion,
  group: Group,
  many: string,
): string {
  if (!isConverted) return counted(group.count, many.replace(/s$/, ''), many)
  return `${currency} ${short(group.amounts.converted ?? '0')}`
}

/** What one group has more than another. */
interface Difference {
  readonly count: number
  /** In the reporting currency. */
  readonly converted: string
  /** Whether the amount in any currency differs, also in one without a rate. */
  readonly isOfAmounts: boolean
}

export const nothing: Group = {
  label: '',
  count: 0,
  amounts: { converted: null, unconverted: [], by_currency: [] },
}

export function differenceOf(later: Group, earlier: Group): Difference {
  const codes = [later, earlier].flatMap(({ amounts }) =>
    amounts.by_currency.map(({ currency_code }) => currency_code),
  )
  const amountIn = (group: Group, code: string) =>
    group.amounts.by_currency.find(({ currency_code }) => currency_code === code)?.amount ?? '0'
  return {
    count: later.count - earlier.count,
    converted: subtract(later.amounts.converted ?? '0', earlier.amounts.converted ?? '0'),
    isOfAmounts: codes.some((code) =>
      isNonzero(subtract(amountIn(later, code), amountIn(earlier, code))),
    ),
  }
}

function subtract(one: string, other: string): string {
  return addDecimals(one, other.startsWith('-') ? other.slice(1) : `-${other}`)
}

function isNonzero(amount: string): boolean {
  return /[1-9]/.test(amount)
}

/**
 * Change in words, such as +3 deals, +USD 1.2M, or no change; the number alone where no rate says
 * what the amounts make.
 */
export function briefChange(
  { currency, isConverted }: Conversion,
  { count: more, converted, isOfAmounts }: Difference,
  many: string,
): string {
  const hasSum = isConverted && isNonzero(converted)
  if (more === 0 && !isOfAmounts) return 'no change'
  const noun = Math.abs(more) === 1 ? many.replace(/s$/, '') : many
  const number = `${signed(more, (count) => whole(Number(count)))} ${noun}`
  if (!hasSum) return number
  return `${number}, ${signed(converted, (amount) => `${currency} ${short(amount)}`)}`
}

/** Note on amounts without a rate; null when all amounts have one. */
export function unconvertedNote(
  { isConverted }: Conversion,
  groups: readonly Group[],
): Markup | null {
  const missing = sumByCurrency(groups.map(({ amounts }) => amounts))
  if (!isConverted || missing.length === 0) return null
  const count = missing.reduce((sum, one) => sum + one.count, 0)
  const list = missing.map(
    (one, index) => html`${index === 0 ? '' : ', '}${currencyAmount(one)} (${one.count})`,
  )
  return html`<span>Not included, no exchange rate: ${counted(count, 'amount')}, ${list}.</span>`
}

export function currencyAmount({
  currency_code,
  minor_unit,
  amount,
}: Omit<CurrencyAmount, 'count'>): Markup {
  return html`<span class="number">${isolated(currency_code)} ${exact(amount, minor_unit)}</span>`
}
