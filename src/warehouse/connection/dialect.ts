import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresDialect,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import type pg from 'pg'
import { isShared } from './client.ts'
import { beginText } from './session.ts'

/** Part of a pool that queries need. */
interface Connections {
  connect(): Promise<pg.PoolClient>
  end(): Promise<void>
}

/** Key of Kysely's own lock, so that two versions of this program exclude each other. */
const migrationLock = '3853314791062309107'

/**
 * PostgreSQL as Kysely knows it, except that no statement relies on a session that a pooler shares:
 * there each one runs in a transaction with the settings of `beginText`.
 */
export class SessionDialect extends PostgresDialect {
  readonly #pool: Connections

  constructor(pool: Connections) {
    super({ pool })
    this.#pool = pool
  }

  override createDriver(): Driver {
    return new SessionDriver(this.#pool)
  }

  override createAdapter(): PostgresAdapter {
    return new TransactionLockAdapter()
  }
}

/**
 * Takes the lock of the migrations in their transaction. Kysely takes one of the session before it
 * begins, which a pooler would leave on a server session that serves others.
 */
class TransactionLockAdapter extends PostgresAdapter {
  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    await db.getExecutor().provideConnection(async (connection) => {
      if (connection instanceof SessionConnection) connection.locksMigrations = true
    })
  }

  override async releaseMigrationLock(db: Kysely<unknown>): Promise<void> {
    await db.getExecutor().provideConnection(async (connection) => {
      if (connection instanceof SessionConnection) connection.locksMigrations = false
    })
  }
}

class SessionDriver implements Driver {
  readonly #pool: Connections
  readonly #connections = new WeakMap<pg.PoolClient, SessionConnection>()

  constructor(pool: Connections) {
    this.#pool = pool
  }

  async init() {}

  async acquireConnection(): Promise<SessionConnection> {
    const client = await this.#pool.connect()
    const known = this.#connections.get(client)
    if (known !== undefined) return known
    const connection = new SessionConnection(client)
    this.#connections.set(client, connection)
    return connection
  }

  beginTransaction = (connection: SessionConnection, settings: TransactionSettings) =>
    connection.begin(settings)
  commitTransaction = (connection: SessionConnection) => connection.end('commit')
  rollbackTransaction = (connection: SessionConnection) => connection.end('rollback')
  releaseConnection = async (connection: SessionConnection) => connection.release()
  destroy = () => this.#pool.end()
}

class SessionConnection implements DatabaseConnection {
  /** The next transaction begins with the lock of the migrations. */
  locksMigrations = false
  #isInTransaction = false
  /** The end of a transaction failed, so the session may still be in it and is not lent again. */
  #isAstray = false
  readonly #client: pg.PoolClient

  constructor(client: pg.PoolClient) {
    this.#client = client
  }

  get #isShared() {
    return isShared(this.#client)
  }

  async begin({ isolationLevel = 'read committed', accessMode }: TransactionSettings = {}) {
    const how = `isolation level ${isolationLevel}${accessMode === undefined ? '' : ` ${accessMode}`}`
    const lock = this.locksMigrations ? `; select pg_advisory_xact_lock(${migrationLock})` : ''
    this.#isInTransaction = true
    try {
      await this.#client.query(beginText(this.#isShared, how) + lock)
    } catch (error) {
      // Kysely takes a transaction whose beginning failed for none; this one may have begun.
      await this.end('rollback').catch(() => undefined)
      throw error
    }
  }

  async end(how: 'commit' | 'rollback') {
    this.#isInTransaction = false
    this.#isAstray = true
    await this.#client.query(how)
    this.#isAstray = false
  }

  release() {
    this.#client.release(this.#isAstray)
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (!this.#isShared || this.#isInTransaction) return this.#execute(query)
    await this.begin()
    try {
      const result = await this.#execute<Row>(query)
      await this.end('commit')
      return result
    } catch (error) {
      await this.end('rollback').catch(() => undefined)
      throw error
    }
  }

  /**
   * Nothing is streamed. PostgreSQL counts the time of the reader as time of the statement, and a
   * reader that waits for rows after a failed fetch waits for ever; `landed-pages.ts` reads pages.
   */
  streamQuery(): never {
    throw new Error('a statement cannot be streamed; read it in pages')
  }

  async #execute<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { command, rowCount, rows } = await this.#client.query(sql, parameters.slice())
    const isWrite = /^(INSERT|UPDATE|DELETE|MERGE)$/.test(command)
    return isWrite ? { numAffectedRows: BigInt(rowCount ?? 0), rows } : { rows: rows ?? [] }
  }
}
