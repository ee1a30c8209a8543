import { html, isolated, type Markup } from '../html.ts'
import type { Amounts, CurrencyAmount, Group } from '../report-data.ts'
import { counted, exact, short, sumByCurrency } from './format.ts'

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
