import { type AccountConfig, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { login } from '../../../extract/login.ts'
import { abortController, type JsonFlag, log, printNotice, printResult } from '../../output.ts'
import { renderLogin } from '../../text/login.ts'

export type LoginFlags = JsonFlag & { readonly account?: string }

/** Signs a person in. */
export async function signIn({ json, account }: LoginFlags) {
  const { accounts, home, requestsPerMinute, network } = loadConfig()
  const result = await login({
    account: chooseAccount(accounts, account),
    home,
    requestsPerMinute,
    network,
    log: log.logger,
    signal: abortController.signal,
    show: printNotice,
  })
  printResult(json, result, () => renderLogin(result))
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
  const names = accounts.map((account) => account.name).join(', ')
  const got = name === undefined ? 'none' : `"${name}"`
  throw new CosellError(
    'login.which_account',
    `--account: expected one of ${names}, got ${got}. Name the account to sign in for.`,
  )
}
