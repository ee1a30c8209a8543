import { CosellError } from '../../errors.ts'
import { loadRates, readReportingCurrency } from '../../exchange-rates/store.ts'
import { readStatus } from '../../report/queries/status.ts'
import { inventedRates } from '../../sandbox/data/invented-rates.ts'
import type { Warehouse } from '../../warehouse/connection/database.ts'

const account = 'demo'

/** Settings that point the loader at a sandbox and away from every real account. */
export function sandboxSettings(url: string): Record<string, string> {
  return {
    COSELL_API_URL: url,
    COSELL_AUTHORITY_URL: url,
    COSELL_TENANT_ID: 'sandbox',
    COSELL_CLIENT_ID: 'sandbox',
    COSELL_REFRESH_TOKEN: 'sandbox-refresh-token',
  }
}

/** As `sandboxSettings`, with the account's own name and without the limits of a real API. */
export function demoSettings(url: string): Record<string, string> {
  return {
    ...sandboxSettings(url),
    COSELL_ACCOUNT: account,
    COSELL_ACCOUNTS_FILE: '',
    COSELL_ACCESS_TOKEN: '',
    COSELL_CLIENT_SECRET: '',
    COSELL_REQUESTS_PER_MINUTE: '60000',
  }
}

/**
 * Keeps invented referrals out of a warehouse that holds real ones.
 *
 * @throws CosellError `configuration` when another account was loaded there.
 */
export async function refuseForeignData({ query }: Warehouse): Promise<void> {
  const loaded = (await readStatus(query)).filter((known) => known.referrals > 0)
  const others = loaded.filter((known) => known.account !== account)
  if (others.length === 0) return
  const names = others.map((known) => known.account).join(', ')
  const text =
    `The warehouse holds other accounts (${names}); the demo would mix invented referrals with them. ` +
    'Set COSELL_HOME to another folder, or COSELL_DATABASE_URL to an empty database.'
  throw new CosellError('configuration', 'demo.not_empty', text)
}

/** Loads invented rates, so that amounts show converted; real ones keep them out. */
export async function loadInventedRates(
  { query }: Warehouse,
  given: string | undefined,
  now: Date,
): Promise<void> {
  const quotes = inventedRates(now.getTime()).map(({ currency, date, perDollar }) => ({
    currency,
    date,
    baseUnits: '1',
    currencyUnits: perDollar,
  }))
  const reportingCurrency = given ?? (await readReportingCurrency(query))
  await loadRates(query, reportingCurrency, { source: 'sandbox', base: 'USD', quotes })
}
