import { sql } from 'kysely'
import { applyReportingCurrency } from '../../exchange-rates/store.ts'
import type { LandedScope } from '../../load/landing/landed-pages.ts'
import { publishOnTrial } from '../../load/publish/publish.ts'
import type { RowsWritten } from '../../load/publish/star/upsert.ts'
import { idleLimit } from '../../load/runs/fenced-transaction.ts'
import type { Lease } from '../../load/runs/lease.ts'
import { beginRun, readAccountState } from '../../load/runs/ledger.ts'
import { prepareForBulk } from '../../load/runs/prepare-for-bulk.ts'
import { readReference } from '../../load/runs/reference.ts'
import { stageOnTrial } from '../../load/staging/stage.ts'
import { transformVersion } from '../../transform/to-rows.ts'
import { appVersion } from '../../version.ts'
import { openCopying, type Transaction } from '../../warehouse/connection/database.ts'
import { retryTransient } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { RunContext } from '../run-context.ts'
import { notAsked, startStopwatch } from '../run-summary.ts'
import { storeEligibilitySource } from '../stored-settings/eligibility-source.ts'
import { applyFiscalYear } from '../stored-settings/fiscal-year.ts'
import { landedTask } from '../transform-and-publish.ts'
import { compareMart, keepMarts, type MartDifference, referralsMax } from './compare-marts.ts'

/** What a replay of one account would change. */
export interface AccountDifference {
  readonly account: string
  /** Referrals that were replayed, and those of them that would be in quarantine. */
  readonly seen: number
  readonly quarantined: number
  readonly quarantine: QuarantineDifference
  /** Rows that would be written, by table; tables without any are left out. */
  readonly tables: readonly RowsWritten[]
  /** Marts that would differ. */
  readonly marts: readonly MartDifference[]
}

/** Referrals that would come into quarantine, or leave it. */
export interface QuarantineDifference {
  readonly added: number
  readonly removed: number
  /** Up to ten ids of both. */
  readonly referrals: readonly string[]
}

/** What a replay writes. */
export type ReplayScope = Exclude<LandedScope, 'unpublished'>

/**
 * Replays an account in one transaction that is rolled back, and compares its marts before and after.
 * All of it sees one snapshot and one `now()`. Readers wait for nothing; sequences may have gaps.
 * Settings that a rebuild stores count as stored. It begins again after a transient failure, such as
 * a row that another transaction changed meanwhile.
 *
 * @throws CosellError as the rebuild would.
 */
export function diffAccount(
  context: RunContext,
  lease: Lease,
  scope: ReplayScope,
): Promise<AccountDifference> {
  return retryTransient(() => tryReplay(context, lease, scope))
}

async function tryReplay(
  context: RunContext,
  lease: Lease,
  scope: ReplayScope,
): Promise<AccountDifference> {
  const copying = openCopying(context.warehouse)
  const rolledBack = new Error('a trial is rolled back')
  let found: AccountDifference | undefined
  try {
    await copying.query
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (transaction) => {
        await sql.raw(`select ${idleLimit}`).execute(transaction)
        found = await replayOnTrial(context, lease, scope, transaction, copying.client())
        throw rolledBack
      })
  } catch (error) {
    if (error !== rolledBack) throw error
  }
  if (found === undefined) throw new Error('a trial ended without a result')
  return found
}

async function replayOnTrial(
  context: RunContext,
  lease: Lease,
  scope: ReplayScope,
  transaction: Transaction<Database>,
  client: ReturnType<ReturnType<typeof openCopying>['client']>,
): Promise<AccountDifference> {
  const { partnerAccountKey } = lease
  const { signal } = context
  await prepareForBulk(transaction)
  const kept = await keepMarts(transaction, partnerAccountKey)
  const held = await readHeld(transaction, partnerAccountKey)
  await storeSettings(context, scope, transaction)
  const reference = await readReference(transaction)
  const { watermark } = await readAccountState(transaction, partnerAccountKey)
  const runId = await beginRun(transaction, {
    partnerAccountKey,
    mode: 'rebuild',
    from: null,
    to: null,
    appVersion,
    transformVersion,
    // No number of the sequence, and none of a trial of another account.
    runId: -partnerAccountKey,
  })
  const run = {
    ...context,
    signal: AbortSignal.any([signal, lease.lost]),
    lease,
    runId,
    startedAt: new Date().toISOString(),
    reference,
    stopwatch: startStopwatch(),
    asked: () => notAsked,
    tell: () => undefined,
  }
  const task = landedTask(run, { scope, watermark })
  const staged = await stageOnTrial(transaction, client, partnerAccountKey, task.batches())
  const published = await publishOnTrial(transaction, partnerAccountKey, {
    ...task,
    staged,
    ...task.atEnd(),
  })
  const marts: MartDifference[] = []
  for (const mart of kept) {
    run.signal.throwIfAborted()
    const difference = await compareMart(transaction, partnerAccountKey, mart)
    if (difference !== undefined) marts.push(difference)
  }
  const tables = published.written.filter(
    ({ inserted, updated, deleted }) => inserted + updated + deleted > 0,
  )
  const { quarantined } = published
  const quarantine = compareHeld(held, await readHeld(transaction, partnerAccountKey))
  const seen = published.staged + quarantined
  return { account: context.account ?? '', seen, quarantined, quarantine, tables, marts }
}

/** Makes the settings that a replay of this scope stores before it begins. */
async function storeSettings(
  { config }: RunContext,
  scope: ReplayScope,
  transaction: Transaction<Database>,
) {
  await applyFiscalYear(transaction, config.fiscalYearStartMonth)
  await storeEligibilitySource(transaction, config.eligibilitySource, config.accounts)
  if (scope === 'all') await applyReportingCurrency(transaction, config.reportingCurrency)
}

async function readHeld(transaction: Transaction<Database>, partnerAccountKey: number) {
  const rows = await transaction
    .selectFrom('etl.quarantine')
    .select('resource_id')
    .distinct()
    .where('partner_account_key', '=', partnerAccountKey)
    .where('resolved_run_id', 'is', null)
    .orderBy('resource_id')
    .execute()
  return new Set(rows.map(({ resource_id }) => resource_id))
}

/** Compares the ids in quarantine before and after. */
export function compareHeld(
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): QuarantineDifference {
  const added = [...after].filter((id) => !before.has(id))
  const removed = [...before].filter((id) => !after.has(id))
  const referrals = [...added, ...removed].slice(0, referralsMax)
  return { added: added.length, removed: removed.length, referrals }
}
