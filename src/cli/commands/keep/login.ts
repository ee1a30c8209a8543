import { type AccountConfig, type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { login } from '../../../extract/login.ts'
import { withStoredAccounts } from '../../../pipeline/accounts/accounts-in-force.ts'
import { readSecrets } from '../../../pipeline/accounts/read-secrets.ts'
import { tokenStoreOf } from '../../../pipeline/sign-ins/store.ts'
import type { Kysely } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import { abortController, type JsonFlag, log, printNotice, printResult } from '../../output.ts'
import { renderLogin } from '../../text/login.ts'
import { inspectWarehouse, withWarehouse } from '../../with-warehouse.ts'

export type LoginFlags = JsonFlag & { readonly account?: string }

/** Signs a person in. */
export async function signIn({ json, account }: LoginFlags) {
  const config = loadConfig()
  const { signal } = abortController
  const signInTo = async (inForce: Config, query?: Kysely<Database>) => {
    const { home, requestsPerMinute, network } = inForce
    const { secretsFrom, ...chosen } = chooseAccount(inForce.accounts, account)
    // A sign-in replaces the refresh token, which may be what is missing.
    const { refreshToken: _, ...needed } = secretsFrom ?? {}
    const result = await login({
      account: await readSecrets({ config, signal }, { ...chosen, secretsFrom: needed }),
      home,
      sharedStore: query && tokenStoreOf(config, query, chosen.name),
      requestsPerMinute,
      network,
      log: log.logger,
      signal,
      show: printNotice,
    })
    printResult(json, result, () => renderLogin(result))
  }
  if (config.tokenKeys === undefined) return signInTo(await configOf(config))
  return withWarehouse(config, ({ query }, _, inForce) => signInTo(inForce, query), {
    needsAccounts: true,
  })
}

/** Asks the warehouse for its accounts where the settings name none. */
async function configOf(config: Config): Promise<Config> {
  if (config.accountsPlace !== undefined) return config
  const inForce = await inspectWarehouse(config, ({ query }) => withStoredAccounts(config, query))
  return inForce ?? config
}

/**
 * Returns the configured account of this name, or the only one when no name is given.
 *
 * @throws CosellError `usage` when the name is unknown, or missing although there are several.
 */
export function chooseAccount(
  accounts: readonly AccountConfig[],
  name: string | undefined,
): AccountConfig {
  const [only, ...others] = accounts
  if (name === undefined && only !== undefined && others.length === 0) return only
  const found = accounts.find((account) => account.name === name)
  if (found !== undefined) return found
  const names = accounts.map((account) => account.name).join(', ') || '(none enabled)'
  const got = name === undefined ? 'none' : `"${name}"`
  throw new CosellError(
    'login.which_account',
    `--account: expected one of ${names}, got ${got}. Name the account to sign in for.`,
  )
}
