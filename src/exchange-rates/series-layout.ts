import {
  checkLength,
  euro,
  type FileRate,
  invalidLine,
  type LinePosition,
  parseCurrency,
  parseDay,
  parseRate,
  type RateFileOptions,
  type RateLayout,
} from './rate-values.ts'

/** Columns of a series of the ECB's data portal that say what its values are. */
const keyColumns = ['freq', 'currency', 'currency_denom', 'exr_type', 'exr_suffix'] as const
const valueColumns = ['time_period', 'obs_value'] as const

/** Whether a header, in lower case, is that of the data portal's API: a line a value. */
export function isSeriesHeader(names: readonly string[]): boolean {
  return [...keyColumns, ...valueColumns].every((name) => names.includes(name))
}

/**
 * Layout of CSV text of the ECB's data portal, with a line for each series and day. The spot rates
 * against the euro are read, a day or a month each.
 */
export function seriesLayout(names: readonly string[], options: RateFileOptions): RateLayout {
  const valueAt = (record: readonly string[], name: string) => record[names.indexOf(name)] ?? ''
  return {
    source: 'ECB',
    base: euro,
    isSeries: true,
    parseLine: (record, line) => {
      const at = { name: options.name, line }
      checkLength(at, record, names.length)
      const key = keyColumns.map((name) => valueAt(record, name)).join('.')
      const currency = seriesCurrency(at, key)
      const value = valueAt(record, 'obs_value')
      return observed(at, { currency, day: valueAt(record, 'time_period'), value, options })
    },
  }
}

/** Whether a header is that of a download of the data portal's pages: a column a series. */
export function isWideSeriesHeader(names: readonly string[]): boolean {
  return names[0] === 'date' && names[1] === 'time period'
}

/** Layout of a download of the data portal's pages; a column is named by its series in brackets. */
export function wideSeriesLayout(
  header: readonly string[],
  headerLine: number,
  options: RateFileOptions,
): RateLayout {
  const at = { name: options.name, line: headerLine }
  const currencies = header.slice(2).map((column) => {
    const [, key = column] = /\(EXR\.([^)]*)\)$/.exec(column) ?? []
    return seriesCurrency(at, key)
  })
  return {
    source: 'ECB',
    base: euro,
    isSeries: true,
    parseLine: (record, line) => {
      const place = { name: options.name, line }
      checkLength(place, record, header.length)
      return currencies.flatMap((currency, no) =>
        observed(place, { currency, day: record[0] ?? '', value: record[no + 2] ?? '', options }),
      )
    },
  }
}

/**
 * Returns the currency of a series such as `D.PLN.EUR.SP00.A`: spot rates, daily or averages of a
 * month. Rates of the end of a month are no rates of its days.
 */
function seriesCurrency(at: LinePosition, key: string): string {
  const [, currency] = /^[DM]\.([A-Z]{3})\.EUR\.SP00\.A$/.exec(key) ?? []
  if (currency !== undefined) return parseCurrency(at, currency)
  const expected = 'a series of spot rates for one euro such as D.PLN.EUR.SP00.A'
  throw invalidLine(at.name, at.line, expected, key)
}

interface Observation {
  readonly currency: string
  readonly day: string
  readonly value: string
  readonly options: RateFileOptions
}

/** Days without a value are empty, NaN or a dash. */
function observed(at: LinePosition, { currency, day, value, options }: Observation): FileRate[] {
  const date = parseDay(at, day, options.dayMax)
  if (['', 'NaN', '-'].includes(value)) return []
  return [{ line: at.line, currency, date, rate: parseRate(at, value, currency) }]
}
