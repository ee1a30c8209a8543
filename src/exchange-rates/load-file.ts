import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { CosellError } from '../errors.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { parseRateFile } from './parse-file.ts'
import type { Quotes } from './quotes.ts'
import { type LoadedRates, loadRates, readReportingCurrency } from './store.ts'

/** Result of `cosell fx`; `--json` prints it. */
export interface RatesSummary extends LoadedRates {
  readonly status: 'loaded'
  readonly source: Quotes['source']
  readonly reporting_currency: string
  /** Rates in the file. */
  readonly rates: number
  readonly currencies: number
  /** First and last day of a rate. */
  readonly from: string
  readonly to: string
}

/** Warehouse that gets the rates. */
export interface RatesTarget {
  readonly query: Kysely<Database>
  /** Configured currency; the stored one is used when left out. */
  readonly reportingCurrency?: string | undefined
}

export interface RateFileRequest {
  /** Path of the file, or `-` for `standardInput`. */
  readonly path: string
  readonly standardInput: Readable
  readonly now: Date
}

const dayMs = 24 * 60 * 60_000

/**
 * Loads a file of exchange rates, whole or not at all.
 *
 * @throws CosellError `usage` when the file cannot be opened, `checkFailed` with the number of the
 * first invalid line.
 */
export async function loadRateFile(
  { query, reportingCurrency: configured }: RatesTarget,
  { path, standardInput, now }: RateFileRequest,
): Promise<RatesSummary> {
  const reportingCurrency = configured ?? (await readReportingCurrency(query))
  const isStandardInput = path === '-'
  // East of UTC it is already tomorrow while the UTC day lasts.
  const dayMax = new Date(now.getTime() + dayMs).toISOString().slice(0, 10)
  const name = isStandardInput ? 'standard input' : path
  const input = isStandardInput ? standardInput : createReadStream(path)
  const file = await parseRateFile(input, { name, reportingCurrency, dayMax }).catch(
    (error: unknown) => {
      throw isSystemError(error) ? unreadable(path, error) : error
    },
  )
  const loaded = await loadRates(query, reportingCurrency, file)
  const days = file.quotes.map((quote) => quote.date).sort()
  return {
    status: 'loaded',
    source: file.source,
    reporting_currency: reportingCurrency,
    rates: file.quotes.length,
    currencies: new Set(file.quotes.map((quote) => quote.currency)).size,
    from: days[0] ?? '',
    to: days.at(-1) ?? '',
    ...loaded,
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function unreadable(path: string, error: NodeJS.ErrnoException): CosellError {
  const text = `Cannot read ${path} (${error.code}): expected a CSV file of exchange rates.`
  return new CosellError('rates.unreadable', text, { cause: error })
}
