import { type AccountConfig, type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import type { TokenStore } from '../../../extract/auth/token-store.ts'
import { login } from '../../../extract/login.ts'
import { withStoredAccounts } from '../../../pipeline/accounts/accounts-in-force.ts'
import { readSecrets } from '../../../pipeline/accounts/read-secrets.ts'
import { tokenStoreOf } from '../../../pipeline/sign-ins/store.ts'
import { abortController, type JsonFlag, log, printNotice, printResult } from '../../output.ts'
import { renderLogin } from '../../text/login.ts'
import { inspectWarehouse, withWarehouse } from '../../with-warehouse.ts'

export type LoginFlags = JsonFlag & { readonly account?: string }

/** Signs a person in. */
export async function signIn({ json, account }: LoginFlags) {
  const config = await configOf(loadConfig())
  const { home, requestsPerMinute, network, tokenKeys } = config
  const { signal } = abortController
  const chosen = chooseAccount(config.accounts, account)
  const signInTo = async (sharedStore?: TokenStore) => {
    const result = await login({
      account: await readSecrets({ config, signal }, chosen),
      home,
      sharedStore,
      requestsPerMinute,
      network,
      log: log.logger,
      signal,
      show: printNotice,
    })
    printResult(json, result, () => renderLogin(result))
  }
  if (tokenKeys === undefined) return signInTo()
  return withWarehouse(config, ({ query }) => signInTo(tokenStoreOf(config, query, chosen.name)))
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
