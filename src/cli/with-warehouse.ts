import { setMaxListeners } from 'node:events'
import type { Config } from '../config.ts'
import { CosellError } from '../errors.ts'
import { applyReportingCurrency } from '../exchange-rates/store.ts'
import { exitCodes } from '../exit-codes.ts'
import { AccountsFailed } from '../pipeline/accounts/account-outcomes.ts'
import { withStoredAccounts } from '../pipeline/accounts/accounts-in-force.ts'
import { workersDefault } from '../pipeline/accounts/workers.ts'
import type { ReplayDifference } from '../pipeline/diff/diff.ts'
import { keepErased } from '../pipeline/erase/keep-erased.ts'
import type { RunContext } from '../pipeline/run-context.ts'
import type { RunResult } from '../pipeline/run-summary.ts'
import { storeEligibilitySource } from '../pipeline/stored-settings/eligibility-source.ts'
import { applyFiscalYear } from '../pipeline/stored-settings/fiscal-year.ts'
import { lastStepMsMax, limitRun, unlessStalled } from '../pipeline/watchdog.ts'
import { appVersion } from '../version.ts'
import { keepBiLogin } from '../warehouse/bi-connection.ts'
import { databaseFailure, type Warehouse } from '../warehouse/connection/database.ts'
import { requireWriting } from '../warehouse/connection/requirements.ts'
import { findStateHome } from '../warehouse/embedded/home.ts'
import { bringUpToDate, requireUpToDate, type SchemaChange } from '../warehouse/migrate/migrate.ts'
import { type OpenWarehouse, openWarehouse } from '../warehouse/open.ts'
import { warehousePlace } from '../warehouse/place.ts'
import { readLoginRights } from '../warehouse/reader/login-rights.ts'
import { openReader, type Reader } from '../warehouse/reader/open-reader.ts'
import { abortController, exitCodeOf, log, printAnswer, printResult, toFailure } from './output.ts'
import { startWatch, type WatchRequest } from './telemetry/watch.ts'
import { renderDifference } from './text/look/difference.ts'
import { renderRun } from './text/run-summary.ts'

const noChange: SchemaChange = { applied: [], views: [], sequences: [], lacking: [] }

/**
 * Opens and migrates the warehouse for `use`, then closes it unless `keepRunning`. A command that
 * only reads may do so on a standby. For a trial, which leaves nothing behind, neither the schema nor
 * the stored settings are touched. With `needsAccounts` `use` is given the settings with the accounts in
 * force; without it a bad row of `etl.account` is nobody's concern, least of all of what mends it.
 */
export async function withWarehouse(
  config: Config,
  use: (warehouse: OpenWarehouse, change: SchemaChange, inForce: Config) => Promise<void>,
  {
    keepRunning = false,
    isWriting = true,
    isTrial = false,
    needsAccounts = false,
    workers = 1,
  } = {},
) {
  log.progress({ phase: 'opening the warehouse' })
  const warehouse = await openWarehouse(config, log.logger, { keepRunning, workers })
  try {
    if (isWriting) requireWriting(warehouse.session, warehousePlace(config))
    log.progress({ phase: 'preparing the schema' })
    if (isTrial) await requireUpToDate(warehouse.query)
    const change = isTrial ? noChange : await bringUpToDate(warehouse.query)
    // A migration may have changed what rates follow from; the report reads them next.
    if (change.applied.length > 0) await applyReportingCurrency(warehouse.query, undefined)
    const inForce = needsAccounts ? await withStoredAccounts(config, warehouse.query) : config
    if (isWriting && !isTrial) await storeSettings(inForce, warehouse)
    log.end()
    await use(warehouse, change, inForce)
  } catch (error) {
    throw databaseFailure(error)
  } finally {
    await warehouse.close()
  }
}

/**
 * Opens the reader of the warehouse for `use`, beside the login of the program, then closes both. The
 * schema is brought up to date, except where the login of the program only reads as well.
 */
export async function withReader(
  config: Config,
  use: (reader: Reader, warehouse: OpenWarehouse) => Promise<void>,
) {
  log.progress({ phase: 'opening the warehouse' })
  const warehouse = await openWarehouse(config, log.logger)
  try {
    const { embedded, query } = warehouse
    const isReader = embedded === undefined && !(await readLoginRights(query)).mayReadLanded
    if (!isReader) await bringUpToDate(query)
    const reader = await openReader(warehouse, config, log.logger)
    log.end()
    await use(reader, warehouse).finally(reader.close)
  } catch (error) {
    throw databaseFailure(error)
  } finally {
    await warehouse.close()
  }
}

/** Monitors give up on a check after a minute, and a migration may hold the tables for longer. */
const answerMsMax = 30_000

/**
 * Opens the warehouse as it is for `use`: migrates nothing, and makes no embedded one. The result is
 * undefined where there is none.
 */
export async function inspectWarehouse<T>(
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

/** Stores the settings that loaded data depends on, and logs what changed. */
async function storeSettings(config: Config, { query }: OpenWarehouse) {
  const { fiscalYearStartMonth, eligibilitySource, accounts } = config
  const days = await applyFiscalYear(query, fiscalYearStartMonth)
  if (days > 0) {
    log.logger.info({ days }, 'the fiscal year starts in another month: its labels changed')
  }
  if (await storeEligibilitySource(query, eligibilitySource, accounts)) {
    const text =
      'another source of eligibility policies: runs ask an address, `cosell rebuild` applies a property'
    log.logger.info({ source: eligibilitySource }, text)
  }
}

/** What a command that loads is given: the context of its runs, and where it loads into. */
export interface LoadContext extends RunContext {
  readonly warehouse: OpenWarehouse
  /** Server and database, or the folder of the embedded one. */
  readonly place: string
}

/** Logs where a command loads into, and which accounts it reads where the settings say so. */
export function announce(config: Config, accounts?: readonly string[]): string {
  const place = warehousePlace(config)
  const names = accounts === undefined ? {} : { accounts }
  log.logger.info({ version: appVersion, warehouse: place, ...names }, 'cosell starts')
  return place
}

/**
 * Prints the summary of a load; with `--json` its warehouse too. Of several accounts of which some failed a
 * person sees what was loaded all the same; the last line of `--json` comes with the failure.
 */
export async function printRun(
  json: true | undefined,
  place: string,
  load: Promise<RunResult>,
): Promise<RunResult> {
  try {
    const result = await load
    printResult(json, { ...result, warehouse: place }, () => renderRun(result))
    // A deadline or a stall that ended accounts which are tolerated is not the end of the command.
    if (result.exit_code === exitCodes.done.code) process.exitCode = exitCodes.done.code
    return result
  } catch (error) {
    if (!(error instanceof AccountsFailed)) throw error
    const { result } = error
    if (!json && result.accounts.length > 1) printResult(json, result, () => renderRun(result))
    throw new AccountsFailed(error.failure, { ...error.result, warehouse: place })
  }
}

/** How many accounts are loaded side by side, and how many of them may fail. */
export interface WorkerFlags {
  readonly workers?: number | undefined
  readonly tolerate?: number | undefined
}

/** Prints what a replay would change; the command ends with 1 when anything would. */
export function printDifference(json: true | undefined, place: string, found: ReplayDifference) {
  printAnswer(json, { ...found, warehouse: place }, (style) => renderDifference(found, style))
  if (found.status === 'different') process.exitCode = exitCodes.stale.code
}

export interface MetricsFlag {
  readonly metricsFile?: string
}

export interface RunOptions {
  /** Leaves the embedded server running. */
  readonly keepRunning?: boolean
  /** The accounts of the settings are read, and named in the log. */
  readonly readsAccounts?: boolean
  /** What the runs write is rolled back. */
  readonly isTrial?: boolean
  /** What is known of the command outside; nothing when left out. */
  readonly watched?: WatchRequest
  /** Accounts side by side, and those that may fail; one and none when left out. */
  readonly side?: WorkerFlags
}

/** As many as Node.js takes for a leak when there is one account. */
const listenersPerWorker = 10

/**
 * Opens the warehouse for a run and aborts the run at its deadline; the next one resumes. A run that
 * makes no progress is ended, with its last steps, within a minute. After a signal a publish that takes
 * longer is rolled back.
 */
export async function withRunContext(
  config: Config,
  use: (context: LoadContext) => Promise<void>,
  options: RunOptions = {},
): Promise<void> {
  const { keepRunning = false, readsAccounts = false, isTrial = false } = options
  const { watched, side = { workers: 1 } } = options
  const isNamed = readsAccounts && config.accountsPlace !== undefined
  const place = announce(config, isNamed ? config.accounts.map(({ name }) => name) : undefined)
  const { workers = workersDefault, tolerate: tolerated } = side
  const watch = watched && startWatch(config, watched, log.logger)
  const { signal } = abortController
  const { deadlineAt, mustEnd, stop } = limitRun(abortController, config.runDeadlineMinutes)
  // What an account waits for listens on its own; of more listeners Node.js warns as of a leak.
  setMaxListeners(listenersPerWorker * workers, signal, mustEnd)
  const work = withWarehouse(
    config,
    async (warehouse, _, inForce) => {
      if (readsAccounts && inForce !== config) {
        const accounts = inForce.accounts.map(({ name }) => name)
        log.logger.info({ accounts }, 'the accounts are those of the warehouse')
      }
      if (!isTrial) await keepBiLogin(warehouse, log.logger)
      await watch?.opened(warehouse, inForce)
      const observe = watch?.observe
      const told = {
        config: inForce,
        warehouse,
        log,
        signal,
        stalled: mustEnd,
        observe,
        deadlineAt,
        place,
      }
      const context = { ...told, workers, tolerated }
      try {
        if (!isTrial) await keepErased(context)
        await use(context)
      } finally {
        if (!mustEnd.aborted) await watch?.readState()
      }
    },
    // What neither loads nor tries to needs no account but the one that it is told.
    {
      keepRunning,
      isTrial,
      workers,
      needsAccounts: readsAccounts || isTrial || watched !== undefined,
    },
  )
  try {
    await unlessStalled(work, mustEnd, 4 * lastStepMsMax)
    await watch?.end(exitCodeOf(signal))
  } catch (error) {
    // Of several accounts a deadline may have ended one, and something graver another.
    const isReason = signal.aborted && !(error instanceof AccountsFailed)
    await watch?.end(toFailure(isReason ? signal.reason : error).exitCode)
    throw error
  } finally {
    stop()
  }
}
