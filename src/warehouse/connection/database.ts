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
const statementMsMax = 15 * 60_000

const int8 = 20
const date = 1082
const timestamptz = 1184
/** Keys stay below 2^53; a 64-bit hash does not, and stays text. */
const exactDigits = 15

const typeParsers = new Map<number, (text: string) => unknown>([
  [int8, (text) => (text.length > exactDigits ? text : Number(text))],
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
 * @throws CosellError `tryAgainLater` when nobody answers, `configuration` when the server refuses
 * the user, the password or the database.
 */
export async function openDatabase(
  url: string,
  logger?: Logger,
  silenceMsMax = statementMsMax,
): Promise<Warehouse> {
  const pool = new pg.Pool({
    Client,
    connectionString: withOurSettings(url),
    ...encryption(url),
    max: 6,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'cosell',
    types,
  })
  // Without a listener a connection that the server closes would end the process: one that is idle
  // tells the pool, one that a transaction or a COPY holds between two statements only itself.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => {
    client.on('error', (error) => logger?.warn({ code: codeOf(error) }, 'connection lost'))
    endWhenSilent(client, silenceMsMax)
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
 * The same database through Kysely, and through the connection that Kysely took last: so a COPY
 * belongs to the transaction under way. For one transaction at a time.
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
 * Ends a connection over which nothing came or went for so long: a network that swallows what is
 * sent, unlike a server that dies, tells nobody. It holds for COPY and cursors as for statements,
 * which pg's own `query_timeout` would break, and leaves no client in the pool that still waits.
 */
function endWhenSilent(client: pg.PoolClient, silenceMsMax: number) {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  stream.setTimeout(silenceMsMax, () => stream.destroy())
}

/**
 * The address with the settings that our reading and writing rest on, whatever the defaults of the
 * role or database are. They go into the address, whose own `options` would replace them elsewhere.
 */
function withOurSettings(url: string): string {
  const target = new URL(url)
  const ours =
    '-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=iso_8601 -c search_path=public ' +
    '-c standard_conforming_strings=on -c array_nulls=on'
  const given = target.searchParams.get('options')
  target.searchParams.set('options', given === null ? ours : `${given} ${ours}`)
  return target.href
}

/** TLS with a verified certificate, unless the server is this machine or the URL says otherwise. */
function encryption(url: string): pg.PoolConfig {
  const target = new URL(url)
  const local = ['localhost', '127.0.0.1', '[::1]', ''].includes(target.hostname)
  if (target.searchParams.has('sslmode')) return {}
  // Said outright, or pg would heed PGSSLMODE of the environment.
  if (local) return { ssl: false }
  return { ssl: { rejectUnauthorized: true } }
}

/**
 * Runs `use` in one transaction and returns its result once the commit is certain to have been one:
 * PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK and no error, so a statement
 * that an aborted transaction refuses goes before it.
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

const refusals = new Set(['28000', '28P01', '3D000', '42501'])

/** What a failed statement means for the run: later, another configuration, or a bug of ours. */
export function databaseFailure(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  const code = codeOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  if (code === '42501') {
    const text = `The database refused a statement: ${reason}. Grant the right to the user of COSELL_DATABASE_URL.`
    return new CosellError('configuration', 'database.forbidden', text, { cause: error })
  }
  if (isTransient(code) || isDropped(error)) {
    const text = `The database could not finish (${code}: ${reason}). Nothing half-done is visible; run again.`
    return new CosellError('tryAgainLater', 'database.unavailable', text, { cause: error })
  }
  return new CosellError(
    'bug',
    'database.statement',
    `Unexpected database error ${code}: ${reason}`,
    {
      cause: error,
    },
  )
}

/** Lost connections, restarts, locks, serialization, full disks. */
function isTransient(code: string): boolean {
  return /^(08|40|53|55|57|58)\w{3}$|^25006$|^E[A-Z]+$/.test(code)
}

/** pg tells of a dropped connection by a bare Error without a code; a fault of ours has no code either. */
export function isDropped(error: unknown): boolean {
  if (!(error instanceof Error) || 'code' in error) return false
  return /connection|timeout|terminated/i.test(error.message)
}

function connectionFailure(url: string, error: unknown): CosellError {
  const target = new URL(url)
  const place = `${target.hostname}:${target.port || '5432'}${target.pathname}`
  const code = codeOf(error)
  const reason = error instanceof Error && error.message !== '' ? error.message : code
  if (refusals.has(code)) {
    const text = `PostgreSQL at ${place} refused the connection: ${reason}. Check COSELL_DATABASE_URL.`
    return new CosellError('configuration', 'database.refused', text, { cause: error })
  }
  const text = `No PostgreSQL answers at ${place} (${reason}). Start it or mend COSELL_DATABASE_URL, then run again.`
  return new CosellError('tryAgainLater', 'database.unreachable', text, { cause: error })
}

/** SQLSTATE or system error; `none` when a dropped connection carries neither. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'none'
}
