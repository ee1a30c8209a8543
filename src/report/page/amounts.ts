import { foreign, html, type Markup } from '../html.ts'
import type { Amounts, CurrencyAmount, Group } from '../report-data.ts'
import { byCurrency, counted, exact, short } from './format.ts'

/** In which currency the page adds amounts up, or that it cannot. */
export interface Money {
  readonly currency: string
  readonly isConverted: boolean
}

/** What bars and columns are as long as: the value where there is one for all, else the number. */
export function measure({ isConverted }: Money, { amounts, count }: Group): string {
  return isConverted ? (amounts.converted ?? '0') : String(count)
}

/** Heads a column of `amountCell`. */
export function amountHead({ currency, isConverted }: Money, name: string): string {
  return isConverted ? `${name}, ${currency}` : `${name} by currency`
}

/**
 * The sum to the last digit, with what has no rate below it in its own currency; briefly in all
 * currencies where there are no rates.
 */
export function amountCell({ currency, isConverted }: Money, amounts: Amounts): Markup {
  if (!isConverted) {
    const briefly = amounts.by_currency.map(
      (one, index) =>
        html`${index === 0 ? '' : ', '}<span class="line" title="${exact(one.amount, one.currency_code)}">${foreign(one.currency_code)} ${short(one.amount)}</span>`,
    )
    return html`${briefly.length === 0 ? '–' : briefly}`
  }
  const { converted, unconverted } = amounts
  const left = unconverted.map((one) => html`<small>+ ${inCurrency(one)}</small>`)
  const sum = converted === null ? '–' : exact(converted, currency)
  return html`<span class="number">${sum}</span>${left}`
}

/** An amount for a glance. */
export function glance({ currency, isConverted }: Money, group: Group, many: string): string {
  if (!isConverted) return counted(group.count, many.replace(/s$/, ''), many)
  return `${currency} ${short(group.amounts.converted ?? '0')}`
}

/** Says which amounts of the groups have no rate; nothing when all have one. */
export function leftOut({ isConverted }: Money, groups: readonly Group[]): Markup | null {
  const missing = byCurrency(groups.map(({ amounts }) => amounts))
  if (!isConverted || missing.length === 0) return null
  const count = missing.reduce((sum, one) => sum + one.count, 0)
  const list = missing.map(
    (one, index) => html`${index === 0 ? '' : ', '}${inCurrency(one)} (${one.count})`,
  )
  return html`<span>Left out for want of a rate: ${counted(count, 'amount')}, ${list}.</span>`
}

export function inCurrency({ currency_code, amount }: CurrencyAmount): Markup {
  return html`<span class="number">${foreign(currency_code)} ${exact(amount, currency_code)}</span>`
}
