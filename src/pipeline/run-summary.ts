import type { PublishResult } from '../load/publish/publish-task.ts'
import { nothingRead, type Reconciliation } from '../load/publish/reconcile.ts'

export type Stage = 'extract_ms' | 'transform_ms' | 'publish_ms'

/** Result of a run; `--json` ends with it. */
export interface RunSummary {
  readonly status: 'published'
  readonly run_ids: readonly number[]
  /** Referrals that the run read, or replayed. */
  readonly seen: number
  readonly changed: number
  readonly unchanged: number
  readonly quarantined: number
  /** Referrals that became missing. */
  readonly missing: number
  readonly requests: number
  readonly throttled: number
  /** Milliseconds by which throttling made all requests wait. */
  readonly throttled_ms: number
  /** Rows inserted, updated or deleted in `raw`, `pii` and `dw`. */
  readonly rows_written: number
  readonly duration_ms: number
  readonly stages: Readonly<Record<Stage, number>>
  /** Destination of everything that was fetched; a run whose terms do not add up fails. */
  readonly reconciliation: Reconciliation
}

/** Summary of all runs of a command, and the accounts that it loaded. */
export interface RunResult extends RunSummary {
  readonly accounts: readonly string[]
}

/** Figures of a read. */
export interface ReadCounts {
  readonly seen: number
  readonly requests: number
  readonly throttled: number
  readonly throttledMs: number
  /** Rows written to the landing zone. */
  readonly landedRows: number
}

/** Requests of a run that does without the API. */
export const notAsked = { requests: 0, throttled: 0, throttledMs: 0 }

export interface Stopwatch {
  /** Adds the time since the last lap to a stage. */
  lap(stage: Stage): void
  readonly stages: Readonly<Record<Stage, number>>
}

/** Starts a stopwatch; `onLap` is told the stage and its milliseconds that end now. */
export function startStopwatch(onLap?: (stage: Stage, ms: number) => void): Stopwatch {
  const stages: Record<Stage, number> = { extract_ms: 0, transform_ms: 0, publish_ms: 0 }
  let last = performance.now()
  return {
    stages,
    lap: (stage) => {
      const now = performance.now()
      stages[stage] += Math.round(now - last)
      onLap?.(stage, now - last)
      last = now
    },
  }
}

export function summarize(
  { runId, stopwatch: { stages } }: { runId: number; stopwatch: Stopwatch },
  read: ReadCounts,
  published: PublishResult,
): RunSummary {
  const written = published.written.map((table) => table.inserted + table.updated + table.deleted)
  return {
    status: 'published',
    run_ids: [runId],
    seen: read.seen,
    changed: published.changed,
    unchanged: published.reconciliation.unchanged,
    quarantined: published.quarantined,
    missing: published.missing,
    requests: read.requests,
    throttled: read.throttled,
    throttled_ms: Math.round(read.throttledMs),
    rows_written: read.landedRows + written.reduce((sum, rows) => sum + rows, 0),
    duration_ms: Object.values(stages).reduce((sum, ms) => sum + ms, 0),
    stages,
    reconciliation: published.reconciliation,
  }
}

/** Sum of the summaries of several runs. */
export function addSummaries(runs: readonly RunSummary[]): RunSummary {
  const sum = (count: (run: RunSummary) => number) =>
    runs.reduce((total, run) => total + count(run), 0)
  return {
    status: 'published',
    run_ids: runs.flatMap((run) => run.run_ids),
    seen: sum((run) => run.seen),
    changed: sum((run) => run.changed),
    unchanged: sum((run) => run.unchanged),
    quarantined: sum((run) => run.quarantined),
    missing: sum((run) => run.missing),
    requests: sum((run) => run.requests),
    throttled: sum((run) => run.throttled),
    throttled_ms: sum((run) => run.throttled_ms),
    rows_written: sum((run) => run.rows_written),
    duration_ms: sum((run) => run.duration_ms),
    stages: {
      extract_ms: sum((run) => run.stages.extract_ms),
      transform_ms: sum((run) => run.stages.transform_ms),
      publish_ms: sum((run) => run.stages.publish_ms),
    },
    reconciliation: runs.reduce((total, run) => add(total, run.reconciliation), nothingRead),
  }
}

function add(total: Reconciliation, more: Reconciliation): Reconciliation {
  const names = Object.keys(nothingRead) as (keyof Reconciliation)[]
  const sums = names.map((name) => [name, total[name] + more[name]])
  return Object.fromEntries(sums) as Reconciliation
}
