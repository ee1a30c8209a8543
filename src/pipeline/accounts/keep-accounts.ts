import {
  accountSettingOf,
  accountSettings,
  checkStoredApart,
  readStoredEntry,
  type StoredEntry,
} from '../../config/account-config.ts'
import { describeStored } from '../../config/secret-reference.ts'
import { CosellError } from '../../errors.ts'
import {
  listStoredAccounts,
  lockStoredAccounts,
  ownsStoredAccounts,
  type StoredAccountRow,
  setActive,
  storeAccount,
} from '../../load/runs/stored-accounts.ts'
import type { Kysely, Warehouse } from '../../warehouse/connection/database.ts'
import { retryTransient } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { entryOf } from './accounts-in-force.ts'

/** A stored account as people are shown it, without a secret. */
export interface ShownAccount {
  readonly is_enabled: boolean
  /** Columns of `etl.account`; null for an unset one. */
  readonly settings: Readonly<Record<string, string | null>>
  /** Where each secret is; null for none. Of a program its name and the number of arguments. */
  readonly secrets: Readonly<Record<string, string | null>>
}

/** Result of a change of a stored account; `--json` ends with it. */
export interface KeptAccount extends ShownAccount {
  readonly status: 'added' | 'changed' | 'enabled' | 'disabled'
  readonly account: string
}

/** Settings of an account by property; a blank one unsets what is stored. */
type Given = Readonly<Record<string, string>>

/**
 * Stores an account with its settings, of secrets the places where they are.
 *
 * @throws CosellError `usage` when the name is in use or a setting is not accepted, `configuration` when
 * the login may not store accounts.
 */
export function addAccount(warehouse: Warehouse, name: string, given: Given): Promise<KeptAccount> {
  return keep(warehouse, name, 'added', (rows) => {
    const taken = rows.find((row) => row.account_code.toLowerCase() === name.toLowerCase())
    if (taken === undefined) {
      return { entry: { ...given, account: name }, isEnabled: true, isActive: true }
    }
    const text =
      `The warehouse has stored an account "${taken.account_code}" already; nothing was changed. ` +
      '`cosell account change` changes its settings.'
    throw new CosellError('account.exists', text)
  })
}

/** Changes settings of a stored account; the others stay. @throws CosellError as `addAccount`. */
export function changeAccount(
  warehouse: Warehouse,
  name: string,
  given: Given,
): Promise<KeptAccount> {
  return keep(warehouse, name, 'changed', (rows) => {
    const row = storedIn(rows, name)
    return { entry: { ...entryOf(row), ...given }, isEnabled: row.is_enabled }
  })
}

/**
 * Lets runs load a stored account, or leave it out. One that the settings name is loaded all the same.
 *
 * @throws CosellError as `addAccount`.
 */
export function switchAccount(
  warehouse: Warehouse,
  name: string,
  isEnabled: boolean,
  isOfSettings: boolean,
): Promise<KeptAccount> {
  return keep(warehouse, name, isEnabled ? 'enabled' : 'disabled', (rows) => ({
    entry: entryOf(storedIn(rows, name)),
    isEnabled,
    isActive: isEnabled || isOfSettings,
  }))
}

interface Kept {
  readonly entry: StoredEntry
  readonly isEnabled: boolean
  /** Whether runs load it from now on; absent where that stays. */
  readonly isActive?: boolean
}

function keep(
  { query, session }: Warehouse,
  name: string,
  status: KeptAccount['status'],
  decide: (rows: readonly StoredAccountRow[]) => Kept,
): Promise<KeptAccount> {
  return retryTransient(async (isAgain) => {
    await requireStoredOwner(query, session.role)
    return query.transaction().execute(async (transaction) => {
      await lockStoredAccounts(transaction)
      const rows = await listStoredAccounts(transaction)
      // The acknowledgement of the commit may have been lost, and an added account is there then.
      const present =
        isAgain && status === 'added' ? rows.filter((row) => row.account_code !== name) : rows
      const { entry, isEnabled, isActive } = decide(present)
      // What SQL has stored and is not accepted can be disabled all the same.
      if (status !== 'disabled') checkEntry(entry, isEnabled ? present : [])
      const columns = accountSettings.map(({ field, column }) => [
        column,
        blankIsNull(entry[field]),
      ])
      await storeAccount(transaction, name, {
        ...Object.fromEntries(columns),
        is_enabled: isEnabled,
      })
      if (isActive !== undefined) await setActive(transaction, name, isActive)
      const stored = storedIn(await listStoredAccounts(transaction), name)
      return { status, account: name, ...showStored(stored) }
    })
  })
}

function blankIsNull(value: string | undefined): string | null {
  return value === undefined || value.trim() === '' ? null : value.trim()
}

/** Checks an account to store, also against the enabled ones. */
function checkEntry(entry: StoredEntry, rows: readonly StoredAccountRow[]) {
  const place = { before: '', nameOf: optionOf }
  const { account, problems } = readStoredEntry(entry, place)
  const others = rows
    .filter((row) => row.is_enabled && row.account_code !== entry.account)
    .flatMap((row) => readStoredEntry(entryOf(row), place).account ?? [])
  const lines = [...problems, ...(account ? checkStoredApart([...others, account]) : [])]
  if (lines.length === 0) return
  const text = [`Account "${entry.account}" cannot be stored so; nothing was changed.`, ...lines]
  throw new CosellError('account.settings', text.join('\n  '))
}

function optionOf(field: string): string {
  const option = accountSettingOf(field)?.option
  return option === undefined ? 'name' : `--${option}`
}

function storedIn(rows: readonly StoredAccountRow[], name: string): StoredAccountRow {
  const row = rows.find((one) => one.account_code === name)
  if (row !== undefined) return row
  const names = rows.map((one) => one.account_code).join(', ')
  const text =
    `The warehouse has stored no account "${name}". Expected one of: ${names || '(none yet)'}. ` +
    'Accounts of the settings are changed there.'
  throw new CosellError('account.not_stored', text)
}

/** @throws CosellError `configuration` when the login may not change stored accounts. */
export async function requireStoredOwner(query: Kysely<Database>, role: string): Promise<void> {
  if (await ownsStoredAccounts(query)) return
  const text =
    `Accounts of the warehouse: expected a login that owns etl.account, got "${role}", which does ` +
    'not; nothing was changed. Let a member of cosell_owner run it.'
  throw new CosellError('account.not_owner', text)
}

export function showStored(row: StoredAccountRow): ShownAccount {
  const valueIn = (column: string): string | null => Reflect.get(row, column)
  const settings = accountSettings.filter(({ isSecret }) => !isSecret)
  const secrets = accountSettings.filter(({ isSecret }) => isSecret)
  return {
    is_enabled: row.is_enabled,
    settings: Object.fromEntries(settings.map(({ column }) => [column, valueIn(column)])),
    secrets: Object.fromEntries(
      secrets.map(({ column }) => {
        const from = valueIn(column)
        return [column.replace(/_from$/, ''), from === null ? null : describeStored(from)]
      }),
    ),
  }
}
