import type { Socket } from 'node:net'
import { type Kysely, PostgresDialect, Kysely as Query, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { Database } from '../tables.generated.ts'
import { Client } from './client.ts'
import { LosableCursor } from './cursor.ts'

export type { Kysely, Transaction }

/** An open warehouse: queries through `query`, streams of COPY through a client of `pool`. */
export interface Warehouse {
  readonly query: Kysely<Database>
  readonly pool: pg.Pool
  close(): Promise<void>
}

/** Several times what the slowest statement of a rebuild of a million referrals takes. */
const defaultSilentMsMax = 15 * 60_000

const int8 = 20
const date = 1082
const timestamptz = 1184
/** Keys stay below 2^53; a 64-bit hash does not, and stays text. */
const exactDigitsMax = 15

const typeParsers = new Map<number, (text: string) => unknown>([
  [int8, (text) => (text.length > exactDigitsMax ? text : Number(text))],
  [date, (text) => text],
  [timestamptz, (text) => `${text.slice(0, 10)}T${text.slice(11).replace('+00', '')}Z`],
])

const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    typeParsers.get(oid) ?? pg.types.getTypeParser(oid, format),
} as pg.CustomTypesConfig

/**
 * Connects to PostgreSQL. Dates and instants come back as ISO text in UTC, `numeric` as text.
 *
 * @throws CosellError `tryAgainLater` when no server answers, `configuration` when the server denies
 * the user, the password or the database.
 */
export async function openDatabase(
  url: string,
  logger?: Logger,
  silentMsMax = defaultSilentMsMax,
): Promise<Warehouse> {
  const pool = new pg.Pool({
    Client,
    connectionString: withSessionSettings(url),
    ...tlsOptions(url),
    max: 6,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'cosell',
    types,
  })
  // Without a listener a connection that the server closes would end the process. An idle one emits
  // on the pool, one that a transaction or a COPY holds between two statements on itself alone.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => {
    client.on('error', (error) => logger?.warn({ code: codeOf(error) }, 'connection lost'))
    closeWhenSilent(client, silentMsMax)
  })
  const query = new Query<Database>({
    dialect: new PostgresDialect({ pool, cursor: LosableCursor }),
  })
  try {
    await sql`select 1`.execute(query)
  } catch (error) {
    await query.destroy()
    throw connectionFailure(url, error)
  }
  return { query, pool, close: () => query.destroy() }
}

/**
 * Opens the database through Kysely, and through the connection that Kysely took last. So a COPY
 * belongs to the transaction under way. It serves one transaction at a time.
 */
export function openCopying({ pool }: Pick<Warehouse, 'pool'>) {
  let taken: pg.PoolClient | undefined
  const watched = {
    connect: async () => {
      taken = await pool.connect()
      return taken
    },
    end: async () => undefined,
  }
  const query = new Query<Database>({ dialect: new PostgresDialect({ pool: watched }) })
  const client = () => {
    if (taken === undefined) throw new Error('no transaction is under way')
    return taken
  }
  return { query, client }
}

/**
 * Closes a connection without traffic for `silentMsMax`: a network that drops packets, unlike a
 * server that dies, gives no signal. It covers COPY and cursors too, which pg's own `query_timeout`
 * would break, and leaves no waiting client in the pool.
 */
function closeWhenSilent(client: pg.PoolClient, silentMsMax: number) {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  stream.setTimeout(silentMsMax, () => stream.destroy())
}

/**
 * Returns the address with the session settings that we depend on, which override the defaults of
 * role and database. They are part of the address, because its own `options` would replace others.
 */
function withSessionSettings(url: string): string {
  const target = new URL(url)
  const ours =
    '-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=iso_8601 -c search_path=public ' +
    '-c standard_conforming_strings=on -c array_nulls=on'
  const given = target.searchParams.get('options')
  target.searchParams.set('options', given === null ? ours : `${given} ${ours}`)
  return target.href
}

/** TLS with a verified certificate, unless the server is this machine or the URL says otherwise. */
function tlsOptions(url: string): pg.PoolConfig {
  const target = new URL(url)
  const local = ['localhost', '127.0.0.1', '[::1]', ''].includes(target.hostname)
  if (target.searchParams.has('sslmode')) return {}
  // Set explicitly, or pg would obey PGSSLMODE of the environment.
  if (local) return { ssl: false }
  return { ssl: { rejectUnauthorized: true } }
}

/**
 * Runs `use` in one transaction and returns its result after the commit. PostgreSQL answers COMMIT
 * of an aborted transaction with ROLLBACK and no error, so a statement that fails in an aborted
 * transaction is run before it.
 */
export function inTransaction<T>(
  query: Kysely<Database>,
  use: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return query.transaction().execute(async (transaction) => {
    const result = await use(transaction)
    await sql`select 1`.execute(transaction)
    return result
  })
}

const rejectionCodes = new Set(['28000', '28P01', '3D000', '42501'])

/** Returns a failed statement as a failure of the run: temporary, of the configuration, or a bug. */
export function databaseFailure(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  const code = codeOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  if (code === '42501') {
    const text = `The database denied a statement: ${reason}. Grant the right to the user of COSELL_DATABASE_URL.`
    return new CosellError('database.forbidden', text, { cause: error })
  }
  if (isTransient(code) || isDropped(error)) {
    const text = `The database could not finish (${code}: ${reason}). No partial result is visible; run again.`
    return new CosellError('database.unavailable', text, { cause: error })
  }
  return new CosellError('database.statement', `Unexpected database error ${code}: ${reason}`, {
    cause: error,
  })
}

/** Lost connections, restarts, locks, serialization, full disks. */
function isTransient(code: string): boolean {
  return /^(08|40|53|55|57|58)\w{3}$|^25006$|^E[A-Z]+$/.test(code)
}

/** pg reports a dropped connection by a bare Error without a code; a bug of ours has no code either. */
export function isDropped(error: unknown): boolean {
  if (!(error instanceof Error) || 'code' in error) return false
  return /connection|timeout|terminated/i.test(error.message)
}

function connectionFailure(url: string, error: unknown): CosellError {
  const target = new URL(url)
  const place = `${target.hostname}:${target.port || '5432'}${target.pathname}`
  const code = codeOf(error)
  const reason = error instanceof Error && error.message !== '' ? error.message : code
  if (rejectionCodes.has(code)) {
    const text = `PostgreSQL at ${place} rejected the connection: ${reason}. Check COSELL_DATABASE_URL.`
    return new CosellError('database.refused', text, { cause: error })
  }
  const text = `Cannot connect to PostgreSQL at ${place} (${reason}). Start the server or fix COSELL_DATABASE_URL, then run again.`
  return new CosellError('database.unreachable', text, { cause: error })
}

/** SQLSTATE or system error; `none` when a dropped connection carries neither. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'none'
}
