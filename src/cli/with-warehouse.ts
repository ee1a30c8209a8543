import type { Config } from '../config.ts'
import { CosellError } from '../errors.ts'
import type { RunContext } from '../pipeline/run-context.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import { bringUpToDate, type SchemaChange } from '../warehouse/migrate/migrate.ts'
import { type OpenWarehouse, openWarehouse } from '../warehouse/open.ts'
import { abortController, log } from './output.ts'

/** Opens and migrates the warehouse for `use`, then closes it unless `keepRunning`. */
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

/** Opens the warehouse for a run and aborts the run at its deadline; the next one resumes. */
export function withRunContext(
  config: Config,
  use: (context: RunContext & { warehouse: OpenWarehouse }) => Promise<void>,
  keepRunning = false,
) {
  const minutes = config.runDeadlineMinutes
  const deadline = setTimeout(() => {
    const text = `The run took longer than COSELL_RUN_DEADLINE_MINUTES (${minutes}). What it read is kept; run again.`
    abortController.abort(new CosellError('run.deadline', text))
  }, minutes * 60_000)
  const { signal } = abortController
  const deadlineAt = performance.now() + minutes * 60_000
  return withWarehouse(
    config,
    (warehouse) => use({ config, warehouse, log, signal, deadlineAt }),
    keepRunning,
  ).finally(() => clearTimeout(deadline))
}
