import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { missingRate, refreshRateFindings } from '../load/publish/missing-rates.ts'
import { analyzeGrown } from '../warehouse/connection/analyze.ts'
import { inTransaction, type Kysely, type Transaction } from '../warehouse/connection/database.ts'
import { redo } from '../warehouse/connection/retry-transient.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { deriveRates, type RateSource } from './derive.ts'

/** `baseUnits` of the base currency were worth `currencyUnits` of the other one; plain decimals. */
export interface Quote {
  readonly currency: string
  /** YYYY-MM-DD. */
  readonly date: string
  readonly baseUnits: string
  readonly currencyUnits: string
}

/** Quotes of one source that have their base currency in common, one for a currency and day. */
export interface Quotes {
  readonly source: RateSource
  readonly base: string
  readonly quotes: readonly Quote[]
}

export interface LoadedRates {
  /** Rows of `etl.fx_quote` that are new or differ. */
  readonly quotes_written: number
  /** Rows of `dw.fx_rate` that are new, differ or went. */
  readonly rows_written: number
  /** Findings `missing_fx_rate` that are left, of all accounts. */
  readonly missing_rate_findings: number
}

/**
 * Takes up quotes and makes the rates of the warehouse follow from them, for the reporting currency
 * that is given, all in one transaction. Quotes of other days and currencies stay. Real ones make
 * the invented ones go, and keep them out.
 *
 * @throws CosellError `configuration` when `fx_rate_days_max` of `etl.setting` is no number of days.
 */
export async function loadRates(
  query: Kysely<Database>,
  reportingCurrency: string,
  { source, base, quotes }: Quotes,
): Promise<LoadedRates> {
  const loaded = await redo(() =>
    inTransaction(query, async (transaction) => {
      await takeReportingCurrency(transaction, reportingCurrency)
      if (source !== 'sandbox') await deleteInvented(transaction)
      const isKeptOut = source === 'sandbox' && (await hasRealQuotes(transaction))
      const quotesWritten = isKeptOut ? 0 : await storeQuotes(transaction, source, base, quotes)
      const rowsWritten = await settle(transaction, reportingCurrency)
      const left = await transaction
        .selectFrom('etl.dq_finding')
        .select((is) => is.fn.countAll<number>().as('findings'))
        .where('rule_code', '=', missingRate)
        .executeTakeFirstOrThrow()
      return {
        quotes_written: quotesWritten,
        rows_written: rowsWritten,
        missing_rate_findings: left.findings,
      }
    }),
  )
  const grown = [
    ['etl.fx_quote', loaded.quotes_written],
    ['dw.fx_rate', loaded.rows_written],
  ] as const
  await redo(() => analyzeGrown(query, grown))
  return loaded
}

/**
 * Makes the rates those into the reporting currency, and returns which that is: the one that is
 * given, or else what `etl.setting` says. When they are so already, nothing is written.
 */
export async function settleReportingCurrency(
  query: Kysely<Database>,
  given: string | undefined,
): Promise<string> {
  const stored = await readReportingCurrency(query)
  const wanted = given ?? stored
  if (wanted === stored && (await areRatesInto(query, wanted))) return wanted
  await redo(() =>
    inTransaction(query, async (transaction) => {
      await takeReportingCurrency(transaction, wanted)
      await settle(transaction, wanted)
    }),
  )
  return wanted
}

export async function readReportingCurrency(query: Kysely<Database>): Promise<string> {
  const setting = await query
    .selectFrom('etl.setting')
    .select('setting_value')
    .where('setting_name', '=', 'reporting_currency')
    .executeTakeFirst()
  return setting?.setting_value ?? 'USD'
}

/** The setting may have been changed by hand: what the rates convert into shows in themselves. */
async function areRatesInto(query: Kysely<Database>, currency: string): Promise<boolean> {
  const own = await query
    .selectFrom('dw.fx_rate')
    .select('rate_source')
    .where('currency_code', '=', currency)
    .where('rate_date', '=', sql<string>`(select min(date_day) from dw.dim_date)`)
    .executeTakeFirst()
  return own?.rate_source === 'identity'
}

/** Holds the row of the setting until the end: whoever else changes rates waits there. */
async function takeReportingCurrency(transaction: Transaction<Database>, currency: string) {
  await transaction
    .insertInto('etl.setting')
    .values({ setting_name: 'reporting_currency', setting_value: currency })
    .onConflict((on) =>
      on.column('setting_name').doUpdateSet({ setting_value: sql`excluded.setting_value` }),
    )
    .execute()
}

/**
 * Publishes hold their lease's row, so they are over once we have all of them, and the next ones see
 * our rates: none leaves a finding that was true of the rates before.
 */
async function settle(
  transaction: Transaction<Database>,
  reportingCurrency: string,
): Promise<number> {
  const daysMax = await readDaysMax(transaction)
  const rowsWritten = await deriveRates(transaction, reportingCurrency, daysMax)
  await transaction
    .selectFrom('etl.lease')
    .select('partner_account_key')
    .orderBy('partner_account_key')
    .forUpdate()
    .execute()
  await refreshRateFindings(transaction, 'everything')
  return rowsWritten
}

async function readDaysMax(transaction: Transaction<Database>): Promise<number> {
  const setting = await transaction
    .selectFrom('etl.setting')
    .select('setting_value')
    .where('setting_name', '=', 'fx_rate_days_max')
    .executeTakeFirst()
  const value = setting?.setting_value
  if (value !== undefined && /^\d{1,3}$/.test(value)) return Number(value)
  const text =
    `etl.setting fx_rate_days_max: expected a number of days up to 999, got ${value ?? 'no row'}. ` +
    'Mend the row, then run again.'
  throw new CosellError('configuration', 'setting.invalid', text)
}

async function deleteInvented(transaction: Transaction<Database>) {
  await transaction.deleteFrom('etl.fx_quote').where('rate_source', '=', 'sandbox').execute()
}

async function hasRealQuotes(transaction: Transaction<Database>): Promise<boolean> {
  const real = await transaction
    .selectFrom('etl.fx_quote')
    .select('rate_source')
    .where('rate_source', '<>', 'sandbox')
    .limit(1)
    .execute()
  return real.length > 0
}

const quotesPerStatement = 10_000

async function storeQuotes(
  transaction: Transaction<Database>,
  source: RateSource,
  base: string,
  quotes: readonly Quote[],
): Promise<number> {
  let written = 0
  for (let start = 0; start < quotes.length; start += quotesPerStatement) {
    const some = quotes.slice(start, start + quotesPerStatement)
    const stored = await sql`
      insert into etl.fx_quote
        (rate_source, base_currency_code, currency_code, observed_date, base_units, currency_units)
      select ${source}, ${base}, quote.currency_code, quote.observed_date, quote.base_units,
        quote.currency_units
      from unnest(
        ${some.map((quote) => quote.currency)}::text[],
        ${some.map((quote) => quote.date)}::date[],
        ${some.map((quote) => quote.baseUnits)}::numeric[],
        ${some.map((quote) => quote.currencyUnits)}::numeric[]
      ) as quote(currency_code, observed_date, base_units, currency_units)
      left join etl.fx_quote old
        on old.rate_source = ${source}
        and old.base_currency_code = ${base}
        and old.observed_date = quote.observed_date
        and old.currency_code = quote.currency_code
      where (old.base_units, old.currency_units)
        is distinct from (quote.base_units, quote.currency_units)
      order by quote.observed_date, quote.currency_code
      on conflict (rate_source, base_currency_code, observed_date, currency_code) do update
        set base_units = excluded.base_units, currency_units = excluded.currency_units`.execute(
      transaction,
    )
    written += Number(stored.numAffectedRows ?? 0)
  }
  return written
}
