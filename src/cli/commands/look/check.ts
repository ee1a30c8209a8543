import { type AccountConfig, type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { exitCodes } from '../../../exit-codes.ts'
import { judgeFreshness, readLastPublishes } from '../../../report/queries/freshness.ts'
import { databaseFailure, type Warehouse } from '../../../warehouse/connection/database.ts'
import { findStateHome } from '../../../warehouse/embedded/home.ts'
import { openWarehouse } from '../../../warehouse/open.ts'
import { warehousePlace } from '../../../warehouse/place.ts'
import { type JsonFlag, log, printAnswer } from '../../output.ts'
import { renderFreshness } from '../../text/status.ts'

export type CheckFlags = JsonFlag & { readonly maxAge: number; readonly metrics?: true }

const hourMs = 3_600_000
/** Monitors give up on a check after a minute, and a migration may hold the tables for longer. */
const answerMsMax = 30_000

/**
 * Prints whether every account was published lately enough, and sets the exit code; or prints the
 * metrics of the warehouse.
 */
export async function check({ json, maxAge, metrics }: CheckFlags) {
  const config = loadConfig()
  if (metrics) return printMetrics(config)
  const published = await inspect(config, ({ query }) => readLastPublishes(query))
  const expected = config.accounts.filter(isRead).map(({ name }) => name)
  const freshness = judgeFreshness(published ?? [], expected, maxAge / hourMs)
  const message = renderFreshness(freshness)
  printAnswer(json, { ...freshness, message }, () => message)
  if (freshness.status === 'stale') process.exitCode = exitCodes.stale.code
}

async function printMetrics(config: Config) {
  const { stateText } = await import('../../telemetry/read-state.ts')
  const text = await inspect(config, (warehouse) => stateText(warehouse, config))
  printAnswer(undefined, {}, () => (text ?? '').trimEnd())
}

/** Whether a run could read the account: without a sign-in, only files can bring it. */
function isRead({ accessToken, clientId }: AccountConfig): boolean {
  return accessToken !== undefined || clientId !== undefined
}

/** Migrates nothing, and makes no embedded warehouse: the result is undefined where there is none. */
async function inspect<T>(
  config: Config,
  use: (warehouse: Warehouse) => Promise<T>,
): Promise<T | undefined> {
  const { databaseUrl, home, postgresOsUser: osUser, path } = config
  const isMade = databaseUrl !== undefined || findStateHome({ home, osUser, path }) !== undefined
  if (!isMade) return undefined
  const warehouse = await openWarehouse(config, log.logger, { isInspected: true })
  const late = setTimeout(() => {
    const text = `${warehousePlace(config)}: expected an answer within ${answerMsMax / 1_000} s, got none. A migration may be under way; look at pg_stat_activity, then check again.`
    warehouse.abandon(new CosellError('database.unavailable', text))
  }, answerMsMax)
  try {
    return await use(warehouse)
  } catch (error) {
    throw databaseFailure(error)
  } finally {
    clearTimeout(late)
    await warehouse.close()
  }
}
