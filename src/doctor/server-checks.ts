import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { connectionsFor, type Kysely } from '../warehouse/connection/database.ts'
import {
  type Lack,
  lackOfEncoding,
  lackOfSession,
  lackOfVersion,
  lackOfWriting,
} from '../warehouse/connection/requirements.ts'
import type { SessionFacts } from '../warehouse/connection/session.ts'
import { sessionFacts } from '../warehouse/connection/session.ts'
import type { ConnectionSecurity } from '../warehouse/connection/tls.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type CheckResult, failed } from './check-result.ts'

export interface ServerFacts extends SessionFacts {
  readonly is_encrypted: boolean
  readonly is_superuser: boolean
  /** Connections that the server, the role and the database have left, without this one. */
  readonly connections_free: number
  /** Connection limits; -1 without one. */
  readonly role_limit: number
  readonly database_limit: number
  readonly role_free: number
  readonly database_free: number
}

export async function readServer(query: Kysely<Database>): Promise<ServerFacts> {
  const { rows } = await sql<ServerFacts>`
    select
      ${sql.raw(sessionFacts)},
      coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as is_encrypted,
      role.rolsuper as is_superuser,
      role.rolconnlimit as role_limit,
      database.datconnlimit as database_limit,
      (
        role.rolconnlimit
        - (select count(*) from pg_stat_activity
           where usename = session_user and pid <> pg_backend_pid())
      )::integer as role_free,
      (
        database.datconnlimit
        - (select count(*) from pg_stat_activity
           where datname = current_database() and backend_type = 'client backend'
             and pid <> pg_backend_pid())
      )::integer as database_free,
      (
        current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer
        - coalesce(current_setting('reserved_connections', true)::integer, 0)
        - (select sum(numbackends) from pg_stat_database)
      )::integer as connections_free
    from pg_roles role, pg_database database
    where role.rolname = session_user and database.datname = current_database()
  `.execute(query)
  const facts = rows[0]
  if (facts === undefined) throw new CosellError('preflight.no_row', 'No row of one select.')
  return facts
}

/**
 * Checks that a server with these facts can hold the warehouse, and take the connections of a run that
 * loads `workers` accounts side by side.
 */
export function checkServer(
  facts: ServerFacts,
  security: ConnectionSecurity,
  workers: number,
): CheckResult[] {
  const { role, database } = facts
  const connected = `"${database}" answers as role "${role}"`
  return [
    { check: 'database', status: 'ok', detail: connected },
    judge('version', lackOfVersion(facts), `PostgreSQL ${facts.version}`),
    checkEncryption(facts, security),
    judge('encoding', lackOfEncoding(facts), facts.server_encoding),
    checkSession(facts),
    judge('read and write', lackOfWriting(facts), 'the server accepts writing'),
    checkConnections(facts, workers),
  ]
}

/** Returns what a run would be refused for, else what there is. */
function judge(check: string, lack: Lack | undefined, detail: string): CheckResult {
  if (lack === undefined) return { check, status: 'ok', detail }
  return failed(check, lack.detail, lack.remedy)
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

function checkSession(facts: ServerFacts): CheckResult {
  const { time_zone, date_style, interval_style } = facts
  const got = `TimeZone ${time_zone}, DateStyle ${date_style}, IntervalStyle ${interval_style}`
  return judge('session', lackOfSession(facts), got)
}

/** Superusers are bound by the server alone. */
function checkConnections(facts: ServerFacts, workers: number): CheckResult {
  const check = 'connections'
  const connectionsMin = connectionsFor(workers)
  const run = workers === 1 ? 'a run' : `a run with --workers ${workers}, the default,`
  const fewer = workers === 1 ? '' : ', or run with fewer --workers'
  const { role, database, is_superuser } = facts
  const limits = [
    {
      limit: facts.role_limit,
      free: facts.role_free,
      of: `role "${role}"`,
      alter: `alter role "${role}"`,
    },
    {
      limit: facts.database_limit,
      free: facts.database_free,
      of: `database "${database}"`,
      alter: `alter database "${database}"`,
    },
  ].filter(({ limit }) => limit >= 0 && !is_superuser)
  const tooLow = limits.find(({ limit }) => limit < connectionsMin)
  if (tooLow !== undefined) {
    return failed(
      check,
      `${tooLow.of} may have ${tooLow.limit} connections, ${run} needs up to ${connectionsMin}`,
      `Let the administrator raise the limit (${tooLow.alter} connection limit ${2 * connectionsMin})${fewer}.`,
    )
  }
  const least = limits.reduce((found, other) => (other.free < found.free ? other : found), {
    free: facts.connections_free,
    of: 'the server',
    alter: 'max_connections',
  })
  const detail = `${Math.max(0, least.free)} more are free`
  if (least.free >= connectionsMin) return { check, status: 'ok', detail }
  return {
    check,
    status: 'warn',
    detail: `${detail} for ${least.of}, ${run} needs up to ${connectionsMin}`,
    remedy: `Close idle sessions, or let the administrator raise the limit (${least.alter})${fewer}.`,
  }
}
