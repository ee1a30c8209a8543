import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { CosellError } from '../errors.ts'
import {
  canonical,
  headerExpected,
  layoutOf,
  type RateCell,
  type RateFileOptions,
  type RateLayout,
  wrong,
} from './file-layout.ts'

/** `baseUnits` of the base currency were worth `currencyUnits` of the other one; plain decimals. */
export interface FileQuote {
  readonly currency: string
  /** YYYY-MM-DD. */
  readonly date: string
  readonly baseUnits: string
  readonly currencyUnits: string
}

/** What a file of exchange rates says, each currency and day once. */
export interface RateFile {
  readonly source: RateLayout['source']
  readonly base: string
  readonly quotes: readonly FileQuote[]
}

/** Three decades of the ECB are a quarter of a million. */
const quotesMax = 1_000_000
const lineBytesMax = 64 * 1024

interface Line {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/**
 * Reads exchange rates from CSV text of one of two layouts, which the header tells: the ECB's history
 * of euro reference rates (a column for each currency: what a euro is worth in it), or the columns
 * currency, date and rate in any order, where the rate is what one unit of the currency is worth in
 * the reporting currency.
 *
 * @throws CosellError `checkFailed` naming the first line that is wrong, `usage` for a zip archive.
 */
export async function readRates(input: Readable, options: RateFileOptions): Promise<RateFile> {
  const kept = new Map<string, RateCell>()
  let layout: RateLayout | undefined
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    max_record_size: lineBytesMax,
  })
  try {
    await pipeline(input, notArchived(options.name), parser, async (lines: AsyncIterable<Line>) => {
      for await (const { record, info } of lines) {
        if (layout === undefined) layout = layoutOf(record, info.lines, options)
        else for (const cell of layout.cellsOf(record, info.lines)) keep(kept, cell, options)
      }
    })
  } catch (error) {
    throw error instanceof CsvError ? notCsv(error, options.name) : error
  }
  return toFile(layout, kept, options)
}

function keep(kept: Map<string, RateCell>, cell: RateCell, { name }: RateFileOptions) {
  const key = `${cell.currency} ${cell.date}`
  const known = kept.get(key)
  if (known !== undefined && canonical(known.rate) !== canonical(cell.rate)) {
    const expected = `the rate of ${key} to be the ${known.rate} of line ${known.line}`
    throw wrong(name, cell.line, expected, cell.rate)
  }
  if (kept.size === quotesMax) {
    throw wrong(name, cell.line, `at most ${quotesMax} rates in a file`, 'more')
  }
  if (known === undefined) kept.set(key, cell)
}

function toFile(
  layout: RateLayout | undefined,
  kept: ReadonlyMap<string, RateCell>,
  { name, reportingCurrency }: RateFileOptions,
): RateFile {
  if (layout === undefined) throw wrong(name, 1, headerExpected, 'nothing')
  const { source, base } = layout
  const quotes: FileQuote[] = []
  const currencies = new Set([base])
  for (const { currency, date, rate } of kept.values()) {
    currencies.add(currency)
    if (currency === base) continue
    const units =
      source === 'ECB'
        ? { baseUnits: '1', currencyUnits: rate }
        : { baseUnits: rate, currencyUnits: '1' }
    quotes.push({ currency, date, ...units })
  }
  if (quotes.length === 0) throw wrong(name, 1, 'rates below the header', 'none')
  if (!currencies.has(reportingCurrency)) {
    const expected = `a rate of ${reportingCurrency}, the reporting currency, on one day at least`
    throw wrong(name, 1, expected, 'none')
  }
  return { source, base, quotes }
}

function notArchived(name: string) {
  return async function* (chunks: AsyncIterable<Buffer>) {
    let isFirst = true
    for await (const chunk of chunks) {
      if (isFirst && chunk.subarray(0, 2).toString('latin1') === 'PK') {
        const text = `${name} is a zip archive: expected the CSV file in it. Unzip it, then run again.`
        throw new CosellError('usage', 'rates.archive', text)
      }
      isFirst = false
      yield chunk
    }
  }
}

function notCsv(error: CsvError, name: string): CosellError {
  const line = 'lines' in error && typeof error.lines === 'number' ? error.lines : 1
  const text =
    `${name}:${line}: expected CSV text, got something else (${error.code}). ` +
    'Nothing was loaded; mend the file, then run again.'
  return new CosellError('checkFailed', 'rates.invalid', text, { cause: error })
}
