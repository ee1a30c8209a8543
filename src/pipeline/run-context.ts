import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import type { Warehouse } from '../warehouse/connection/database.ts'

/** What every run is given. */
export interface RunEnvironment {
  readonly config: Config
  readonly warehouse: Warehouse
  readonly log: Log
  /** Aborted with the CosellError that says why the run must stop. */
  readonly signal: AbortSignal
  /** When the run has to be over, by `performance.now()`; none in a test. */
  readonly deadlineAt?: number | undefined
}
