import { hostname } from 'node:os'
import { acquireLease, type Lease } from '../load/runs/lease.ts'
import { beginRun, markFailed, type RunMode } from '../load/runs/ledger.ts'
import type { Reference } from '../load/runs/reference.ts'
import { transformVersion } from '../transform/to-rows.ts'
import { appVersion } from '../version.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import type { Run, RunContext } from './run-context.ts'
import type { RunEvent } from './run-events.ts'
import { notAsked, type RunSummary, startStopwatch } from './run-summary.ts'
import { lastStepMsMax, tryLastStep, unlessStalled } from './watchdog.ts'

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
  { warehouse, log, signal, stalled }: RunContext,
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
  // Before the last steps, which the locks of a transaction that hangs would block.
  const abandon = () => warehouse.abandon(stalled?.reason)
  stalled?.addEventListener('abort', abandon, { once: true })
  try {
    // The run in it ends first, so that the ledger has the reason before the lease is free.
    return await unlessStalled(use(lease), stalled, 2 * lastStepMsMax)
  } finally {
    stalled?.removeEventListener('abort', abandon)
    if (!(await tryLastStep(() => lease.release()))) {
      log.logger.warn('the lease could not be released: it lapses')
    }
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

const stageNames = {
  extract_ms: 'extract',
  transform_ms: 'transform',
  publish_ms: 'publish',
} as const

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
  const name = { account: context.account ?? '', runId }
  const tell = (event: RunEvent) => context.observe?.({ ...event, ...name })
  tell({ kind: 'begun', mode, atMs: Date.now() })
  const first = mode === 'rebuild' ? 'transform_ms' : 'extract_ms'
  const stopwatch = startStopwatch(first, (stage, ms, isCut) => {
    const endMs = Date.now()
    tell({ kind: 'stage', stage: stageNames[stage], isCut, startMs: endMs - ms, endMs })
  })
  // One connection to the API serves all windows of a backfill.
  const before = context.tally?.since() ?? notAsked
  const asked = () => context.tally?.since(before) ?? notAsked
  try {
    const signal = AbortSignal.any([context.signal, lease.lost])
    const facts = { lease, runId, startedAt, reference }
    const run = { ...context, signal, ...facts, stopwatch, asked, tell }
    const summary = await unlessStalled(use(run), context.stalled)
    tell({ kind: 'published', atMs: Date.now(), summary })
    const { changed, rows_written: rows, reconciliation } = summary
    log.end()
    log.logger.info({ run_id: runId, changed, rows, reconciliation }, 'published')
    return summary
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // The message of a database may hold data; its code does not.
    const { code } = databaseFailure(error)
    const sent = asked()
    stopwatch.cut()
    tell({ kind: 'failed', atMs: Date.now(), code, ...sent })
    // The first error counts: a lost database cannot record the failure either.
    if (!(await tryLastStep(() => markFailed(warehouse.query, runId, { message, ...sent })))) {
      log.logger.warn({ run_id: runId }, 'the ledger could not record why the run failed')
    }
    throw error
  }
}
