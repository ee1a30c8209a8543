import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { CosellError } from '../errors.ts'
import type { RunEnvironment } from '../pipeline/run-context.ts'
import { type RateFile, readRates } from './parse-file.ts'
import { type LoadedRates, loadRates, readReportingCurrency } from './store.ts'

export interface RatesSummary extends LoadedRates {
  readonly status: 'loaded'
  readonly source: RateFile['source']
  readonly reporting_currency: string
  /** Rates that the file holds. */
  readonly rates: number
  readonly currencies: number
  /** First and last day of a rate. */
  readonly from: string
  readonly to: string
}

export interface RatesRequest {
  /** A path, or `-` for what comes in by `standardInput`. */
  readonly path: string
  readonly standardInput: Readable
  readonly now: Date
}

const dayMs = 24 * 60 * 60_000

/**
 * Loads a file of exchange rates, all of it or nothing.
 *
 * @throws CosellError `usage` when the file cannot be opened, `checkFailed` naming its first line
 * that is wrong.
 */
export async function loadRateFile(
  { config, warehouse: { query } }: Pick<RunEnvironment, 'config' | 'warehouse'>,
  { path, standardInput, now }: RatesRequest,
): Promise<RatesSummary> {
  const reportingCurrency = config.reportingCurrency ?? (await readReportingCurrency(query))
  const isStandard = path === '-'
  // Where the day begins early, the file may already be of tomorrow by UTC.
  const dayMax = new Date(now.getTime() + dayMs).toISOString().slice(0, 10)
  const name = isStandard ? 'standard input' : path
  const input = isStandard ? standardInput : createReadStream(path)
  const file = await readRates(input, { name, reportingCurrency, dayMax }).catch(
    (error: unknown) => {
      throw isUnreadable(error) ? unreadable(path, error) : error
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

function isUnreadable(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function unreadable(path: string, error: NodeJS.ErrnoException): CosellError {
  const text = `Cannot read ${path} (${error.code}): expected a CSV file of exchange rates.`
  return new CosellError('usage', 'rates.unreadable', text, { cause: error })
}
