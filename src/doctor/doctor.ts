import type { exitCodes, FailureKind } from '../exit-codes.ts'
import { probe } from '../extract/api/probe.ts'
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
  const context: DoctorContext = { ...defaults, ...options }
  const { config, signal } = context
  const checks: AccountCheckResult[] = [await checkHome(config), await checkCertificates(config)]
  const database = await openAndCheckDatabase(context)
  try {
    checks.push(...database.checks.results)
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

async function openAndCheckDatabase({ config, log, now }: DoctorContext): Promise<DatabaseState> {
  const { databaseUrl: url, home, postgresOsUser: osUser, path } = config
  let warehouse: OpenWarehouse | null = null
  try {
    // Doctor never creates a database; it starts an existing one, as `status` does.
    if (url === undefined && findStateHome({ home, osUser, path }) === undefined) {
      return unavailable(noEmbeddedServer)
    }
    warehouse = await openWarehouse(config, log.logger, { isInspected: true })
    const workers = Math.max(1, Math.min(workersDefault, config.accounts.length))
    const checks = await checkDatabase(warehouse.query, warehouse.security, now, workers)
    return { warehouse, checks }
  } catch (error) {
    await warehouse?.close()
    return unavailable(failedWith('database', databaseFailure(error)))
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
