import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { CosellError } from '../errors.ts'
import { detectLayout, headerExpected } from './file-layout.ts'
import type { Quote, Quotes } from './quotes.ts'
import {
  asUnits,
  canonicalDecimal,
  type FileRate,
  invalidLine,
  type RateFileOptions,
  type RateLayout,
} from './rate-values.ts'
import { checkNeighbours } from './turned-round.ts'

/** Three decades of ECB rates are a quarter of a million quotes. */
const quotesMax = 1_000_000
const lineBytesMax = 64 * 1024

interface Line {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/**
 * Parses exchange rates from CSV text. The header decides what it is: the ECB's history or daily file,
 * with a column of rates for each currency; a series of its data portal; or the columns currency, date
 * and rate in any order, whose rate is the worth of one unit in the reporting currency. Lines may end
 * each in another way.
 *
 * @throws CosellError `checkFailed` with the number of the first invalid line, `usage` for a zip
 * archive.
 */
export async function parseRateFile(input: Readable, options: RateFileOptions): Promise<Quotes> {
  const rates = new Map<string, FileRate>()
  let layout: RateLayout | undefined
  const parser = parse({
    bom: true,
    info: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    max_record_size: lineBytesMax,
  })
  try {
    await pipeline(
      input,
      rejectZipArchive(options.name),
      parser,
      async (lines: AsyncIterable<Line>) => {
        for await (const { record, info } of lines) {
          if (layout === undefined) layout = detectLayout(record, info.lines, options)
          else
            for (const rate of layout.parseLine(record, info.lines)) addRate(rates, rate, options)
        }
      },
    )
  } catch (error) {
    throw error instanceof CsvError ? invalidCsv(error, options.name) : error
  }
  return toQuotes(layout, rates, options)
}

function addRate(rates: Map<string, FileRate>, rate: FileRate, { name }: RateFileOptions) {
  const key = `${rate.currency} ${rate.date}`
  const known = rates.get(key)
  if (known !== undefined && canonicalDecimal(known.rate) !== canonicalDecimal(rate.rate)) {
    const expected = `the rate of ${key} to be the ${known.rate} of line ${known.line}`
    throw invalidLine(name, rate.line, expected, rate.rate)
  }
  if (rates.size === quotesMax) {
    throw invalidLine(name, rate.line, `at most ${quotesMax} rates in a file`, 'more')
  }
  if (known === undefined) rates.set(key, rate)
}

function toQuotes(
  layout: RateLayout | undefined,
  rates: ReadonlyMap<string, FileRate>,
  { name, reportingCurrency }: RateFileOptions,
): Quotes {
  if (layout === undefined) throw invalidLine(name, 1, headerExpected, 'nothing')
  const { source, base } = layout
  const quotes: Quote[] = []
  const currencies = new Set([base])
  for (const { currency, date, rate, line } of rates.values()) {
    currencies.add(currency)
    if (currency === base) continue
    const [units, ofUnits] = asUnits(rate)
    const quoted =
      source === 'ECB'
        ? { baseUnits: ofUnits, currencyUnits: units }
        : { baseUnits: units, currencyUnits: ofUnits }
    quotes.push({ currency, date, ...quoted, line })
  }
  if (quotes.length === 0) throw invalidLine(name, 1, 'rates below the header', 'none')
  if (!layout.isSeries && !currencies.has(reportingCurrency)) {
    const expected = `a rate of ${reportingCurrency}, the reporting currency, on one day at least`
    throw invalidLine(name, 1, expected, 'none')
  }
  checkNeighbours(rates.values(), name)
  return { source, base, quotes }
}

function rejectZipArchive(name: string) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    let isFirst = true
    for await (const chunk of chunks) {
      if (isFirst && chunk.subarray(0, 2).toString('latin1') === 'PK') {
        const text = `${name} is a zip archive: expected the CSV file in it. Unzip it, then run again.`
        throw new CosellError('rates.archive', text)
      }
      isFirst = false
      yield chunk
    }
  }
}

function invalidCsv(error: CsvError, name: string): CosellError {
  const line = 'lines' in error && typeof error.lines === 'number' ? error.lines : 1
  const text =
    `${name}:${line}: expected CSV text, got something else (${error.code}). ` +
    'Nothing was loaded; fix the file, then run again.'
  return new CosellError('rates.invalid', text, { cause: error })
}
