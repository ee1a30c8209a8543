import type { Config } from '../../config.ts'
import { listStoredAccounts } from '../../load/runs/stored-accounts.ts'
import type { AccountOverview } from '../../report/queries/accounts.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { type ShownAccount, showStored } from './keep-accounts.ts'

/** An account as `cosell account list` shows it. */
export interface ListedAccount extends AccountOverview {
  /** The accounts in force have one of this name. */
  readonly is_configured: boolean
  /** What `etl.account` has of it; null for an account of the settings alone. */
  readonly stored: ShownAccount | null
}

/** Joins the loaded accounts with the stored ones, those that were never loaded at the end. */
export async function overviewAccounts(
  query: Kysely<Database>,
  loaded: readonly AccountOverview[],
  { accounts }: Config,
): Promise<ListedAccount[]> {
  const rows = await listStoredAccounts(query)
  const configured = new Set(accounts.map(({ name }) => name))
  const known = new Set(loaded.map(({ account }) => account))
  const unloaded = rows
    .filter((row) => !known.has(row.account_code))
    .map(({ account_code: account, tenant_id, organization_id, api_url, is_enabled }) => ({
      ...{ account, tenant_id, organization_id, api_url, is_active: is_enabled },
      ...{ referrals: 0, last_published_at: null },
    }))
  return [...loaded, ...unloaded].map((one) => {
    const row = rows.find(({ account_code }) => account_code === one.account)
    return {
      ...one,
      is_configured: configured.has(one.account),
      stored: row === undefined ? null : showStored(row),
    }
  })
}
