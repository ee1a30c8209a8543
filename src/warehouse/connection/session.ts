import type { QueryResult } from 'pg'

/**
 * Settings that loading rests on. A role, a database or a server may have others, and a pooler may
 * drop or reject the ones of a start-up packet, so they are set by a statement.
 *
 * No timeout of a login ends a load. A transaction whose process is silent is ended after a quarter
 * of an hour; a fenced one has a shorter limit of its own.
 */
const settings = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  search_path: 'public',
  default_transaction_isolation: 'read committed',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '15min',
} as const

/** Settings of later versions, with `server_version_num`: `set_config` rejects unknown names. */
const laterSettings = [
  { name: 'idle_session_timeout', value: '0', since: 140_000 },
  { name: 'transaction_timeout', value: '0', since: 170_000 },
] as const

const setAll = (isLocal: string) => {
  const set = (name: string, value: string) => `set_config('${name}', '${value}', ${isLocal})`
  const calls = Object.entries(settings).map(([name, value]) => set(name, value))
  const later = laterSettings.map(
    ({ name, value, since }) =>
      `case when current_setting('server_version_num')::integer >= ${since} then ${set(name, value)} end`,
  )
  return `select ${[...calls, ...later].join(', ')}`
}

/** What a connection says about itself after the settings were made. */
export interface SessionFacts {
  readonly version: string
  readonly version_number: number
  readonly role: string
  readonly database: string
  readonly server_encoding: string
  readonly client_encoding: string
  readonly time_zone: string
  readonly date_style: string
  readonly interval_style: string
  readonly standard_conforming_strings: string
  readonly is_in_recovery: boolean
  readonly is_read_only: boolean
  /** Process of the server that answered; behind a pooler not the one of the greeting. */
  readonly pid: number
}

/** Columns of `SessionFacts`. */
export const sessionFacts = `
    current_setting('server_version') as version,
    current_setting('server_version_num')::integer as version_number,
    current_user as role,
    current_database() as database,
    current_setting('server_encoding') as server_encoding,
    current_setting('client_encoding') as client_encoding,
    current_setting('TimeZone') as time_zone,
    current_setting('DateStyle') as date_style,
    current_setting('IntervalStyle') as interval_style,
    current_setting('standard_conforming_strings') as standard_conforming_strings,
    pg_is_in_recovery() as is_in_recovery,
    current_setting('transaction_read_only') = 'on' as is_read_only,
    pg_backend_pid() as pid`

export const readFacts = `select ${sessionFacts}`

/**
 * First message of a connection: sets the session, and reads what holds then. Behind a pooler, which
 * answers the greeting with a process of its own invention, the settings end with the message, so
 * that they are not left to the next user of the server's session.
 */
export const openSession = (greetedPid: number | null) =>
  `${setAll(greetedPid === null ? 'true' : `pg_backend_pid() <> ${greetedPid}`)}; ${readFacts}`

/** Returns the facts in the last answer to a message that ends with `readFacts`. */
export function factsOf(answer: QueryResult | readonly QueryResult[]): SessionFacts {
  const results: readonly QueryResult<SessionFacts>[] = [answer].flat()
  const facts = results.at(-1)?.rows[0]
  if (facts === undefined) throw new Error('no row of a select without a table')
  return facts
}

/**
 * Text that begins a transaction in one message. In a session of our own the settings hold already;
 * a session that a pooler shares takes them for the transaction.
 */
export function beginText(isShared: boolean, how = 'isolation level read committed'): string {
  return isShared ? `begin ${how}; ${setAll('true')}` : `begin ${how}`
}
