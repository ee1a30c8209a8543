import { CosellError } from '../errors.ts'

export interface RateFileOptions {
  /** What messages call the input. */
  readonly name: string
  readonly reportingCurrency: string
  /** Last day that a rate may be of, YYYY-MM-DD. */
  readonly dayMax: string
}

/** One rate of a file. */
export interface RateCell {
  readonly line: number
  readonly currency: string
  /** YYYY-MM-DD. */
  readonly date: string
  /** A plain decimal above zero, as it stands in the file. */
  readonly rate: string
}

/** How the lines of a file are read, which its header tells. */
export interface RateLayout {
  /** ECB: units of each currency for one of the base; manual: units of the base for one of each. */
  readonly source: 'ECB' | 'manual'
  readonly base: string
  /** @throws CosellError `checkFailed` when the line does not hold what the header promises. */
  cellsOf(record: readonly string[], line: number): RateCell[]
}

const euro = 'EUR'
/** The euro's first. */
const dayMin = '1999-01-01'
export const headerExpected = 'the header of the ECB history (Date,USD,JPY,…) or currency,date,rate'

/** @throws CosellError `checkFailed` when the header is of neither layout. */
export function layoutOf(
  header: readonly string[],
  line: number,
  options: RateFileOptions,
): RateLayout {
  const names = header.map((name) => name.toLowerCase())
  if ([...names].sort().join() === 'currency,date,rate') return plainLayout(names, options)
  if (names[0] === 'date' && names.length > 1) return euroLayout(header, line, options)
  throw wrong(options.name, line, headerExpected, header.join(','))
}

function plainLayout(names: readonly string[], options: RateFileOptions): RateLayout {
  const base = options.reportingCurrency
  const [currencyAt, dateAt, rateAt] = ['currency', 'date', 'rate'].map((it) => names.indexOf(it))
  return {
    source: 'manual',
    base,
    cellsOf: (record, line) => {
      const at = { name: options.name, line }
      refuseOtherLength(at, record, names.length)
      const currency = currencyIn(at, record[currencyAt ?? 0])
      const date = dayIn(at, record[dateAt ?? 1], options.dayMax)
      const rate = rateIn(at, record[rateAt ?? 2])
      if (currency === base && canonical(rate) !== '1') {
        throw wrong(at.name, line, `1 for ${base}, the reporting currency`, rate)
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
  const currencies = columns.map((column) => currencyIn(at, column))
  const twice = currencies.find((currency, no) => currencies.indexOf(currency) !== no)
  if (twice !== undefined) throw wrong(name, headerLine, 'each currency once', twice)
  if (currencies.includes(euro)) {
    throw wrong(name, headerLine, `no column ${euro}, which the others are quoted for`, euro)
  }
  if (reportingCurrency !== euro && !currencies.includes(reportingCurrency)) {
    const expected = `a column ${reportingCurrency}, the reporting currency, to convert by way of`
    throw wrong(name, headerLine, expected, currencies.join(','))
  }
  return {
    source: 'ECB',
    base: euro,
    cellsOf: (record, line) => {
      const [day, ...cells] = withoutTrailing(record, currencies.length + 1)
      refuseOtherLength({ name, line }, [day ?? '', ...cells], currencies.length + 1)
      const date = dayIn({ name, line }, day, options.dayMax)
      return currencies.flatMap((currency, no) => {
        const cell = cells[no] ?? ''
        if (cell === '' || cell.toUpperCase() === 'N/A') return []
        return [{ line, currency, date, rate: rateIn({ name, line }, cell, currency) }]
      })
    },
  }
}

/** The ECB ends every line with a comma. */
function withoutTrailing(record: readonly string[], length = 0): readonly string[] {
  return record.length > length && record.at(-1) === '' ? record.slice(0, -1) : record
}

interface Place {
  readonly name: string
  readonly line: number
}

function refuseOtherLength({ name, line }: Place, record: readonly string[], length: number) {
  if (record.length === length) return
  throw wrong(name, line, `${length} values, as in the header`, `${record.length} values`)
}

function currencyIn({ name, line }: Place, text = ''): string {
  const currency = text.toUpperCase()
  if (/^[A-Z]{3}$/.test(currency)) return currency
  throw wrong(name, line, 'a currency of three letters such as USD', text)
}

function dayIn({ name, line }: Place, text = '', dayMax: string): string {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text) && isInCalendar(text)
  if (isDay && text >= dayMin && text <= dayMax) return text
  throw wrong(name, line, `a day as YYYY-MM-DD, from ${dayMin} to ${dayMax}`, text)
}

function isInCalendar(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  // February 30 is read as March 1 or 2.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

function rateIn({ name, line }: Place, text = '', currency = ''): string {
  if (/^\d{1,15}(\.\d{1,15})?$/.test(text) && /[1-9]/.test(text)) return text
  const expected = `a rate above zero as a plain decimal such as 1.0837, for ${currency}`
  throw wrong(name, line, expected.replace(/, for $/, ''), text)
}

/** The same for 1.50, 01.5 and 1.5. */
export function canonical(rate: string): string {
  const [whole = '', fraction = ''] = rate.split('.')
  const digits = fraction.replace(/0+$/, '')
  return `${whole.replace(/^0+(?=\d)/, '')}${digits === '' ? '' : `.${digits}`}`
}

const gotLengthMax = 80

export function wrong(name: string, line: number, expected: string, got: string): CosellError {
  const shown = got.length > gotLengthMax ? `${got.slice(0, gotLengthMax)}…` : got
  const text =
    `${name}:${line}: expected ${expected}, got ${JSON.stringify(shown)}. ` +
    'Nothing was loaded; mend the file, then run again.'
  return new CosellError('checkFailed', 'rates.invalid', text)
}
