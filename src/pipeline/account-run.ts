import { hostname } from 'node:os'
import type { CosellError } from '../errors.ts'
import type { ReadPlan } from '../extract/incremental/read-plan.ts'
import { acquireLease, type Lease } from '../load/runs/lease.ts'
import { beginRun, markFailed } from '../load/runs/ledger.ts'
import { transformVersion } from '../transform/to-rows.ts'
import { appVersion } from '../version.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import type { RunEnvironment } from './run-context.ts'
import { addUp, type RunSummary } from './run-summary.ts'

/** Loads accounts one after the other; the first failure is thrown once all had their turn. */
export async function eachAccount<A extends { readonly name: string }>(
  accounts: readonly A[],
  { log, signal }: RunEnvironment,
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
  return addUp(done)
}

/** How long a run waits for a backfill to make its pause between two windows. */
const waitForBackfillMs = 15 * 60_000
/** How the holder of a lease begins that is a backfill. */
const backfillHolder = 'backfill on '

/**
 * Holds the lease of an account while `use` runs. A backfill waits for whoever holds it, until the
 * deadline; every other run waits for a backfill alone.
 */
export async function underLease<T>(
  { warehouse, log, signal }: RunEnvironment,
  partnerAccountKey: number,
  use: (lease: Lease) => Promise<T>,
  turn: 'run' | 'backfill' = 'run',
): Promise<T> {
  const isBackfill = turn === 'backfill'
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

/** Enters a run in the ledger before `use` and, when it fails, why. */
export async function inRun(
  { warehouse, log }: RunEnvironment,
  lease: Lease,
  span: {
    mode: ReadPlan['mode'] | 'backfill' | 'rebuild'
    since: string | null
    to: string | null
  },
  use: (runId: number) => Promise<RunSummary>,
): Promise<RunSummary> {
  const runId = await beginRun(warehouse.query, {
    partnerAccountKey: lease.partnerAccountKey,
    mode: span.mode,
    from: span.since,
    to: span.to,
    appVersion,
    transformVersion,
  })
  log.logger.info({ run_id: runId, mode: span.mode, since: span.since }, 'run started')
  try {
    const summary = await use(runId)
    log.end()
    log.logger.info(
      {
        run_id: runId,
        changed: summary.changed,
        rows: summary.rows_written,
        conservation: summary.conservation,
      },
      'published',
    )
    return summary
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // The first error counts: when the database is gone, the ledger cannot be told of it either.
    await markFailed(warehouse.query, runId, message).catch(() => undefined)
    throw error
  }
}
