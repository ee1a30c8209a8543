import type { Config } from '../../config.ts'
import { listStoredAccounts } from '../../load/runs/stored-accounts.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { type ShownAccount, showStored } from './keep-accounts.ts'

/** An account as `cosell account list` shows it. */
export interface ListedAccount {
  readonly account: string
  readonly tenant_id: string | null
  readonly organization_id: string | null
  readonly api_url: string | null
  readonly referrals: number
  readonly last_published_at: string | null
  readonly is_active: boolean
  /** The accounts in force have one of this name. */
  readonly is_configured: boolean
  /** What `etl.account` has of it; null where it is not stored. */
  readonly stored: ShownAccount | null
}

/** Joins the loaded accounts with the stored ones, those that were never loaded at the end. */
export async function overviewAccounts(
  query: Kysely<Database>,
  loaded: readonly Omit<ListedAccount, 'is_configured' | 'stored'>[],
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
