import { moveSignIn, type SignInMove } from '../../extract/auth/move-sign-in.ts'
import {
  checkAccountKnown,
  checkNameFree,
  listAccounts,
  renameAccount,
} from '../../load/runs/accounts.ts'
import { fencedTransaction } from '../../load/runs/fenced-transaction.ts'
import type { Lease } from '../../load/runs/lease.ts'
import { withLease } from '../account-run.ts'
import type { RunContext } from '../run-context.ts'

/** Result of a rename; `--json` ends with it. */
export interface RenamedAccount {
  readonly status: 'renamed'
  readonly account: string
  readonly previous_name: string
  readonly sign_in: SignInMove
  /** The settings still have the previous name, and the next run would be refused. */
  readonly is_setting_stale: boolean
}

/**
 * Renames an account of the warehouse, with its stored sign-in, while no run of it is under way.
 *
 * @throws CosellError `usage` when the warehouse has no account `from`, or one of the name `to`, and
 * `accountHeld` when the account is being loaded.
 */
export async function renameStoredAccount(
  context: RunContext,
  from: string,
  to: string,
): Promise<RenamedAccount> {
  const { config, warehouse } = context
  const known = await listAccounts(warehouse.query)
  checkAccountKnown(from, known)
  checkNameFree(to, known, from)
  const key = known.find((account) => account.account_code === from)?.partner_account_key ?? 0
  const rename = async (lease: Lease) => {
    await fencedTransaction(
      warehouse.query,
      lease,
      async (transaction) => {
        await renameAccount(transaction, key, { from, to })
        return to
      },
      // The acknowledgement of the commit may have been lost.
      async (transaction) => {
        const accounts = await listAccounts(transaction)
        return accounts.find((account) => account.account_code === to)?.account_code
      },
    )
  }
  const signIn = await withLease(context, key, (lease) =>
    moveSignIn({ home: config.home, from, to }, () => rename(lease)),
  )
  return {
    status: 'renamed',
    account: to,
    previous_name: from,
    sign_in: signIn,
    is_setting_stale: config.accounts.some(({ name }) => name === from),
  }
}
