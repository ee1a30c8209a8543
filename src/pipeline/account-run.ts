import { hostname } from 'node:os'
import type { CosellError } from '../errors.ts'
import { acquireLease, type Lease } from '../load/runs/lease.ts'
import { beginRun, markFailed, type RunMode } from '../load/runs/ledger.ts'
import type { Reference } from '../load/runs/reference.ts'
import { transformVersion } from '../transform/to-rows.ts'
import { appVersion } from '../version.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import type { Run, RunContext } from './run-context.ts'
import { addSummaries, type RunSummary, startStopwatch } from './run-summary.ts'

/** Loads accounts one after the other; the first failure is thrown after the last account. */
export async function forEachAccount<A extends { readonly name: string }>(
  { log, signal }: RunContext,
  accounts: readonly A[],
  load: (account: A) => Promise<RunSummary>,
): Promise<RunSummary> {
  const done: RunSummary[] = []
  const failures: CosellError[] = []
  for (const account of accounts) {
    try {
      done.push(await load(account))
    } catch (error) {
      const failure = signal.aborted ? signal.reason : databaseFailure(error)
      log.end()
      log.logger.error({ account: account.name, code: failure.code }, failure.message)
      failures.push(failure)
      if (signal.aborted) break
    }
  }
  const first = failures[0]
  if (first !== undefined) throw first
  return addSummaries(done)
}

/** Longest wait of a run for the pause that a backfill makes between two windows. */
const waitForBackfillMs = 15 * 60_000
/** Prefix of the holder's name that marks a backfill. */
const backfillHolder = 'backfill on '

/**
 * Holds the lease of an account while `use` runs. A backfill waits for any other holder until its
 * deadline. A run waits for a backfill alone.
 *
 * @throws CosellError `accountHeld` when another run holds the account.
 */
export async function withLease<T>(
  { warehouse, log, signal }: RunContext,
  partnerAccountKey: number,
  use: (lease: Lease) => Promise<T>,
  kind: 'run' | 'backfill' = 'run',
): Promise<T> {
  const isBackfill = kind === 'backfill'
  const holder = `${isBackfill ? backfillHolder : ''}${hostname()} process ${process.pid}`
  const lease = await acquireLease(warehouse.query, partnerAccountKey, holder, log.logger, {
    waitsFor: (present) => isBackfill || present.startsWith(backfillHolder),
    waitMs: isBackfill ? Number.POSITIVE_INFINITY : waitForBackfillMs,
    signal,
  })
  try {
    return await use(lease)
  } finally {
    await lease.release()
  }
}

/** The account, the reference data and the span of source time of a run that begins. */
export interface RunRequest {
  readonly lease: Lease
  readonly reference: Reference
  readonly mode: RunMode
  /** Start and end of the span that the run reads; null for an open end and for a rebuild. */
  readonly since: string | null
  readonly to: string | null
  /** Start of the run as ISO text in UTC; now when left out. */
  readonly startedAt?: string
}

/** Enters a run in the ledger, runs `use`, and records the reason when it fails. */
export async function withRun(
  context: RunContext,
  { lease, reference, mode, since, to, startedAt = new Date().toISOString() }: RunRequest,
  use: (run: Run) => Promise<RunSummary>,
): Promise<RunSummary> {
  const { warehouse, log } = context
  const runId = await beginRun(warehouse.query, {
    partnerAccountKey: lease.partnerAccountKey,
    mode,
    from: since,
    to,
    appVersion,
    transformVersion,
  })
  log.logger.info({ run_id: runId, mode, since }, 'run started')
  try {
    const stopwatch = startStopwatch()
    const summary = await use({ ...context, lease, runId, startedAt, reference, stopwatch })
    const { changed, rows_written: rows, reconciliation } = summary
    log.end()
    log.logger.info({ run_id: runId, changed, rows, reconciliation }, 'published')
    return summary
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // The first error counts: a lost database cannot record the failure either.
    await markFailed(warehouse.query, runId, message).catch(() => undefined)
    throw error
  }
}
