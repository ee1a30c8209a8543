import type { Config } from '../config.ts'
import { CosellError } from '../errors.ts'
import type { RunEnvironment } from '../pipeline/run-context.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import { bringUpToDate, type SchemaChange } from '../warehouse/migrate/migrate.ts'
import { type OpenWarehouse, openWarehouse } from '../warehouse/open.ts'
import { interruption, log } from './output.ts'

/** Opens and migrates the warehouse, and puts it back as it was found. */
export async function withWarehouse(
  config: Config,
  use: (warehouse: OpenWarehouse, change: SchemaChange) => Promise<void>,
  keepRunning = false,
) {
  const warehouse = await openWarehouse(config, log.logger, keepRunning)
  try {
    await use(warehouse, await bringUpToDate(warehouse.query))
  } catch (error) {
    throw databaseFailure(error)
  } finally {
    await warehouse.close()
  }
}

/** As `withWarehouse`, with what a run needs; past its deadline the run ends, to go on next time. */
export function inRun(
  config: Config,
  use: (environment: RunEnvironment & { warehouse: OpenWarehouse }) => Promise<void>,
  keepRunning = false,
) {
  const minutes = config.runDeadlineMinutes
  const deadline = setTimeout(() => {
    const text = `The run took longer than COSELL_RUN_DEADLINE_MINUTES (${minutes}). What was read is kept; run again.`
    interruption.abort(new CosellError('tryAgainLater', 'run.deadline', text))
  }, minutes * 60_000)
  const { signal } = interruption
  const deadlineAt = performance.now() + minutes * 60_000
  return withWarehouse(
    config,
    (warehouse) => use({ config, warehouse, log, signal, deadlineAt }),
    keepRunning,
  ).finally(() => clearTimeout(deadline))
}
