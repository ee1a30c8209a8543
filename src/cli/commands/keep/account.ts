import { accountSettingOf, type Config, loadConfig, parseAccountName } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import {
  addAccount,
  changeAccount,
  type KeptAccount,
  switchAccount,
} from '../../../pipeline/accounts/keep-accounts.ts'
import { overviewAccounts } from '../../../pipeline/accounts/overview-accounts.ts'
import { renameStoredAccount } from '../../../pipeline/accounts/rename-account.ts'
import { readAccounts } from '../../../report/queries/accounts.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, printAnswer, printResult } from '../../output.ts'
import { renderAccounts, renderKept, renderRenamed } from '../../text/accounts.ts'
import { withRunContext, withWarehouse } from '../../with-warehouse.ts'

/** Settings of an account by property, beside the option that every command has. */
export type AccountFlags = JsonFlag & Readonly<Record<string, string | true | undefined>>

/** Lists the accounts of the warehouse, renames one, or stores one with its settings. */
export async function account(action: string, names: readonly string[], flags: AccountFlags) {
  const { json, ...given } = flags
  const settings = given as Readonly<Record<string, string>>
  const takesSettings = action === 'add' || action === 'change'
  const stray = takesSettings ? undefined : Object.keys(settings)[0]
  if (stray !== undefined) throw usageError(`${action} takes no ${optionOf(stray)}; change does.`)
  if (action === 'list') return list(names, json)
  if (action === 'rename') return rename(names, json)
  const [name, ...more] = names
  if (name === undefined || more.length > 0) {
    throw usageError(`${action} takes one name, got ${names.length}.`)
  }
  if (action === 'change' && Object.keys(settings).length === 0) {
    throw usageError('change takes at least one setting, such as --tenant-id.')
  }
  const config = loadConfig()
  const { accounts, accountsPlace } = config
  const isOfSettings = accountsPlace !== undefined && accounts.some((one) => one.name === name)
  const keep = (warehouse: OpenWarehouse): Promise<KeptAccount> => {
    if (action === 'add') return addAccount(warehouse, checkName(name), settings)
    if (action === 'change') return changeAccount(warehouse, name, settings)
    return switchAccount(warehouse, name, action === 'enable', isOfSettings)
  }
  await withWarehouse(config, async (warehouse) => {
    const kept = await keep(warehouse)
    printResult(json, kept, () => renderKept(kept, accountsPlace, isOfSettings))
  })
}

async function list(names: readonly string[], json: true | undefined) {
  if (names.length > 0) throw usageError('list takes no name.')
  const show = async ({ query }: OpenWarehouse, _: unknown, inForce: Config) => {
    const accounts = await overviewAccounts(query, await readAccounts(query), inForce)
    printAnswer(json, { status: 'ok', accounts }, (style) => renderAccounts(accounts, style))
  }
  await withWarehouse(loadConfig(), show, { needsAccounts: true })
}

async function rename(names: readonly string[], json: true | undefined) {
  const [from, to, ...more] = names
  if (from === undefined || to === undefined || more.length > 0) {
    throw usageError(
      `rename takes two names, the present one and the new one; got ${names.length}.`,
    )
  }
  const name = checkName(to)
  await withRunContext(loadConfig(), async (context) => {
    const renamed = await renameStoredAccount(context, from, name)
    printResult(json, renamed, () => renderRenamed(renamed))
  })
}

function checkName(given: string): string {
  const name = parseAccountName(given)
  if (name !== undefined) return name
  const text = `The new name: expected up to 63 letters, digits, ".", "_", "-", got "${given}". Give another name.`
  throw new CosellError('account.name', text)
}

function optionOf(field: string): string {
  return `--${accountSettingOf(field)?.option}`
}

function usageError(text: string): CosellError {
  return new CosellError('account.usage', `cosell account: ${text}`)
}
