import type { Config } from '../config.ts'
import { CosellError } from '../errors.ts'
import type { exitCodes, FailureKind } from '../exit-codes.ts'
import { probe } from '../extract/api/probe.ts'
import { requireAccounts, withStoredAccounts } from '../pipeline/accounts/accounts-in-force.ts'
import { workersDefault } from '../pipeline/accounts/workers.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import { findStateHome } from '../warehouse/embedded/home.ts'
import { type OpenWarehouse, openWarehouse } from '../warehouse/open.ts'
import { checkAccount, type DatabaseState, type DoctorContext } from './account-checks.ts'
import { type CheckResult, failedWith } from './check-result.ts'
import { checkDatabase, withSkipped } from './database-checks.ts'
import { checkDemo } from './demo-check.ts'
import { checkCertificates } from './network-checks.ts'
import { checkHome, settingsInForce } from './settings-in-force.ts'

// `cosell doctor` reads and fixes nothing. Two writes cannot be avoided: a refresh token that the
// sign-in rotates, and the capabilities that the API was found to have.

export interface AccountCheckResult extends CheckResult {
  /** Name of the account; absent from checks of the machine and the database. */
  readonly account?: string
}

export interface Diagnosis {
  /** Every setting in force; for secrets only that they are set. */
  readonly settings: Readonly<Record<string, string>>
  /** Ordered as a run would meet them. */
  readonly checks: readonly AccountCheckResult[]
}

export type DoctorOptions = Pick<DoctorContext, 'config' | 'log' | 'signal'> &
  Partial<DoctorContext>

const defaultAccountTimeoutMs = 60_000

/**
 * Runs every check, also when earlier ones fail: the state folder, the database, then sign-in, API
 * and age of the sign-in of each account.
 *
 * @throws the reason of `signal` when it is aborted.
 */
export async function diagnose(options: DoctorOptions): Promise<Diagnosis> {
  const defaults = { probe, now: Date.now, accountTimeoutMs: defaultAccountTimeoutMs }
  const given: DoctorContext = { ...defaults, ...options }
  const { signal } = given
  const checks: AccountCheckResult[] = [
    await checkHome(given.config),
    await checkCertificates(given.config),
  ]
  const database = await openAndCheckDatabase(given)
  const { config } = database
  const context = { ...given, config }
  try {
    checks.push(...database.checks.results, ...database.accounts)
    for (const account of config.accounts) {
      const results = [
        ...(await checkDemo(account, database)),
        ...(await checkAccount(context, account, database)),
      ]
      signal.throwIfAborted()
      checks.push(...results.map((result) => ({ account: account.name, ...result })))
    }
  } finally {
    await database.warehouse?.close()
  }
  return { settings: settingsInForce(config, database.checks.limits), checks }
}

const worstFirst: readonly FailureKind[] = [
  'configuration',
  'signIn',
  'sourceBroken',
  'tryAgainLater',
]

/** Returns the exit code of the worst failure; `done` when no check failed. */
export function exitKindOf({ checks }: Pick<Diagnosis, 'checks'>): keyof typeof exitCodes {
  const failed = checks.filter(({ status }) => status === 'fail').map(({ kind }) => kind ?? 'bug')
  return worstFirst.find((kind) => failed.includes(kind)) ?? failed[0] ?? 'done'
}

/** The database, and the settings with the accounts in force. */
interface Opened extends DatabaseState {
  readonly config: Config
  readonly accounts: readonly CheckResult[]
}

async function openAndCheckDatabase({ config, log, now }: DoctorContext): Promise<Opened> {
  const { databaseUrl: url, home, postgresOsUser: osUser, path } = config
  const given = { config, accounts: [] }
  let warehouse: OpenWarehouse | null = null
  try {
    // Doctor never creates a database; it starts an existing one, as `status` does.
    if (url === undefined && findStateHome({ home, osUser, path }) === undefined) {
      return { ...given, ...unavailable(noEmbeddedServer) }
    }
    warehouse = await openWarehouse(config, log.logger, { isInspected: true })
    const inForce = await findAccounts(config, warehouse)
    const workers = Math.max(1, Math.min(workersDefault, inForce.config.accounts.length))
    const checks = await checkDatabase(warehouse.query, warehouse.security, now, workers)
    return { ...inForce, warehouse, checks }
  } catch (error) {
    await warehouse?.close()
    return { ...given, ...unavailable(failedWith('database', databaseFailure(error))) }
  }
}

/** Finds the accounts in force; a check tells of those of the warehouse, or why there are none. */
async function findAccounts(
  config: Config,
  warehouse: OpenWarehouse,
): Promise<Pick<Opened, 'config' | 'accounts'>> {
  const check = 'accounts'
  try {
    const inForce = await withStoredAccounts(config, warehouse.query)
    await requireAccounts({ config: inForce, warehouse })
    const detail = `those of the warehouse: ${inForce.accounts.map(({ name }) => name).join(', ')}`
    return {
      config: inForce,
      accounts: inForce === config ? [] : [{ check, status: 'ok', detail }],
    }
  } catch (error) {
    // Missing rights and a lost connection are found by the database's own checks.
    if (!(error instanceof CosellError)) return { config, accounts: [] }
    const isKnown = error.code === 'account.two_places'
    const known = isKnown ? config : { ...config, accounts: [] }
    return { config: known, accounts: [failedWith(check, error)] }
  }
}

function unavailable(result: CheckResult): DatabaseState {
  const nothing = { limits: new Map(), clockAheadMs: null, isMigrated: false, isWritable: false }
  return { warehouse: null, checks: { ...nothing, results: withSkipped([result]) } }
}

const noEmbeddedServer: CheckResult = {
  check: 'database',
  status: 'warn',
  detail: 'the embedded warehouse does not exist yet',
  remedy: '`cosell run` creates it; set COSELL_DATABASE_URL to use a PostgreSQL of your own.',
}
