import type { Amounts, CurrencyAmount } from '../report-data.ts'

const locale = 'en-US'
type Decimal = `${number}`

/**
 * Formats an amount to its last digit, with at least the decimals of its currency. `Intl` reads decimal
 * text exactly, without a double. What it knows of currencies changes with the version of Node.js, so
 * `minorUnit` comes from `dw.dim_currency`.
 */
export function exact(amount: string, minorUnit: number): string {
  return new Intl.NumberFormat(locale, {
    minimumFractionDigits: minorUnit,
    maximumFractionDigits: Math.max(minorUnit, 4),
  }).format(amount as Decimal)
}

const brief = new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 })

/** Formats an amount in at most three digits, such as 1.23M. */
export function short(amount: string): string {
  return brief.format(amount as Decimal)
}

export function whole(count: number): string {
  return count.toLocaleString(locale)
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`
}

const dash = '–'

/** Formats a share in percent; a dash when `of` is zero. */
export function percent(part: number, of: number): string {
  if (of === 0) return dash
  return (part / of).toLocaleString(locale, { style: 'percent', maximumFractionDigits: 0 })
}

/** Formats days with at most one decimal; a dash when unknown. */
export function days(count: number | null): string {
  if (count === null) return dash
  const text = decimal(count)
  return text === '0' ? 'same day' : text
}

/** Formats a number with at most one decimal. */
export function decimal(count: number): string {
  return count.toLocaleString(locale, { maximumFractionDigits: 1 })
}

/** Formats a change with its sign; an amount in at most three digits, such as +1.23M. */
export function signed(change: string | number, format: (value: string) => string): string {
  const text = String(change)
  const isBelow = text.startsWith('-')
  const size = format(isBelow ? text.slice(1) : text)
  return Number(text) === 0 ? '±0' : `${isBelow ? '−' : '+'}${size}`
}

/** Formats an instant to the minute, in UTC. */
export function minute(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`
}

/** Returns the name of a country, or the code itself when it is unknown. */
export function countryName(code: string): string {
  if (code === '') return '(not given)'
  try {
    return new Intl.DisplayNames(locale, { type: 'region' }).of(code) ?? code
  } catch {
    return code
  }
}

/** Adds up the unconverted amounts of several groups by currency. */
export function sumByCurrency(all: readonly Pick<Amounts, 'unconverted'>[]): CurrencyAmount[] {
  const sums = new Map<string, CurrencyAmount>()
  for (const one of all.flatMap(({ unconverted }) => unconverted)) {
    const known = sums.get(one.currency_code)
    const count = one.count + (known?.count ?? 0)
    const amount = addDecimals(one.amount, known?.amount ?? '0')
    sums.set(one.currency_code, { ...one, count, amount })
  }
  return [...sums.values()].sort((one, other) => (one.currency_code < other.currency_code ? -1 : 1))
}

const scale = 4

export function addDecimals(one: string, other: string): string {
  const sum = scaled(one) + scaled(other)
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, '0')
  return `${sum < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

function scaled(decimal: string): bigint {
  const [digits = '0', fraction = ''] = decimal.split('.')
  return BigInt(digits + fraction.padEnd(scale, '0').slice(0, scale))
}
