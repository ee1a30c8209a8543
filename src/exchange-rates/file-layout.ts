import {
  canonicalDecimal,
  checkLength,
  euro,
  invalidLine,
  parseCurrency,
  parseDay,
  parseRate,
  type RateFileOptions,
  type RateLayout,
} from './rate-values.ts'
import {
  isSeriesHeader,
  isWideSeriesHeader,
  seriesLayout,
  wideSeriesLayout,
} from './series-layout.ts'

export const headerExpected =
  'the header of the ECB history (Date,USD,JPY,…), of its data portal (…,CURRENCY,CURRENCY_DENOM,…) ' +
  'or currency,date,rate'

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
  if (isSeriesHeader(names)) return seriesLayout(names, options)
  if (isWideSeriesHeader(names)) return wideSeriesLayout(header, line, options)
  if (names[0] === 'date' && names.length > 1) return euroLayout(header, line, options)
  throw invalidLine(options.name, line, headerExpected, header.join(','))
}

function plainLayout(names: readonly string[], options: RateFileOptions): RateLayout {
  const base = options.reportingCurrency
  const [currencyAt, dateAt, rateAt] = ['currency', 'date', 'rate'].map((it) => names.indexOf(it))
  return {
    source: 'manual',
    base,
    isSeries: false,
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
    isSeries: false,
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
