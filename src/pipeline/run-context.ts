import type { Config } from '../config.ts'
import type { RequestCounts } from '../extract/http/send-with-retries.ts'
import type { Lease } from '../load/runs/lease.ts'
import type { Reference } from '../load/runs/reference.ts'
import type { Log } from '../log.ts'
import type { Warehouse } from '../warehouse/connection/database.ts'
import type { FirstPages } from './accounts/first-pages.ts'
import type { RequestTally } from './accounts/request-tally.ts'
import type { Observer, RunEvent } from './run-events.ts'
import type { Stopwatch } from './run-summary.ts'

/** Everything that a command gives to the pipeline. */
export interface RunContext {
  readonly config: Config
  readonly warehouse: Warehouse
  readonly log: Log
  /** Aborted with the CosellError that says why the run must stop. */
  readonly signal: AbortSignal
  /** Aborted with the reason why a run ends now: no progress, a signal long ago; absent in tests. */
  readonly stalled?: AbortSignal | undefined
  /** Is told what happens; absent where nobody watches. */
  readonly observe?: Observer | undefined
  /** Accounts that are loaded side by side; 1 when absent. */
  readonly workers?: number | undefined
  /** Failed accounts that do not fail the command while another one publishes; none when absent. */
  readonly tolerated?: number | undefined
  /** Account that is being loaded; this and the next two are absent outside of `forEachAccount`. */
  readonly account?: string | undefined
  /** What the new accounts of the command have shown. */
  readonly firstPages?: FirstPages | undefined
  /** Counts the requests of the account; absent like these. */
  readonly tally?: RequestTally | undefined
  /** When the run has to be over, by `performance.now()`; absent in tests. */
  readonly deadlineAt?: number | undefined
}

/** One run over one account, from its entry in the ledger to its publish. */
export interface Run extends RunContext {
  readonly lease: Lease
  readonly runId: number
  /** Start of the read by this machine's clock, as ISO text in UTC. */
  readonly startedAt: string
  readonly reference: Reference
  readonly stopwatch: Stopwatch
  /** Requests since the run began. */
  asked(): RequestCounts
  /** Tells the observer of an event of this run. */
  tell(event: RunEvent): void
}
