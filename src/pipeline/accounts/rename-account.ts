import { moveSignIn, type SignInMove } from '../../extract/auth/move-sign-in.ts'
import {
  checkAccountKnown,
  checkNameFree,
  listAccounts,
  renameAccount,
} from '../../load/runs/accounts.ts'
import { fencedTransaction } from '../../load/runs/fenced-transaction.ts'
import type { Lease } from '../../load/runs/lease.ts'
import { renameSignIn } from '../../load/runs/sign-ins.ts'
import { listNamed, renameStored } from '../../load/runs/stored-accounts.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import { retryTransient } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { withLease } from '../account-run.ts'
import type { RunContext } from '../run-context.ts'
import { requireStoredOwner } from './keep-accounts.ts'

/** Result of a rename; `--json` ends with it. */
export interface RenamedAccount {
  readonly status: 'renamed'
  readonly account: string
  readonly previous_name: string
  readonly sign_in: SignInMove
  /** The settings still have the previous name, and the next run would be refused. */
  readonly is_setting_stale: boolean
  /** The warehouse has stored the account, and has the new name of it. */
  readonly is_stored: boolean
}

/**
 * Renames an account of the warehouse, loaded or only stored, with its stored sign-in, while no run of it
 * is under way.
 *
 * @throws CosellError `usage` when the warehouse has no account `from`, or one of the name `to`,
 * `accountHeld` when the account is being loaded, `configuration` when it is stored and the login may not
 * change that.
 */
export async function renameStoredAccount(
  context: RunContext,
  from: string,
  to: string,
): Promise<RenamedAccount> {
  const { config, warehouse } = context
  const { query } = warehouse
  const known = await listNamed(query)
  checkAccountKnown(from, known)
  checkNameFree(to, known, from)
  const renamed = known.find(({ account_code: code }) => code === from)
  const { partner_account_key: key, isStored = false } = renamed ?? {}
  if (isStored) await requireStoredOwner(query, warehouse.session.role)
  const names = { from, to }
  let shared: SignInMove = 'none'
  // What the settings of an account and its sign-in have of its name changes with it, or not at all.
  const renameKept = async (transaction: Transaction<Database>) => {
    if (isStored) await renameStored(transaction, names)
    const move = await renameSignIn(transaction, from, to)
    // A commit whose acknowledgement was lost has moved it before.
    if (move !== 'none') shared = move
  }
  const signIns = { home: config.home, ...names }
  const file =
    key === undefined
      ? await moveSignIn(signIns, () =>
          retryTransient(() => query.transaction().execute(renameKept)),
        )
      : await withLease(context, key, (lease) =>
          moveSignIn(signIns, () => renameLoaded(query, lease, names, renameKept)),
        )
  return {
    status: 'renamed',
    account: to,
    previous_name: from,
    sign_in: shared === 'none' ? file : shared,
    is_setting_stale:
      config.accountsPlace !== undefined && config.accounts.some(({ name }) => name === from),
    is_stored: isStored,
  }
}

interface Names {
  readonly from: string
  readonly to: string
}

/** Renames a loaded account, and what else is kept under its name, in one transaction. */
async function renameLoaded(
  query: Kysely<Database>,
  lease: Lease,
  names: Names,
  renameKept: (transaction: Transaction<Database>) => Promise<void>,
): Promise<void> {
  await fencedTransaction(
    query,
    lease,
    async (transaction) => {
      await renameAccount(transaction, lease.partnerAccountKey, names)
      await renameKept(transaction)
      return names.to
    },
    // The acknowledgement of the commit may have been lost.
    async (transaction) => {
      const accounts = await listAccounts(transaction)
      return accounts.find((account) => account.account_code === names.to)?.account_code
    },
  )
}
