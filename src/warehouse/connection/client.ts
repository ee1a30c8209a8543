import pg from 'pg'
import { ioBoundary } from '../../io-boundary.ts'

/** Part of pg's own connection that every statement passes, COPY and cursors too. */
interface Wire {
  query(text: string): void
  parse(query: { text: string }): void
  on(event: 'readyForQuery', listener: () => void): void
}

/**
 * A connection that traces each statement before it is sent and after PostgreSQL has finished it.
 * The trace is where the bytes leave, because statements that are queued, streamed or read by a
 * cursor take different ways through pg.
 */
export class Client extends pg.Client {
  #statement = 'connect'

  constructor(config?: pg.ClientConfig) {
    super(config)
    const wire = (this as unknown as { connection: Wire }).connection
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

  #trace(statement: string) {
    this.#statement = statement
    ioBoundary('sql', () => describeStatement(statement), 'before')
  }
}

/** Returns the verb of a statement and the first table that it names. */
export function describeStatement(statement: string): string {
  const text = statement.trimStart()
  const verb = /^\w+/.exec(text)?.[0].toLowerCase() ?? 'empty'
  const table = /\b(?:from|into|update|join|table|copy|analyze)\s+("?\w+"?\."?\w+"?)/i.exec(text)
  return table?.[1] === undefined ? verb : `${verb} ${table[1].replaceAll('"', '')}`
}
