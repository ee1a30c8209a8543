import type { PublishResult } from '../load/publish/publish-task.ts'
import { nothingRead, type Reconciliation } from '../load/publish/reconcile.ts'

export type Stage = 'extract_ms' | 'transform_ms' | 'publish_ms'

/** Result of a run; `--json` ends with it. */
export interface RunSummary {
  /** Of one account `published`; of a command `partly` when some of its accounts failed. */
  readonly status: 'published' | 'partly' | 'failed'
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

/** How one account of a command ended. */
export interface AccountOutcome {
  readonly account: string
  readonly status: 'published' | 'failed'
  /** The code with which a command of this account alone would have ended. */
  readonly exit_code: number
  /** Error code and message; null when it published. */
  readonly code: string | null
  readonly message: string | null
  /** Every run that began, also one that failed. */
  readonly run_ids: readonly number[]
  readonly seen: number
  readonly changed: number
  readonly quarantined: number
  readonly requests: number
  /** From the begin of the account to its end; 0 for one that did not begin. */
  readonly duration_ms: number
}

/** Sums of all runs of a command, and how each of its accounts ended. */
export interface RunResult extends RunSummary {
  /** Exit code, error code and message that the failed accounts give the command; absent without one. */
  readonly exit_code?: number
  readonly code?: string
  readonly message?: string
  readonly accounts: readonly AccountOutcome[]
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
  /** Ends with the stage that comes after the last lap, since it does not come to its end. */
  cut(): void
  readonly stages: Readonly<Record<Stage, number>>
}

const inOrder: readonly Stage[] = ['extract_ms', 'transform_ms', 'publish_ms']

/**
 * Starts a stopwatch of a run that begins with the `first` stage; `onLap` is told each stage and its
 * milliseconds when it ends.
 */
export function startStopwatch(
  first: Stage = 'extract_ms',
  onLap?: (stage: Stage, ms: number, isCut: boolean) => void,
): Stopwatch {
  const stages: Record<Stage, number> = { extract_ms: 0, transform_ms: 0, publish_ms: 0 }
  let last = performance.now()
  let present: Stage | undefined = first
  const end = (stage: Stage, isCut: boolean) => {
    const now = performance.now()
    stages[stage] += Math.round(now - last)
    onLap?.(stage, now - last, isCut)
    last = now
    present = isCut ? undefined : inOrder[inOrder.indexOf(stage) + 1]
  }
  return {
    stages,
    lap: (stage) => end(stage, false),
    cut: () => {
      if (present !== undefined) end(present, true)
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
