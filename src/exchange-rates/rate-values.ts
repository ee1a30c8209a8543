import { CosellError } from '../errors.ts'

export interface RateFileOptions {
  /** Name of the input in messages. */
  readonly name: string
  readonly reportingCurrency: string
  /** Latest day that is accepted, YYYY-MM-DD. */
  readonly dayMax: string
}

/** Where a line of a file is. */
export interface LinePosition {
  readonly name: string
  readonly line: number
}

/** One rate of a file. */
export interface FileRate {
  readonly line: number
  readonly currency: string
  /** YYYY-MM-DD. */
  readonly date: string
  /** Plain decimal above zero, as written in the file. */
  readonly rate: string
}

/** Layout of a file, detected from its header. */
export interface RateLayout {
  /** ECB: units of each currency for one of the base; manual: units of the base for one of each. */
  readonly source: 'ECB' | 'manual'
  readonly base: string
  /** Whether the file may lack the reporting currency, because it holds one series. */
  readonly isSeries: boolean
  /** @throws CosellError `checkFailed` when the line does not match the header. */
  parseLine(record: readonly string[], line: number): FileRate[]
}

export const euro = 'EUR'
/** First day of the euro. */
const dayMin = '1999-01-01'

export function checkLength(
  { name, line }: LinePosition,
  record: readonly string[],
  length: number,
) {
  if (record.length === length) return
  throw invalidLine(name, line, `${length} values, as in the header`, `${record.length} values`)
}

export function parseCurrency({ name, line }: LinePosition, text = ''): string {
  const currency = text.toUpperCase()
  if (/^[A-Z]{3}$/.test(currency)) return currency
  throw invalidLine(name, line, 'a currency of three letters such as USD', text)
}

/** Returns the day of a text; the first of the month for `2026-10`. */
export function parseDay({ name, line }: LinePosition, text = '', dayMax: string): string {
  const day = isoDay(text)
  if (isInCalendar(day) && day >= dayMin && day <= dayMax) return day
  throw invalidLine(name, line, `a day as YYYY-MM-DD, from ${dayMin} to ${dayMax}`, text)
}

const months =
  'January February March April May June July August September October November December'.split(' ')

/** Returns `2026-10-30` for 30 October 2026, as the ECB's daily file has it; an empty text for none. */
function isoDay(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return text
  if (/^\d{4}-\d\d$/.test(text)) return `${text}-01`
  const [, day = '', name = '', year = ''] = /^(\d{1,2}) ([A-Z][a-z]+) (\d{4})$/.exec(text) ?? []
  const month = months.findIndex((known) => known === name || known.slice(0, 3) === name) + 1
  return month === 0 ? '' : `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}`
}

function isInCalendar(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  // Date.parse turns February 30 into March 1 or 2.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

const decimalsMax = 24
/** Digits before the point that a stored quote has. */
const wholeDigitsMax = 15

/**
 * Returns the rate as written. It has up to 15 digits before the point and 24 after it; more than 15
 * after it are stored by moving the point, so they count before it.
 */
export function parseRate({ name, line }: LinePosition, text = '', currency = ''): string {
  const [, whole = '', fraction = ''] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? []
  const kept = fraction.replace(/0+$/, '')
  const moved = Math.max(0, kept.length - quoteDecimals)
  const isShort = whole.length + moved <= wholeDigitsMax && kept.length <= decimalsMax
  if (isShort && /[1-9]/.test(whole + kept)) return text
  const expected = `a rate above zero as a plain decimal such as 1.0837, for ${currency}`
  throw invalidLine(name, line, expected.replace(/, for $/, ''), text)
}

/** Digits after the point that a stored quote has. */
const quoteDecimals = 15

/**
 * Returns a rate as units of two currencies whose quotient it is exactly, each with at most 15
 * decimals: 0.27224589249009701 is 27.224589249009701 for 100.
 */
export function asUnits(rate: string): readonly [units: string, ofUnits: string] {
  const [whole = '', fraction = ''] = canonicalDecimal(rate).split('.')
  const moved = fraction.length - quoteDecimals
  if (moved <= 0) return [rate, '1']
  const units = `${whole}${fraction.slice(0, moved)}.${fraction.slice(moved)}`
  return [canonicalDecimal(units), `1${'0'.repeat(moved)}`]
}

/** Returns a decimal without superfluous zeros: 1.5 for 1.50, 01.5 and 1.5. */
export function canonicalDecimal(rate: string): string {
  const [whole = '', fraction = ''] = rate.split('.')
  const digits = fraction.replace(/0+$/, '')
  return `${whole.replace(/^0+(?=\d)/, '')}${digits === '' ? '' : `.${digits}`}`
}

const gotLengthMax = 80

export function invalidLine(
  name: string,
  line: number,
  expected: string,
  got: string,
): CosellError {
  const shown = got.length > gotLengthMax ? `${got.slice(0, gotLengthMax)}…` : got
  const text =
    `${name}:${line}: expected ${expected}, got ${JSON.stringify(shown)}. ` +
    'Nothing was loaded; fix the file, then run again.'
  return new CosellError('rates.invalid', text)
}
