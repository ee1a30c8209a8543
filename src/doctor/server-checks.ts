import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import { serverVersionMin } from '../warehouse/migrate/migrate.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type CheckResult, failed } from './check-result.ts'

/** Security of the connection, as its address says. */
export interface ConnectionSecurity {
  /** The server is this machine. */
  readonly isLocal: boolean
  /** The server's certificate is not verified. */
  readonly isUnverified: boolean
}

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

export async function readServer(query: Kysely<Database>): Promise<ServerFacts> {
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
  if (facts === undefined) throw new CosellError('preflight.no_row', 'No row of one select.')
  return facts
}

/** Checks that a server with these facts can hold the warehouse. */
export function checkServer(facts: ServerFacts, security: ConnectionSecurity): CheckResult[] {
  const { role, database } = facts
  const connected = `"${database}" answers as role "${role}"`
  return [
    { check: 'database', status: 'ok', detail: connected },
    checkVersion(facts),
    checkEncryption(facts, security),
    checkEncoding(facts),
    checkSession(facts),
    checkWriting(facts),
    checkConnections(facts),
  ]
}

function checkVersion({ version, version_number }: ServerFacts): CheckResult {
  const check = 'version'
  if (version_number >= serverVersionMin * 10_000) {
    return { check, status: 'ok', detail: `PostgreSQL ${version}` }
  }
  return failed(
    check,
    `expected PostgreSQL ${serverVersionMin} or newer, got ${version}`,
    'Upgrade the server, or unset COSELL_DATABASE_URL to use the embedded one.',
  )
}

function checkEncryption({ is_encrypted }: ServerFacts, security: ConnectionSecurity): CheckResult {
  const check = 'encryption'
  if (security.isLocal) return { check, status: 'ok', detail: 'the server is this machine' }
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
  if (!security.isUnverified) return { check, status: 'ok', detail: 'TLS, certificate verified' }
  return {
    check,
    status: 'warn',
    detail: 'TLS, but the certificate is not verified',
    remedy:
      'Set sslmode=verify-full in COSELL_DATABASE_URL, with sslrootcert for a certificate authority of your own.',
  }
}

function checkEncoding({ encoding, database }: ServerFacts): CheckResult {
  const check = 'encoding'
  if (encoding === 'UTF8') return { check, status: 'ok', detail: encoding }
  return failed(
    check,
    `expected UTF8, got ${encoding}: names in other scripts cannot be stored`,
    `Create another database (create database … encoding 'UTF8' template template0) and name it in ` +
      `COSELL_DATABASE_URL instead of "${database}".`,
  )
}

/** Our connections set these options themselves; a pooler may drop them. */
function checkSession({ time_zone, date_style, interval_style, role }: ServerFacts): CheckResult {
  const check = 'session'
  const got = `TimeZone ${time_zone}, DateStyle ${date_style}, IntervalStyle ${interval_style}`
  const isOurs = /^(UTC|Etc\/UTC)$/i.test(time_zone) && date_style.startsWith('ISO')
  if (isOurs && interval_style === 'iso_8601') return { check, status: 'ok', detail: got }
  return failed(
    check,
    `expected TimeZone UTC, DateStyle ISO, IntervalStyle iso_8601, got ${got}`,
    'The connection pooler drops the options of connections: name the server itself in ' +
      `COSELL_DATABASE_URL, or let the administrator set the three for role "${role}" (alter role … set …).`,
  )
}

function checkWriting({ is_in_recovery, is_read_only, role }: ServerFacts): CheckResult {
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

function checkConnections({ connections_free }: ServerFacts): CheckResult {
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
