import {
  type AccountConfig,
  accountSettingOf,
  accountSettings,
  checkStoredApart,
  readStoredEntry,
  type StoredEntry,
} from '../../config/account-config.ts'
import { type Config, invalid } from '../../config.ts'
import { CosellError } from '../../errors.ts'
import { listStoredAccounts, type StoredAccountRow } from '../../load/runs/stored-accounts.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { RunContext } from '../run-context.ts'

/**
 * Returns the settings with the accounts in force: those that the settings name, else the enabled ones
 * of the warehouse where it has stored any. Their secrets are not read.
 *
 * @throws CosellError `config.invalid` when rows of `etl.account` are not accepted.
 */
export async function withStoredAccounts(config: Config, query: Kysely<Database>): Promise<Config> {
  if (config.accountsPlace !== undefined) return config
  const rows = await listStoredAccounts(query)
  return rows.length === 0 ? config : { ...config, accounts: readRows(rows) }
}

/**
 * Checks that there are accounts to read, and that one place names them.
 *
 * @throws CosellError `configuration` as `requireOnePlace`, or naming the command that enables an account.
 */
export async function requireAccounts(context: Accounts): Promise<void> {
  await requireOnePlace(context)
  if (context.config.accounts.length > 0) return
  const text =
    'Every account of the warehouse is disabled; nothing was read. `cosell account list` shows ' +
    'them, and `cosell account enable NAME` enables one.'
  throw new CosellError('account.none_enabled', text)
}

type Accounts = Pick<RunContext, 'config'> & {
  readonly warehouse: Pick<RunContext['warehouse'], 'query'>
}

/** @throws CosellError `configuration` when settings and warehouse both name accounts to load. */
export async function requireOnePlace({ config, warehouse }: Accounts): Promise<void> {
  const place = config.accountsPlace
  if (place === undefined) return
  const enabled = await listEnabled(warehouse.query)
  if (enabled.length === 0) return
  const names = enabled.join(', ')
  const text =
    `Accounts are given in two places, by ${place} and by etl.account of the warehouse (${names}); ` +
    'nothing was read. Unset what the settings have of an account, or run ' +
    '`cosell account disable NAME` for each of the warehouse.'
  throw new CosellError('account.two_places', text)
}

/** Names of the stored accounts that are enabled. */
export async function listEnabled(query: Kysely<Database>): Promise<string[]> {
  const rows = await listStoredAccounts(query)
  return rows.filter((row) => row.is_enabled).map((row) => row.account_code)
}

function readRows(rows: readonly StoredAccountRow[]): readonly AccountConfig[] {
  const read = rows
    .filter((row) => row.is_enabled)
    .map((row) =>
      readStoredEntry(entryOf(row), {
        before: `etl.account "${row.account_code}", `,
        nameOf: columnOf,
      }),
    )
  const accounts = read.flatMap(({ account }) => account ?? [])
  const problems = read.flatMap((one) => one.problems)
  problems.push(...checkStoredApart(accounts).map((line) => `etl.account: ${line}`))
  if (problems.length > 0) throw invalid(problems)
  return Object.freeze(accounts)
}

function columnOf(field: string): string {
  return accountSettingOf(field)?.column ?? 'account_code'
}

/** Returns a stored account as an entry of an accounts file would have it. */
export function entryOf(row: StoredAccountRow): StoredEntry {
  const given = accountSettings.flatMap(({ field, column }) => {
    const value: unknown = Reflect.get(row, column)
    return typeof value === 'string' ? [[field, value]] : []
  })
  return { account: row.account_code, ...Object.fromEntries(given) }
}
