import { CosellError } from '../../errors.ts'
import { countInvented, refreshFindings, removeInvented } from '../../exchange-rates/store.ts'
import { listSignIns, removeSignIn } from '../../extract/auth/remove-sign-in.ts'
import {
  countAccountRows,
  ownsAccountTables,
  type Removed,
  type RowCounts,
  removeAccount,
} from '../../load/forget/remove-account.ts'
import { checkAccountKnown, listAccounts } from '../../load/runs/accounts.ts'
import { fencedTransaction } from '../../load/runs/fenced-transaction.ts'
import { deleteSignIn, readSignIn } from '../../load/runs/sign-ins.ts'
import { listNamed, removeStored } from '../../load/runs/stored-accounts.ts'
import { retryTransient } from '../../warehouse/connection/retry-transient.ts'
import { withLease } from '../account-run.ts'
import type { RunContext } from '../run-context.ts'
import { demoAccount, holdsDemo } from './demo-account.ts'

/** What there is of an account before it is removed. */
export interface Holdings {
  readonly account: string
  /** Rows by table; empty where only a sign-in or rates are left. */
  readonly rows: RowCounts
  readonly hasSignIn: boolean
  /** Quotes that the demo invented; zero for every other account. */
  readonly inventedRates: number
}

/** Result of a removal; `--json` ends with it. */
export interface ForgottenAccount {
  readonly status: 'forgotten'
  readonly account: string
  /** Deleted rows, by table. */
  readonly rows: RowCounts
  readonly rows_deleted: number
  readonly invented_rates_deleted: number
  readonly is_sign_in_removed: boolean
  /** The settings still have the account, and the next run would load it again. */
  readonly is_configured: boolean
  /** Undocumented values stay in shared tables, since another account was being loaded. */
  readonly are_shared_values_kept: boolean
}

/**
 * Returns what there is of an account: rows, a stored sign-in, or what a removal that was killed has
 * left of these.
 *
 * @throws CosellError `usage` when there is nothing of that name, `configuration` when the login may
 * not remove accounts.
 */
export async function findHoldings(context: RunContext, account: string): Promise<Holdings> {
  const { query } = context.warehouse
  const known = await listNamed(query)
  const held = known.find(({ account_code: code }) => code === account)
  const { partner_account_key: key, isStored = false } = held ?? {}
  const signIns = await listSignIns(context.config.home)
  const hasSignIn = signIns.includes(account) || (await readSignIn(query, account)) !== null
  const isDemo = account === demoAccount && (key === undefined || (await holdsDemo(query)))
  const inventedRates = isDemo ? await countInvented(query) : 0
  if (key === undefined && !isStored && !hasSignIn && inventedRates === 0) {
    const stray = signIns.filter((name) => !known.some(({ account_code: code }) => code === name))
    checkAccountKnown(account, [...known, ...stray.map((name) => ({ account_code: name }))])
  }
  if (!(await ownsAccountTables(query))) throw notOwner(context.warehouse.session.role)
  const rows = key === undefined ? {} : await countAccountRows(query, key)
  return { account, rows: { ...rows, ...storedRow(isStored) }, hasSignIn, inventedRates }
}

/** The row of a stored account, as counts have it. */
const storedRow = (isStored: boolean): RowCounts => (isStored ? { 'etl.account': 1 } : {})

/**
 * Removes an account whole: its rows in one transaction under its lease, then its stored sign-in.
 * Killed in between, a second call removes the sign-in.
 *
 * @throws CosellError `accountHeld` while a run of the account is under way.
 */
export async function forgetAccount(
  context: RunContext,
  { account, inventedRates }: Holdings,
): Promise<ForgottenAccount> {
  const { config, warehouse } = context
  const { query } = warehouse
  const entered = (await listAccounts(query)).find(({ account_code: code }) => code === account)
  const key = entered?.partner_account_key
  let rates = 0
  let removed: Removed = { rows: {}, areMembersKept: false }
  if (key !== undefined) {
    removed = await withLease(context, key, (lease) =>
      fencedTransaction(query, lease, async (transaction) => {
        rates = inventedRates > 0 ? await removeInvented(transaction) : 0
        const gone = await removeAccount(transaction, key)
        const isStored = await removeStored(transaction, account)
        removed = { ...gone, rows: { ...gone.rows, ...storedRow(isStored) } }
        return removed
      }).catch(async (error: unknown) => {
        // The acknowledgement of the commit may have been lost, and the lease is gone with the rest.
        const isLost = error instanceof CosellError && error.code === 'lease.held'
        if (isLost && !(await isThere(context, account))) return removed
        throw error
      }),
    )
  } else {
    const isStored = await retryTransient(() => removeStored(query, account))
    removed = { rows: storedRow(isStored), areMembersKept: false }
    if (inventedRates > 0) {
      rates = await retryTransient(() => query.transaction().execute(removeInvented))
    }
  }
  const isFileRemoved = await removeSignIn(config.home, account)
  const isSharedRemoved = await deleteSignIn(query, account)
  if (rates > 0) await refreshFindings(query)
  return {
    status: 'forgotten',
    account,
    rows: removed.rows,
    rows_deleted: Object.values(removed.rows).reduce((sum, rows) => sum + rows, 0),
    invented_rates_deleted: rates,
    is_sign_in_removed: isFileRemoved || isSharedRemoved,
    is_configured:
      config.accountsPlace !== undefined && config.accounts.some(({ name }) => name === account),
    are_shared_values_kept: removed.areMembersKept,
  }
}

async function isThere({ warehouse }: RunContext, account: string): Promise<boolean> {
  const known = await listAccounts(warehouse.query)
  return known.some(({ account_code: code }) => code === account)
}

function notOwner(role: string): CosellError {
  const text =
    `Forget: expected a login that owns the tables, got "${role}", which does not; nothing was ` +
    'removed. Let a member of cosell_owner run it.'
  return new CosellError('forget.not_owner', text)
}
