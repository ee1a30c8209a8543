import pg from 'pg'
import { ioBoundary } from '../../io-boundary.ts'
import { beginText, factsOf, openSession, readFacts, type SessionFacts } from './session.ts'

/** Part of pg's own connection that every statement passes, COPY too. */
interface Wire {
  query(text: string): void
  parse(query: { text: string }): void
  on(event: string, listener: (message: { mechanisms?: string[] }) => void): void
  emit(event: 'error', error: Error): void
  readonly stream: { destroy(): void }
}

/** Parts of pg's client that its types leave out. */
interface Inside {
  readonly connection: Wire
  readonly connectionParameters: { options?: string | undefined; replication?: string | undefined }
  password: unknown
  readonly processID: number | null
}

export interface ClientConfig extends pg.ClientConfig {
  readonly enableChannelBinding?: boolean
  /** The connection fails unless its authentication is bound to the certificate. */
  readonly requiresChannelBinding?: boolean
  /** Asked for when there is no password and the server wants one. */
  readonly passwordOtherwise?: () => string | undefined
}

/**
 * A connection that traces each statement before it is sent and after PostgreSQL has finished it.
 * The trace is where the bytes leave, because statements that are queued or streamed take
 * different ways through pg.
 */
export class Client extends pg.Client {
  #statement = 'connect'
  /** A pooler lends the session for a transaction at a time, so no setting of it holds for longer. */
  isShared = false

  constructor(config: ClientConfig = {}) {
    super(config)
    const inside = this as unknown as Inside
    // The driver has read PGOPTIONS and PGREPLICATION, which would change an address that is explicit.
    inside.connectionParameters.options = config.options
    inside.connectionParameters.replication = undefined
    // Without a function the driver reads the password file, and warns beside the log.
    inside.password ??= config.passwordOtherwise
    const wire = inside.connection
    if (config.requiresChannelBinding === true) requireChannelBinding(wire)
    const { query, parse } = wire
    wire.query = (text) => {
      this.#trace(text)
      query.call(wire, text)
    }
    wire.parse = (statement) => {
      this.#trace(statement.text)
      parse.call(wire, statement)
    }
    ioBoundary('sql', this.#statement, 'before')
    wire.on('readyForQuery', () =>
      ioBoundary('sql', () => describeStatement(this.#statement), 'after'),
    )
  }

  /**
   * Sends the first message of the session and returns what holds then. Behind a pooler that is what
   * holds in a transaction, because nothing else does.
   */
  async openSession(): Promise<SessionFacts> {
    const { processID } = this as unknown as Inside
    const facts = factsOf(await this.query(openSession(processID)))
    this.isShared = facts.pid !== processID
    if (!this.isShared) return facts
    await this.query(beginText(true))
    const inTransaction = factsOf([await this.query(readFacts)])
    await this.query('commit')
    return inTransaction
  }

  #trace(statement: string) {
    this.#statement = statement
    ioBoundary('sql', () => describeStatement(statement), 'before')
  }
}

/** Ends the connection when the server authenticates it, or asks for a password, without binding. */
function requireChannelBinding(wire: Wire) {
  const bound = 'SCRAM-SHA-256-PLUS'
  let isBound = false
  const fail = () => {
    const error = new Error('channel binding is required, and the server does not offer it')
    wire.emit('error', error)
    wire.stream.destroy()
  }
  wire.on('authenticationSASL', ({ mechanisms = [] }) => {
    isBound = mechanisms.includes(bound)
    if (!isBound) fail()
  })
  for (const event of [
    'authenticationCleartextPassword',
    'authenticationMD5Password',
    'authenticationOk',
  ]) {
    wire.on(event, () => {
      if (!isBound) fail()
    })
  }
}

/** Whether a pooler lends the session of this connection for a transaction at a time. */
export function isShared(client: pg.ClientBase): boolean {
  return client instanceof Client && client.isShared
}

/** Process of the server that works for this connection alone; undefined behind a pooler. */
export function serverProcessOf(client: pg.ClientBase): number | undefined {
  if (isShared(client)) return undefined
  return (client as unknown as Inside).processID ?? undefined
}

/** Returns the verb of a statement and the first table that it names. */
export function describeStatement(statement: string): string {
  const text = statement.trimStart()
  const verb = /^\w+/.exec(text)?.[0].toLowerCase() ?? 'empty'
  const table = /\b(?:from|into|update|join|table|copy|analyze)\s+("?\w+"?\."?\w+"?)/i.exec(text)
  return table?.[1] === undefined ? verb : `${verb} ${table[1].replaceAll('"', '')}`
}
