import type { Socket } from 'node:net'
import { type Kysely, Kysely as Query, sql, type Transaction } from 'kysely'
import pg from 'pg'
import type { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { Database } from '../tables.generated.ts'
import { type Address, parseAddress, placeOf } from './address.ts'
import { Client, type ClientConfig, serverProcessOf } from './client.ts'
import { SessionDialect } from './dialect.ts'
import { codeOf, connectionFailure } from './failures.ts'
import { readPasswordFile } from './password-file.ts'
import { requireSession } from './requirements.ts'
import type { SessionFacts } from './session.ts'
import { type TlsAttempt, tlsAttempts } from './tls.ts'
import { valueTypes } from './value-types.ts'

export { codeOf, databaseFailure, isDropped } from './failures.ts'
export type { Kysely, Transaction }

/** An open warehouse: queries through `query`, streams of COPY through a client of `pool`. */
export interface Warehouse {
  readonly query: Kysely<Database>
  readonly pool: pg.Pool
  /** What held when the first connection was made. */
  readonly session: SessionFacts
  /**
   * Breaks every connection, and ends what the server does for it; what waits for one fails with
   * `reason`, which nothing retries.
   */
  abandon(reason: CosellError): void
  close(): Promise<void>
}

/**
 * Connections for accounts side by side. Each holds up to four at once: reading, staging, the publish and
 * the lease; with fewer, all could wait for one another. Two are to spare. They are opened when needed.
 */
export function connectionsFor(workers: number): number {
  return 4 * workers + 2
}
/** A pooler may let a connection wait for a free session of the server. */
const firstAnswerMsMax = 30_000
/** Several times what the slowest statement of a rebuild of a million referrals takes. */
const defaultSilentMsMax = 15 * 60_000

interface OpenOptions {
  /** A connection without traffic for so long is closed. */
  readonly silentMsMax?: number
  /** The server is looked at, whether or not it is fit for the warehouse. */
  readonly isInspected?: boolean
  /** A connection that receives more is closed: the answer to a statement of others has no size. */
  readonly receivedBytesMax?: number
  /** Accounts that are loaded side by side. */
  readonly workers?: number
}

/**
 * Connects to PostgreSQL. Dates and instants come back as ISO text in UTC, `numeric` as text. The
 * first message of each connection sets and reads its session.
 *
 * @throws CosellError `tryAgainLater` when no server answers, `configuration` when the server denies
 * the connection, or its session lacks what every command rests on.
 */
export async function openDatabase(
  url: string,
  logger?: Logger,
  {
    silentMsMax = defaultSilentMsMax,
    isInspected = false,
    receivedBytesMax = Number.POSITIVE_INFINITY,
    workers = 1,
  }: OpenOptions = {},
): Promise<Warehouse> {
  const address = parseAddress(url)
  const place = placeOf(address)
  const attempts = tlsAttempts(address)
  const failures: CosellError[] = []
  for (const ssl of attempts) {
    const { host, password } = address
    const attempt = { place, host, isEncrypted: ssl !== false, hasPassword: password !== undefined }
    try {
      const options = { logger, silentMsMax, isInspected, receivedBytesMax, workers }
      return await connect(address, ssl, options)
    } catch (error) {
      const failure = connectionFailure(attempt, error)
      failures.push(failure)
      // A server that does not answer does not answer otherwise either.
      if (failure.code === 'database.unreachable') throw failure
    }
  }
  throw failures.find(({ code }) => code === 'database.refused') ?? failures.at(-1)
}

/** Opens a pool and its first connection. */
async function connect(
  address: Address,
  ssl: TlsAttempt,
  options: Required<OpenOptions> & { logger: Logger | undefined },
): Promise<Warehouse> {
  const { logger, silentMsMax, isInspected, receivedBytesMax, workers } = options
  let session: SessionFacts | undefined
  const pool = new pg.Pool({
    Client,
    ...poolConfig(address, ssl),
    max: connectionsFor(workers),
    onConnect: async (client) => {
      if (!(client instanceof Client)) throw new Error('a connection of another kind')
      closeWhenSilent(client, firstAnswerMsMax)
      const facts = await client.openSession()
      closeWhenSilent(client, silentMsMax)
      closeWhenFull(client, receivedBytesMax)
      const wanted = session === undefined ? address.sessionAttributes : 'any'
      if (!isInspected) requireSession(facts, wanted, placeOf(address))
      session ??= facts
    },
  })
  // Without a listener a connection that the server closes would end the process. An idle one emits
  // on the pool, one that a transaction or a COPY holds between two statements on itself alone.
  pool.on('error', () => undefined)
  const live = new Set<pg.PoolClient>()
  pool.on('connect', (client) => {
    live.add(client)
    client.once('end', () => live.delete(client))
    client.on('error', (error) => logger?.warn({ code: codeOf(error) }, 'connection lost'))
  })
  const query = new Query<Database>({ dialect: new SessionDialect(pool) })
  try {
    // A connection is lent after its first message, which fails where the session is unfit.
    const client = await pool.connect()
    client.release()
  } catch (error) {
    await query.destroy()
    throw error
  }
  if (session === undefined) throw new Error('a connection was lent without its first message')
  const abandon = (reason: CosellError) => {
    const processes = [...live].flatMap((client) => serverProcessOf(client) ?? [])
    for (const client of live) socketOf(client).destroy(reason)
    // A statement that waits goes on without its connection, and holds what the last steps need.
    const end = sql`
      select pg_terminate_backend(pid)
      from pg_stat_activity
      where pid = any(${processes}::integer[]) and usename = current_user`
    end.execute(query).catch(() => undefined)
  }
  return { query, pool, session, abandon, close: () => query.destroy() }
}

/** Everything is set, because the driver would obey variables of the environment otherwise. */
function poolConfig(address: Address, ssl: TlsAttempt): ClientConfig & pg.PoolConfig {
  const { host, port, user, password, database, tls } = address
  return {
    host,
    port,
    user,
    password,
    database,
    ssl,
    sslnegotiation: ssl === false ? 'postgres' : tls.negotiation,
    enableChannelBinding: ssl !== false && tls.channelBinding !== 'disable',
    requiresChannelBinding: tls.channelBinding === 'require',
    passwordOtherwise: () => readPasswordFile(address),
    options: address.options,
    application_name: address.applicationName,
    client_encoding: 'UTF8',
    connectionTimeoutMillis: address.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: valueTypes,
  }
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
  const query = new Query<Database>({ dialect: new SessionDialect(watched) })
  const client = () => {
    if (taken === undefined) throw new Error('no transaction is under way')
    return taken
  }
  return { query, client }
}

/**
 * Closes a connection without traffic for `silentMsMax`: a network that drops packets, unlike a
 * server that dies, gives no signal. It covers COPY too, which pg's own `query_timeout`
 * would break, and leaves no waiting client in the pool.
 */
function closeWhenSilent(client: pg.ClientBase, silentMsMax: number) {
  const socket = socketOf(client)
  socket.setTimeout(silentMsMax, () => socket.destroy())
}

/** A value arrives whole, so that its size is known too late; what has come so far is counted. */
function closeWhenFull(client: pg.ClientBase, bytesMax: number) {
  if (bytesMax === Number.POSITIVE_INFINITY) return
  const socket = socketOf(client)
  let received = 0
  socket.on('data', (chunk) => {
    received += chunk.length
    if (received > bytesMax) socket.destroy(new AnswerTooLarge(bytesMax))
  })
}

/** A connection received more than it was opened for. */
export class AnswerTooLarge extends Error {
  constructor(readonly bytesMax: number) {
    super(`the answer is larger than ${bytesMax} bytes`)
  }
}

function socketOf(client: pg.ClientBase): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream
}
