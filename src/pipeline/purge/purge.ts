import { vacuum } from '../../load/erase/erase-rows.ts'
import { countRuns, deleteRuns, findRuns } from '../../load/purge/purge-runs.ts'
import { listAccounts } from '../../load/runs/accounts.ts'
import { fencedTransaction } from '../../load/runs/fenced-transaction.ts'
import { type HeldAccount, withAllLeases } from '../erase/keep-erased.ts'
import type { RunContext } from '../run-context.ts'
import { findContacts, purgeContacts } from './purge-contacts.ts'
import { findVersions, purgeVersions } from './purge-versions.ts'
import { type PurgeCounts, Tally } from './tally.ts'

/** Days for which each kind of row is kept; null: for ever. */
export interface Retention {
  readonly versions: number | null
  readonly runs: number | null
  readonly contacts: number | null
}

/** What a purge would do; `--plan` ends with it. */
export interface PurgePlan extends PurgeCounts {
  readonly status: 'planned'
  readonly days_kept: Retention
  readonly rows_to_purge: number
}

/** Result of a purge; `--json` ends with it. */
export interface Purged extends PurgeCounts {
  readonly status: 'purged'
  readonly days_kept: Retention
  readonly rows_purged: number
  readonly bytes_purged: number
}

/** Counts what a purge would delete and change, and changes nothing. */
export async function planPurge(context: RunContext, retention: Retention): Promise<PurgePlan> {
  const { query } = context.warehouse
  const before = instantsOf(retention)
  const tally = new Tally()
  for (const { partner_account_key: key } of await listAccounts(query)) {
    if (before.contacts !== null) await findContacts(context, key, before.contacts, tally)
    if (before.versions !== null) await findVersions(context, key, before.versions, tally)
  }
  if (before.runs !== null) {
    for (const runs of (await findRuns(query, before.runs)).values()) {
      tally.add(await countRuns(query, runs))
    }
  }
  const { counts, sum } = tally
  return { status: 'planned', days_kept: retention, ...counts, rows_to_purge: sum }
}

/**
 * Deletes and changes what is older than its retention, under the leases of all accounts. Killed in the
 * middle, a second purge does the rest.
 *
 * @throws CosellError `accountHeld` while a run is under way: nothing was purged.
 */
export function purge(context: RunContext, retention: Retention): Promise<Purged> {
  return withAllLeases(context, async (accounts) => {
    const before = instantsOf(retention)
    const tally = new Tally()
    for (const account of accounts) {
      const { lease } = account
      if (before.contacts !== null) await purgeContacts(context, account, before.contacts, tally)
      if (before.versions !== null) await purgeVersions(context, lease, before.versions, tally)
    }
    if (before.runs !== null) await purgeRuns(context, accounts, before.runs, tally)
    const { counts, sum, bytes } = tally
    const { query } = context.warehouse
    await vacuum(query, Object.keys(counts.rows))
    return {
      status: 'purged',
      days_kept: retention,
      ...counts,
      rows_purged: sum,
      bytes_purged: bytes,
    }
  })
}

const dayMs = 86_400_000

/** Instants before which rows are too old. */
function instantsOf({ versions, runs, contacts }: Retention) {
  const now = Date.now()
  const before = (days: number | null) =>
    days === null ? null : new Date(now - days * dayMs).toISOString()
  return { versions: before(versions), runs: before(runs), contacts: before(contacts) }
}

async function purgeRuns(
  { warehouse, log }: RunContext,
  accounts: readonly HeldAccount[],
  before: string,
  tally: Tally,
) {
  log.progress({ phase: 'purging', part: 'runs' })
  const found = await findRuns(warehouse.query, before)
  for (const { lease } of accounts) {
    const runs = found.get(lease.partnerAccountKey) ?? []
    if (runs.length === 0) continue
    tally.add(
      await fencedTransaction(warehouse.query, lease, (transaction) =>
        deleteRuns(transaction, runs),
      ),
    )
  }
}
