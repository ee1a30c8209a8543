import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { parseSettings } from '../load/runs/settings.ts'
import { databaseFailure, type Kysely } from '../warehouse/connection/database.ts'
import type { ConnectionSecurity } from '../warehouse/connection/tls.ts'
import { compareSchema, type SchemaState } from '../warehouse/migrate/migrate.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type CheckResult, failedWith } from './check-result.ts'
import { checkRights } from './database-rights.ts'
import { checkGroups } from './group-rights.ts'
import { checkLeftovers } from './leftover-checks.ts'
import { checkOtherObjects } from './other-objects.ts'
import { checkPeople } from './people-readers.ts'
import { checkSequences } from './sequence-checks.ts'
import { checkServer, readServer } from './server-checks.ts'

// Read-only: every statement here is a select.

export interface DatabaseChecks {
  readonly results: readonly CheckResult[]
  /** Rows of `etl.setting`; none when they cannot be read. */
  readonly limits: ReadonlyMap<string, string>
  /** Lead of the database's clock over ours; null when it could not be read. */
  readonly clockAheadMs: number | null
  /** The schema exists and can be read. */
  readonly isMigrated: boolean
  /** The role may write to it. */
  readonly isWritable: boolean
}

/** Names of the database checks in the order in which they are reported. */
export const databaseCheckNames = [
  'database',
  'version',
  'encryption',
  'encoding',
  'session',
  'read and write',
  'connections',
  'schema',
  'rights',
  'groups',
  'people',
  'other objects',
  'sequences',
  'leftovers',
  'limits',
  'database clock',
] as const
type DatabaseCheckName = (typeof databaseCheckNames)[number]

/** Largest clock difference that the network explains; beyond it ages and watermarks are off. */
export const skewMsMax = 5 * 60_000
/**
 * Runs every check of a database that answers, also after one has failed. `workers` accounts are loaded
 * side by side.
 */
export async function checkDatabase(
  query: Kysely<Database>,
  security: ConnectionSecurity,
  now: () => number,
  workers = 1,
): Promise<DatabaseChecks> {
  const results: CheckResult[] = []
  const server = await readServer(query).catch(databaseFailure)
  if (server instanceof CosellError) results.push(failedWith('database', server))
  else results.push(...checkServer(server, security, workers))
  const schema = await compareSchema(query).catch(databaseFailure)
  const isRead = !(schema instanceof CosellError)
  results.push(isRead ? checkSchema(schema) : failedWith('schema', schema))
  results.push(
    await checkRights(query, isRead && schema.pending.length > 0).catch((error: unknown) =>
      failedWith('rights', databaseFailure(error)),
    ),
  )
  const isMigrated = isRead && schema.applied.length > 0
  results.push(...(await checkAccess(query, isMigrated)))
  const limits = isMigrated ? await readLimits(query).catch(databaseFailure) : null
  results.push(checkLimits(limits))
  const clockAheadMs = await readClockAhead(query, now).catch(() => null)
  results.push(checkDatabaseClock(clockAheadMs))
  const isWritable = hasPassed(results, 'read and write') && hasPassed(results, 'rights')
  const known = limits instanceof Map ? limits : new Map<string, string>()
  return { results: withSkipped(results), limits: known, clockAheadMs, isMigrated, isWritable }
}

/** Checks of who may do what, of what a copied database lacks, and of what runs have left. */
async function checkAccess(query: Kysely<Database>, isMigrated: boolean): Promise<CheckResult[]> {
  const checks = [
    ['groups', checkGroups],
    ['people', checkPeople],
    ['other objects', checkOtherObjects],
    ['sequences', checkSequences],
    ['leftovers', checkLeftovers],
  ] as const
  const results: CheckResult[] = []
  for (const [check, look] of checks) {
    const detail = 'not checked: it needs a schema that is up to date and readable'
    const failed = (error: unknown) => failedWith(check, databaseFailure(error))
    results.push(
      isMigrated ? await look(query).catch(failed) : { check, status: 'skipped', detail },
    )
  }
  return results
}

const notChecked = 'not checked: no database answers'

/** Returns every check in its place; checks that could not run are `skipped`. */
export function withSkipped(results: readonly CheckResult[]): CheckResult[] {
  return databaseCheckNames.map(
    (check) =>
      results.find((result) => result.check === check) ?? {
        check,
        status: 'skipped',
        detail: notChecked,
      },
  )
}

function hasPassed(results: readonly CheckResult[], check: DatabaseCheckName): boolean {
  return results.some((result) => result.check === check && /ok|warn/.test(result.status))
}

function checkSchema({ applied, pending }: SchemaState): CheckResult {
  const check = 'schema'
  const remedy = 'Run `cosell migrate`; `cosell run` does it too.'
  if (applied.length === 0) return { check, status: 'warn', detail: 'not migrated yet', remedy }
  if (pending.length === 0) {
    return { check, status: 'ok', detail: `up to date, at ${applied.at(-1)}` }
  }
  const detail = `at ${applied.at(-1)}, ${pending.length} to apply, up to ${pending.at(-1)}`
  return { check, status: 'warn', detail, remedy }
}

async function readLimits(query: Kysely<Database>): Promise<ReadonlyMap<string, string>> {
  const rows = await query
    .selectFrom('etl.setting')
    .select(['setting_name', 'setting_value'])
    .orderBy('setting_name')
    .execute()
  return new Map(rows.map((row) => [row.setting_name, row.setting_value]))
}

function checkLimits(limits: ReadonlyMap<string, string> | CosellError | null): CheckResult {
  const check = 'limits'
  if (limits === null) {
    return { check, status: 'skipped', detail: 'not checked: they come with the schema' }
  }
  if (limits instanceof CosellError) return failedWith(check, limits)
  try {
    parseSettings(limits)
    return { check, status: 'ok', detail: `${limits.size} rows of etl.setting are understood` }
  } catch (error) {
    return failedWith(check, databaseFailure(error))
  }
}

/** Returns the lead of the database's clock, compared with the middle of the question. */
async function readClockAhead(query: Kysely<Database>, now: () => number): Promise<number> {
  const askedMs = now()
  const { rows } = await sql<{ clock_ms: number }>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as clock_ms`.execute(query)
  return (rows[0]?.clock_ms ?? Number.NaN) - (askedMs + now()) / 2
}

/** Checks that the database's clock is near ours. */
export function checkDatabaseClock(aheadMs: number | null): CheckResult {
  const check = 'database clock'
  if (aheadMs === null) {
    return { check, status: 'skipped', detail: notChecked }
  }
  const detail = describeSkew('the database', aheadMs, 'this machine')
  if (Math.abs(aheadMs) <= skewMsMax) return { check, status: 'ok', detail }
  const remedy =
    'Let both machines follow a time server (NTP); ages and leases depend on these clocks.'
  return { check, status: 'warn', detail, remedy }
}

/** Says which clock is ahead and by how much; below two seconds is within the measurement. */
export function describeSkew(what: string, aheadMs: number, ofWhat: string): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  if (seconds < 2) return `${what} and ${ofWhat} agree`
  const span = seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`
  return `${what} is ${span} ${aheadMs > 0 ? 'ahead of' : 'behind'} ${ofWhat}`
}
