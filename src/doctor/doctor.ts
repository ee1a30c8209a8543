import type { exitCodes, FailureKind } from '../errors.ts'
import { probe } from '../extract/api/probe.ts'
import { databaseFailure } from '../warehouse/connection/database.ts'
import { findStateHome } from '../warehouse/embedded/home.ts'
import { type OpenWarehouse, openWarehouse } from '../warehouse/open.ts'
import { type Doctor, examineAccount, type Patient } from './account-checks.ts'
import { type Verdict, verdictOf } from './check-result.ts'
import { preflight, type WayThere, withSkipped } from './database-checks.ts'
import { judgeHome, settingsInForce } from './settings-in-force.ts'

// `cosell doctor` looks and mends nothing. Two things it cannot help writing: a refresh token that
// the sign-in rotates, and what the API was found to accept.

export interface AccountVerdict extends Verdict {
  /** Name of the account it is about, where it is about one. */
  readonly account?: string
}

export interface Diagnosis {
  /** Every setting in force; of secrets whether they are set. */
  readonly settings: Readonly<Record<string, string>>
  /** In the order in which a run would stumble over them. */
  readonly checks: readonly AccountVerdict[]
}

export type DoctorOptions = Pick<Doctor, 'config' | 'log' | 'signal'> & Partial<Doctor>

const defaultAccountMsMax = 60_000

/**
 * Runs every check, also when earlier ones fail: configuration and database, then sign-in, API and
 * age of the sign-in of each account.
 *
 * @throws the reason of `signal` when it is aborted.
 */
export async function diagnose(options: DoctorOptions): Promise<Diagnosis> {
  const doctor: Doctor = { probe, now: Date.now, accountMsMax: defaultAccountMsMax, ...options }
  const { config, signal } = doctor
  const checks: AccountVerdict[] = [await judgeHome(config)]
  const patient = await examineDatabase(doctor)
  try {
    checks.push(...patient.found.verdicts)
    for (const account of config.accounts) {
      const verdicts = await examineAccount(doctor, account, patient)
      signal.throwIfAborted()
      checks.push(...verdicts.map((verdict) => ({ account: account.name, ...verdict })))
    }
  } finally {
    await patient.warehouse?.close()
  }
  return { settings: settingsInForce(config, patient.found.limits), checks }
}

const gravestFirst: readonly FailureKind[] = [
  'configuration',
  'signIn',
  'sourceBroken',
  'tryAgainLater',
]

/** What the gravest failure means for a run; `done` when nothing failed. */
export function exitKindOf({ checks }: Pick<Diagnosis, 'checks'>): keyof typeof exitCodes {
  const failed = checks.filter(({ status }) => status === 'fail').map(({ kind }) => kind ?? 'bug')
  return gravestFirst.find((kind) => failed.includes(kind)) ?? failed[0] ?? 'done'
}

async function examineDatabase({ config, log, now }: Doctor): Promise<Patient> {
  const { databaseUrl: url, home, postgresOsUser: osUser, path } = config
  let warehouse: OpenWarehouse | null = null
  try {
    // Making a database would be no look; starting one that is there is what `status` does as well.
    if (url === undefined && findStateHome({ home, osUser, path }) === undefined) {
      return closed(noEmbedded)
    }
    warehouse = await openWarehouse(config, log.logger)
    return { warehouse, found: await preflight(warehouse.query, wayTo(warehouse), now) }
  } catch (error) {
    await warehouse?.close()
    return closed(verdictOf('database', databaseFailure(error)))
  }
}

function closed(verdict: Verdict): Patient {
  const nothing = { limits: new Map(), clockAheadMs: null, isMigrated: false, isWritable: false }
  return { warehouse: null, found: { ...nothing, verdicts: withSkipped([verdict]) } }
}

const noEmbedded: Verdict = {
  check: 'database',
  status: 'warn',
  detail: 'the embedded warehouse is not there yet',
  remedy: '`cosell run` makes it; set COSELL_DATABASE_URL to use a PostgreSQL of your own.',
}

function wayTo({ url }: OpenWarehouse): WayThere {
  const { hostname, searchParams } = new URL(url)
  const mode = searchParams.get('sslmode') ?? ''
  const isAsLibpq = searchParams.get('uselibpqcompat') === 'true' && /^(prefer|require)$/.test(mode)
  return {
    isLocal: ['localhost', '127.0.0.1', '[::1]', ''].includes(hostname),
    isUnverified: mode === 'no-verify' || isAsLibpq,
  }
}
