import { CosellError } from '../errors.ts'

export interface RateFileOptions {
  /** Name of the input in messages. */
  readonly name: string
  readonly reportingCurrency: string
  /** Latest day that is accepted, YYYY-MM-DD. */
  readonly dayMax: string
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
  /** @throws CosellError `checkFailed` when the line does not match the header. */
  parseLine(record: readonly string[], line: number): FileRate[]
}

const euro = 'EUR'
/** First day of the euro. */
const dayMin = '1999-01-01'
export const headerExpected = 'the header of the ECB history (Date,USD,JPY,…) or currency,date,rate'

/**
 * Returns the layout that the header describes.
 *
 * @throws CosellError `checkFailed` when the header belongs to neither layout.
 */
export function detectLayout(
  header: readonly string[],
  line: number,
  options: RateFileOptions,
): RateLayout {
  const names = header.map((name) => name.toLowerCase())
  if ([...names].sort().join() === 'currency,date,rate') return plainLayout(names, options)
  if (names[0] === 'date' && names.length > 1) return euroLayout(header, line, options)
  throw invalidLine(options.name, line, headerExpected, header.join(','))
}

function plainLayout(names: readonly string[], options: RateFileOptions): RateLayout {
  const base = options.reportingCurrency
  const [currencyAt, dateAt, rateAt] = ['currency', 'date', 'rate'].map((it) => names.indexOf(it))
  return {
    source: 'manual',
    base,
    parseLine: (record, line) => {
      const at = { name: options.name, line }
      checkLength(at, record, names.length)
      const currency = parseCurrency(at, record[currencyAt ?? 0])
      const date = parseDay(at, record[dateAt ?? 1], options.dayMax)
      const rate = parseRate(at, record[rateAt ?? 2])
      if (currency === base && canonicalDecimal(rate) !== '1') {
        throw invalidLine(at.name, line, `1 for ${base}, the reporting currency`, rate)
      }
      return [{ line, currency, date, rate }]
    },
  }
}

function euroLayout(
  header: readonly string[],
  headerLine: number,
  options: RateFileOptions,
): RateLayout {
  const { name, reportingCurrency } = options
  const at = { name, line: headerLine }
  const columns = withoutTrailing(header).slice(1)
  const currencies = columns.map((column) => parseCurrency(at, column))
  const repeated = currencies.find((currency, no) => currencies.indexOf(currency) !== no)
  if (repeated !== undefined) throw invalidLine(name, headerLine, 'each currency once', repeated)
  if (currencies.includes(euro)) {
    throw invalidLine(name, headerLine, `no column ${euro}, the base currency`, euro)
  }
  if (reportingCurrency !== euro && !currencies.includes(reportingCurrency)) {
    const expected = `a column ${reportingCurrency}, the reporting currency, for the cross rates`
    throw invalidLine(name, headerLine, expected, currencies.join(','))
  }
  return {
    source: 'ECB',
    base: euro,
    parseLine: (record, line) => {
      const [day, ...cells] = withoutTrailing(record, currencies.length + 1)
      checkLength({ name, line }, [day ?? '', ...cells], currencies.length + 1)
      const date = parseDay({ name, line }, day, options.dayMax)
      return currencies.flatMap((currency, no) => {
        const cell = cells[no] ?? ''
        if (cell === '' || cell.toUpperCase() === 'N/A') return []
        return [{ line, currency, date, rate: parseRate({ name, line }, cell, currency) }]
      })
    },
  }
}

/** Drops the empty value after the comma with which the ECB ends every line. */
function withoutTrailing(record: readonly string[], length = 0): readonly string[] {
  return record.length > length && record.at(-1) === '' ? record.slice(0, -1) : record
}

interface LinePosition {
  readonly name: string
  readonly line: number
}

function checkLength({ name, line }: LinePosition, record: readonly string[], length: number) {
  if (record.length === length) return
  throw invalidLine(name, line, `${length} values, as in the header`, `${record.length} values`)
}

function parseCurrency({ name, line }: LinePosition, text = ''): string {
  const currency = text.toUpperCase()
  if (/^[A-Z]{3}$/.test(currency)) return currency
  throw invalidLine(name, line, 'a currency of three letters such as USD', text)
}

function parseDay({ name, line }: LinePosition, text = '', dayMax: string): string {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && isInCalendar(text)
  if (isDay && text >= dayMin && text <= dayMax) return text
  throw invalidLine(name, line, `a day as YYYY-MM-DD, from ${dayMin} to ${dayMax}`, text)
}

function isInCalendar(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  // Date.parse turns February 30 into March 1 or 2.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

function parseRate({ name, line }: LinePosition, text = '', currency = ''): string {
  if (/^\d{1,15}(\.\d{1,15})?$/.test(text) && /[1-9]/.test(text)) return text
  const expected = `a rate above zero as a plain decimal such as 1.0837, for ${currency}`
  throw invalidLine(name, line, expected.replace(/, for $/, ''), text)
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
