import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { parseSettings } from '../load/runs/settings.ts'
import { databaseFailure, type Kysely } from '../warehouse/connection/database.ts'
import { compareSchema, type SchemaState, serverVersionMin } from '../warehouse/migrate/migrate.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type Verdict, verdictOf, wrong } from './check-result.ts'
import { judgeRights } from './database-rights.ts'

// Looks and changes nothing: every statement here is a select.

/** What the connection string says about the way to the server. */
export interface WayThere {
  /** The server is this machine. */
  readonly isLocal: boolean
  /** The server's certificate is not looked at. */
  readonly isUnverified: boolean
}

export interface Preflight {
  readonly verdicts: readonly Verdict[]
  /** Rows of `etl.setting`; none when they cannot be read. */
  readonly limits: ReadonlyMap<string, string>
  /** How far the database's clock is ahead of ours; null when it could not be asked. */
  readonly clockAheadMs: number | null
  /** Whether the schema is there to read from, and whether it may be written. */
  readonly isMigrated: boolean
  readonly isWritable: boolean
}

/** Checks of the database in the order in which they are told. */
export const databaseChecks = [
  'database',
  'version',
  'encryption',
  'encoding',
  'session',
  'read and write',
  'connections',
  'schema',
  'rights',
  'limits',
  'database clock',
] as const
type DatabaseCheck = (typeof databaseChecks)[number]

/** Beyond it ages and watermarks are off by more than anybody would put down to the network. */
export const skewMsMax = 5 * 60_000
/** A run uses up to six connections of its own. */
const connectionsMin = 6

export interface ServerFacts {
  readonly version: string
  readonly version_number: number
  readonly role: string
  readonly database: string
  readonly encoding: string
  readonly time_zone: string
  readonly date_style: string
  readonly interval_style: string
  readonly is_encrypted: boolean
  readonly is_in_recovery: boolean
  readonly is_read_only: boolean
  readonly connections_free: number
}

/** Runs every check of a database that answers; one that fails does not keep the others from it. */
export async function preflight(
  query: Kysely<Database>,
  way: WayThere,
  now: () => number,
): Promise<Preflight> {
  const verdicts: Verdict[] = []
  const server = await readServer(query).catch(databaseFailure)
  if (server instanceof CosellError) verdicts.push(verdictOf('database', server))
  else verdicts.push(...judgeServer(server, way))
  const schema = await compareSchema(query).catch(databaseFailure)
  const isRead = !(schema instanceof CosellError)
  verdicts.push(isRead ? judgeSchema(schema) : verdictOf('schema', schema))
  verdicts.push(
    await judgeRights(query, isRead && schema.pending.length > 0).catch((error: unknown) =>
      verdictOf('rights', databaseFailure(error)),
    ),
  )
  const isMigrated = isRead && schema.applied.length > 0
  const limits = isMigrated ? await readLimits(query).catch(databaseFailure) : null
  verdicts.push(judgeLimits(limits))
  const clockAheadMs = await readClockAhead(query, now).catch(() => null)
  verdicts.push(judgeDatabaseClock(clockAheadMs))
  const isWritable = isGood(verdicts, 'read and write') && isGood(verdicts, 'rights')
  const known = limits instanceof Map ? limits : new Map<string, string>()
  return { verdicts: withSkipped(verdicts), limits: known, clockAheadMs, isMigrated, isWritable }
}

const notAsked = 'not looked at: no database gives an answer'

/** Every check in its place; those that could not run say so. */
export function withSkipped(verdicts: readonly Verdict[]): Verdict[] {
  return databaseChecks.map(
    (check) =>
      verdicts.find((verdict) => verdict.check === check) ?? {
        check,
        status: 'skipped',
        detail: notAsked,
      },
  )
}

function isGood(verdicts: readonly Verdict[], check: DatabaseCheck): boolean {
  return verdicts.some((verdict) => verdict.check === check && /ok|warn/.test(verdict.status))
}

async function readServer(query: Kysely<Database>): Promise<ServerFacts> {
  const { rows } = await sql<ServerFacts>`
    select
      current_setting('server_version') as version,
      current_setting('server_version_num')::integer as version_number,
      current_user as role,
      current_database() as database,
      current_setting('server_encoding') as encoding,
      current_setting('TimeZone') as time_zone,
      current_setting('DateStyle') as date_style,
      current_setting('IntervalStyle') as interval_style,
      coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as is_encrypted,
      pg_is_in_recovery() as is_in_recovery,
      current_setting('transaction_read_only') = 'on' as is_read_only,
      (
        current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true)::integer, 0)
        - (select sum(numbackends) from pg_stat_database)
      )::integer as connections_free
  `.execute(query)
  const facts = rows[0]
  if (facts === undefined) throw new CosellError('bug', 'preflight.no_row', 'No row of one select.')
  return facts
}

/** What the facts of a server mean for a loader. */
export function judgeServer(facts: ServerFacts, way: WayThere): Verdict[] {
  const { role, database } = facts
  const reached = `"${database}" answers as role "${role}"`
  return [
    { check: 'database', status: 'ok', detail: reached },
    judgeVersion(facts),
    judgeEncryption(facts, way),
    judgeEncoding(facts),
    judgeSession(facts),
    judgeWriting(facts),
    judgeConnections(facts),
  ]
}

function judgeVersion({ version, version_number }: ServerFacts): Verdict {
  const check = 'version'
  if (version_number >= serverVersionMin * 10_000) {
    return { check, status: 'ok', detail: `PostgreSQL ${version}` }
  }
  return wrong(
    check,
    `expected PostgreSQL ${serverVersionMin} or newer, got ${version}`,
    'Upgrade the server, or unset COSELL_DATABASE_URL to use the embedded one.',
  )
}

function judgeEncryption({ is_encrypted }: ServerFacts, way: WayThere): Verdict {
  const check = 'encryption'
  if (way.isLocal) return { check, status: 'ok', detail: 'the server is this machine' }
  if (!is_encrypted) {
    return {
      check,
      status: 'warn',
      detail: 'the connection is not encrypted: people and amounts travel in the clear',
      remedy:
        'Take sslmode out of COSELL_DATABASE_URL, or set sslmode=verify-full, and let the server ' +
        'have a certificate.',
    }
  }
  if (!way.isUnverified) return { check, status: 'ok', detail: 'TLS, certificate verified' }
  return {
    check,
    status: 'warn',
    detail: 'TLS, but nobody verifies whose certificate it is',
    remedy:
      'Set sslmode=verify-full in COSELL_DATABASE_URL, with sslrootcert for an authority of your own.',
  }
}

function judgeEncoding({ encoding, database }: ServerFacts): Verdict {
  const check = 'encoding'
  if (encoding === 'UTF8') return { check, status: 'ok', detail: encoding }
  return wrong(
    check,
    `expected UTF8, got ${encoding}: names in other scripts cannot be stored`,
    `Create another database (create database … encoding 'UTF8' template template0) and name it in ` +
      `COSELL_DATABASE_URL instead of "${database}".`,
  )
}

/** Our connections set these themselves; a pooler may throw away what a connection asks for. */
function judgeSession({ time_zone, date_style, interval_style, role }: ServerFacts): Verdict {
  const check = 'session'
  const got = `TimeZone ${time_zone}, DateStyle ${date_style}, IntervalStyle ${interval_style}`
  const isOurs = /^(UTC|Etc\/UTC)$/i.test(time_zone) && date_style.startsWith('ISO')
  if (isOurs && interval_style === 'iso_8601') return { check, status: 'ok', detail: got }
  return wrong(
    check,
    `expected TimeZone UTC, DateStyle ISO, IntervalStyle iso_8601, got ${got}`,
    'The connection pooler drops the options of connections: name the server itself in ' +
      `COSELL_DATABASE_URL, or let the administrator set the three for role "${role}" (alter role … set …).`,
  )
}

function judgeWriting({ is_in_recovery, is_read_only, role }: ServerFacts): Verdict {
  const check = 'read and write'
  if (!is_in_recovery && !is_read_only) {
    return { check, status: 'ok', detail: 'the server accepts writing' }
  }
  const [detail, remedy] = is_in_recovery
    ? [
        'the server is a standby and can only be read',
        'Name the primary in COSELL_DATABASE_URL; during a failover, wait until it is over.',
      ]
    : [
        'transactions are read only',
        `Let the administrator take back default_transaction_read_only of role "${role}" or of the database.`,
      ]
  return { check, status: 'fail', kind: 'tryAgainLater', detail, remedy }
}

function judgeConnections({ connections_free }: ServerFacts): Verdict {
  const check = 'connections'
  const detail = `${Math.max(0, connections_free)} more are free`
  if (connections_free >= connectionsMin) return { check, status: 'ok', detail }
  return {
    check,
    status: 'warn',
    detail: `${detail}, a run needs up to ${connectionsMin}`,
    remedy: 'Close idle sessions, or let the administrator raise max_connections of the server.',
  }
}

function judgeSchema({ applied, pending }: SchemaState): Verdict {
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

function judgeLimits(limits: ReadonlyMap<string, string> | CosellError | null): Verdict {
  const check = 'limits'
  if (limits === null) {
    return { check, status: 'skipped', detail: 'not looked at: they come with the schema' }
  }
  if (limits instanceof CosellError) return verdictOf(check, limits)
  try {
    parseSettings(limits)
    return { check, status: 'ok', detail: `${limits.size} rows of etl.setting are understood` }
  } catch (error) {
    return verdictOf(check, databaseFailure(error))
  }
}

/** Taken in the middle of the question, as far as can be known. */
async function readClockAhead(query: Kysely<Database>, now: () => number): Promise<number> {
  const askedMs = now()
  const { rows } = await sql<{ clock_ms: number }>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as clock_ms`.execute(query)
  return (rows[0]?.clock_ms ?? Number.NaN) - (askedMs + now()) / 2
}

/** Whether the database's clock is near ours. */
export function judgeDatabaseClock(aheadMs: number | null): Verdict {
  const check = 'database clock'
  if (aheadMs === null) {
    return { check, status: 'skipped', detail: notAsked }
  }
  const detail = describeSkew('the database', aheadMs, 'this machine')
  if (Math.abs(aheadMs) <= skewMsMax) return { check, status: 'ok', detail }
  const remedy = 'Let both machines follow a time server (NTP); ages and leases go by these clocks.'
  return { check, status: 'warn', detail, remedy }
}

/** Which clock is ahead of which, and by how much; two seconds are within the measurement. */
export function describeSkew(what: string, aheadMs: number, ofWhat: string): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000)
  if (seconds < 2) return `${what} and ${ofWhat} agree`
  const span = seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`
  return `${what} is ${span} ${aheadMs > 0 ? 'ahead of' : 'behind'} ${ofWhat}`
}
