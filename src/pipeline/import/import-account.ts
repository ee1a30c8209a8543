import { type Config, parseAccountName } from '../../config.ts'
import { CosellError } from '../../errors.ts'
import type { AccountSource } from '../../load/runs/account-source.ts'
import { configuredSource } from '../accounts/account-source.ts'

/** Account that files belong to. */
export interface ImportAccount {
  readonly name: string
  readonly tenantId: string | undefined
  readonly source: AccountSource
}

/**
 * Returns the account of files: the named one, else the only one of the settings. One that the
 * settings do not have needs no API.
 *
 * @throws CosellError `usage` when it cannot be told.
 */
export function importAccount({ accounts }: Config, name: string | undefined): ImportAccount {
  const [first] = accounts
  const configured =
    name === undefined && accounts.length === 1
      ? first
      : accounts.find((account) => account.name === name)
  if (configured !== undefined) {
    const { name, tenantId } = configured
    return { name, tenantId, source: configuredSource(configured) }
  }
  const named = name === undefined ? undefined : parseAccountName(name)
  if (named !== undefined) {
    const source = { apiUrl: '', tenantId: null, organizationId: null }
    return { name: named, tenantId: undefined, source }
  }
  const names = accounts.map((account) => account.name).join(', ') || '(none)'
  const got = name === undefined ? 'none' : JSON.stringify(name)
  const text =
    `--account: expected the account that the files are of, one of ${names} or the name of another ` +
    `one (letters, digits, ".", "_", "-"), got ${got}. Nothing was read.`
  throw new CosellError('import.account', text)
}
