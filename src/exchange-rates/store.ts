import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { refreshMinimumFindings } from '../load/publish/findings/minimum-findings.ts'
import { missingRate, refreshRateFindings } from '../load/publish/findings/missing-rates.ts'
import { listAccounts } from '../load/runs/accounts.ts'
import { prepareForBulk } from '../load/runs/prepare-for-bulk.ts'
import { analyzeGrown } from '../warehouse/connection/analyze.ts'
import type { Kysely, Transaction } from '../warehouse/connection/database.ts'
import { inTransaction, retryTransient } from '../warehouse/connection/retry-transient.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { deriveRates, rateRulesName, rateRulesVersion } from './derive.ts'
import type { Quotes } from './quotes.ts'
import { rejectTurnedRound, type WrittenDays } from './turned-round.ts'

export interface LoadedRates {
  /** Rows of `etl.fx_quote` inserted or updated. */
  readonly quotes_written: number
  /** Rows of `dw.fx_rate` inserted, updated or deleted. */
  readonly rows_written: number
  /** Days for which each quote may be carried when no newer one is there. */
  readonly days_carried: number
  /** Remaining findings `missing_fx_rate` of all accounts. */
  readonly missing_rate_findings: number
}

/**
 * Stores quotes and derives the rates of the warehouse again, in one transaction, then the findings
 * about missing ones. Quotes of other days and currencies stay. Real quotes replace the sandbox's
 * invented ones and keep them out.
 *
 * @throws CosellError `configuration` when `fx_rate_days_max` of `etl.setting` is not a number of
 * days; `checkFailed` when a quote is a hundredfold of a stored one, with its line in `name`.
 */
export async function loadRates(
  query: Kysely<Database>,
  reportingCurrency: string,
  quotes: Quotes,
  name = 'rates',
): Promise<LoadedRates> {
  const { source, daysCarriedMax } = quotes
  const loaded = await retryTransient(() =>
    query.transaction().execute(async (transaction) => {
      await storeReportingCurrency(transaction, reportingCurrency)
      if (source !== 'sandbox') await deleteInvented(transaction)
      const isIgnored = source === 'sandbox' && (await hasRealQuotes(transaction))
      const { rows, days } = isIgnored ? noQuotes : await storeQuotes(transaction, quotes)
      // Quotes that come from a file have lines.
      if (days !== undefined && quotes.quotes[0]?.line !== undefined) {
        await rejectTurnedRound(transaction, quotes, days, { name, reportingCurrency })
      }
      const daysMax = await readDaysMax(transaction)
      const rowsWritten = await deriveRates(transaction, reportingCurrency, daysMax)
      return {
        quotes_written: rows,
        rows_written: rowsWritten,
        days_carried: daysCarriedMax ?? daysMax,
      }
    }),
  )
  await refreshFindings(query)
  const remaining = await query
    .selectFrom('dw.fact_finding')
    .select((is) => is.fn.countAll<number>().as('findings'))
    .where('rule_code', '=', missingRate)
    .executeTakeFirstOrThrow()
  const grown = [
    ['etl.fx_quote', loaded.quotes_written],
    ['dw.fx_rate', loaded.rows_written],
  ] as const
  await retryTransient(() => analyzeGrown(query, grown))
  return { ...loaded, missing_rate_findings: remaining.findings }
}

/**
 * Derives the rates into the reporting currency and returns its code: the given one, else the one
 * in `etl.setting`. Writes nothing when the rates already are in that currency.
 */
export async function applyReportingCurrency(
  query: Kysely<Database>,
  given: string | undefined,
): Promise<string> {
  const stored = await readReportingCurrency(query)
  const wanted = given ?? stored
  if (wanted === stored && (await areRatesIn(query, wanted))) return wanted
  await inTransaction(query, async (transaction) => {
    await storeReportingCurrency(transaction, wanted)
    await deriveRates(transaction, wanted, await readDaysMax(transaction))
  })
  // In a transaction of the caller a replay follows, which refreshes the findings of its account.
  if (!query.isTransaction) await refreshFindings(query)
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

/**
 * Looks at the rates themselves, since the setting may have been changed by hand. Rates that follow
 * older rules count as none.
 */
async function areRatesIn(query: Kysely<Database>, currency: string): Promise<boolean> {
  const rules = await query
    .selectFrom('etl.setting')
    .select('setting_value')
    .where('setting_name', '=', rateRulesName)
    .executeTakeFirst()
  if (rules?.setting_value !== rateRulesVersion) return false
  const own = await query
    .selectFrom('dw.fx_rate')
    .select('rate_source')
    .where('currency_code', '=', currency)
    .where('rate_date', '=', sql<string>`(select min(date_day) from dw.dim_date)`)
    .executeTakeFirst()
  return own?.rate_source === 'identity'
}

/** Locks the row of the setting, so other changes of rates wait for this transaction. */
async function storeReportingCurrency(transaction: Transaction<Database>, currency: string) {
  await transaction
    .insertInto('etl.setting')
    .values({ setting_name: 'reporting_currency', setting_value: currency })
    .onConflict((on) =>
      on.column('setting_name').doUpdateSet({ setting_value: sql`excluded.setting_value` }),
    )
    .execute()
}

/**
 * Refreshes the findings about missing rates, after the rates were committed, in a transaction for
 * each account. A publish locks the row of its lease. Once the lock is ours, earlier publishes of the
 * account have ended and later ones see the new rates, so none leaves a finding about the old ones.
 * One transaction for all would hold up every account behind the longest publish. Interrupted between
 * two accounts, the next `cosell fx` refreshes the rest.
 */
export async function refreshFindings(query: Kysely<Database>): Promise<void> {
  for (const { partner_account_key: partnerAccountKey } of await listAccounts(query)) {
    await retryTransient(() =>
      query.transaction().execute(async (transaction) => {
        await transaction
          .selectFrom('etl.lease')
          .select('partner_account_key')
          .where('partner_account_key', '=', partnerAccountKey)
          .forUpdate()
          .execute()
        await prepareForBulk(transaction)
        await refreshRateFindings(transaction, { partnerAccountKey })
        await refreshMinimumFindings(transaction, { partnerAccountKey })
      }),
    )
  }
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
    'Fix the row, then run again.'
  throw new CosellError('setting.invalid', text)
}

async function deleteInvented(transaction: Transaction<Database>): Promise<number> {
  const [deleted] = await transaction
    .deleteFrom('etl.fx_quote')
    .where('rate_source', '=', 'sandbox')
    .execute()
  return Number(deleted?.numDeletedRows ?? 0)
}

/**
 * Deletes the invented rates of the demo and derives the remaining ones again. Returns the number of
 * deleted quotes.
 */
export async function removeInvented(transaction: Transaction<Database>): Promise<number> {
  // Waits for other changes of rates, as in `storeReportingCurrency`.
  await sql`
    select from etl.setting where setting_name = 'reporting_currency' for update`.execute(
    transaction,
  )
  const deleted = await deleteInvented(transaction)
  if (deleted === 0) return 0
  const currency = await readReportingCurrency(transaction)
  await deriveRates(transaction, currency, await readDaysMax(transaction))
  return deleted
}

/** Counts the quotes that the demo invented. */
export async function countInvented(query: Kysely<Database>): Promise<number> {
  const counted = await query
    .selectFrom('etl.fx_quote')
    .select((is) => is.fn.countAll<number>().as('quotes'))
    .where('rate_source', '=', 'sandbox')
    .executeTakeFirstOrThrow()
  return counted.quotes
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

interface WrittenQuotes {
  readonly rows: number
  readonly days: WrittenDays | undefined
}

const noQuotes: WrittenQuotes = { rows: 0, days: undefined }

async function storeQuotes(
  transaction: Transaction<Database>,
  { source, base, daysCarriedMax, quotes }: Quotes,
): Promise<WrittenQuotes> {
  const daysCarried = daysCarriedMax ?? null
  const days: string[] = []
  for (let start = 0; start < quotes.length; start += quotesPerStatement) {
    const chunk = quotes.slice(start, start + quotesPerStatement)
    const stored = await sql<{ observed_date: string }>`
      insert into etl.fx_quote
        (rate_source, base_currency_code, currency_code, observed_date, base_units, currency_units,
          days_carried_max)
      select ${source}, ${base}, quote.currency_code, quote.observed_date, quote.base_units,
        quote.currency_units, ${daysCarried}::smallint
      from unnest(
        ${chunk.map((quote) => quote.currency)}::text[],
        ${chunk.map((quote) => quote.date)}::date[],
        ${chunk.map((quote) => quote.baseUnits)}::numeric[],
        ${chunk.map((quote) => quote.currencyUnits)}::numeric[]
      ) as quote(currency_code, observed_date, base_units, currency_units)
      left join etl.fx_quote old
        on old.rate_source = ${source}
        and old.base_currency_code = ${base}
        and old.observed_date = quote.observed_date
        and old.currency_code = quote.currency_code
      where (old.base_units, old.currency_units, old.days_carried_max)
        is distinct from (quote.base_units, quote.currency_units, ${daysCarried}::smallint)
      order by quote.observed_date, quote.currency_code
      on conflict (rate_source, base_currency_code, observed_date, currency_code) do update
        set base_units = excluded.base_units,
            currency_units = excluded.currency_units,
            days_carried_max = excluded.days_carried_max
      returning observed_date`.execute(transaction)
    for (const row of stored.rows) days.push(row.observed_date)
  }
  days.sort()
  const [from, to] = [days[0], days.at(-1)]
  const isWritten = from !== undefined && to !== undefined
  return { rows: days.length, days: isWritten ? { from, to } : undefined }
}
