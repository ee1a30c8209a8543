import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import dayjs from 'dayjs'
import utc from 'dayjs/plugin/utc.js'
import { CosellError } from '../errors.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { parseRateFile } from './parse-file.ts'
import type { Quotes } from './quotes.ts'
import { type LoadedRates, loadRates, readReportingCurrency } from './store.ts'

dayjs.extend(utc)

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
  /** Days from first to last. */
  readonly days: number
  /** Days among them that have a rate, of their own or carried. */
  readonly days_covered: number
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
  /** Days for which a rate is used until the next; `fx_rate_days_max` when left out. */
  readonly daysCarriedMax?: number | undefined
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
  { path, standardInput, now, daysCarriedMax }: RateFileRequest,
): Promise<RatesSummary> {
  const reportingCurrency = configured ?? (await readReportingCurrency(query))
  const isStandardInput = path === '-'
  // East of UTC it is already tomorrow while the UTC day lasts.
  const dayMax = dayjs.utc(now).add(1, 'day').format('YYYY-MM-DD')
  const name = isStandardInput ? 'standard input' : path
  const input = isStandardInput ? standardInput : createReadStream(path)
  const file = await parseRateFile(input, { name, reportingCurrency, dayMax }).catch(
    (error: unknown) => {
      throw isSystemError(error) ? unreadable(path, error) : error
    },
  )
  const loaded = await loadRates(query, reportingCurrency, { ...file, daysCarriedMax }, name)
  const days = file.quotes.map((quote) => quote.date).sort()
  return {
    status: 'loaded',
    source: file.source,
    reporting_currency: reportingCurrency,
    rates: file.quotes.length,
    currencies: new Set(file.quotes.map((quote) => quote.currency)).size,
    from: days[0] ?? '',
    to: days.at(-1) ?? '',
    ...countDays(days, loaded.days_carried),
    ...loaded,
  }
}

/** Counts the days from the first to the last rate, and those that a rate of the file reaches. */
function countDays(dates: readonly string[], daysCarried: number) {
  const numbers = dates.map((date) => Date.parse(date) / dayMs)
  const gaps = numbers.slice(1).map((day, no) => day - (numbers[no] ?? day))
  return {
    days: gaps.reduce((sum, gap) => sum + gap, 1),
    days_covered: gaps.reduce((sum, gap) => sum + Math.min(gap, daysCarried + 1), 1),
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function unreadable(path: string, error: NodeJS.ErrnoException): CosellError {
  const text = `Cannot read ${path} (${error.code}): expected a CSV file of exchange rates.`
  return new CosellError('rates.unreadable', text, { cause: error })
}
