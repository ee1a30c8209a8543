import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
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
    this.#isInTransaction = true
    try {
      await this.#client.query(beginText(this.#isShared, how))
    } catch (error) {
      // Kysely takes a transaction whose beginning failed for none; this one may have begun.
      await this.end('rollback').catch(() => undefined)
      throw error
    }
  }

  /** @throws Error when PostgreSQL answers the commit of a failed transaction, as it does, by a rollback. */
  async end(how: 'commit' | 'rollback') {
    this.#isInTransaction = false
    this.#isAstray = true
    const { command } = await this.#client.query(how)
    this.#isAstray = false
    if (command.toLowerCase() === how) return
    const text = `${how}: expected ${how.toUpperCase()}, got ${command}: an earlier statement had failed and its error was ignored, so nothing is committed`
    throw new Error(text)
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

  /** Returns the rows of a statement; of several in one text, those of the last. */
  async #execute<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const results = [await this.#client.query(sql, parameters.slice())].flat()
    const { command, rowCount, rows } = results.at(-1) as pg.QueryResult
    const isWrite = /^(INSERT|UPDATE|DELETE|MERGE)$/.test(command)
    return isWrite ? { numAffectedRows: BigInt(rowCount ?? 0), rows } : { rows: rows ?? [] }
  }
}
