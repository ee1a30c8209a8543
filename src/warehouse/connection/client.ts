import pg from 'pg'
import { boundary } from '../../io-boundary.ts'

/** What of pg's own connection every statement passes on its way out, COPY and cursors too. */
interface Wire {
  query(text: string): void
  parse(query: { text: string }): void
  on(event: 'readyForQuery', listener: () => void): void
}

/**
 * A connection that says which statement it is about to send and when PostgreSQL is done with it.
 * It is watched where the bytes leave, because a statement that is queued, streamed or read by a
 * cursor takes another way through pg each.
 */
export class Client extends pg.Client {
  #statement = 'connect'

  constructor(config?: pg.ClientConfig) {
    super(config)
    const wire = (this as unknown as { connection: Wire }).connection
    const { query, parse } = wire
    wire.query = (text) => {
      this.#say(text)
      query.call(wire, text)
    }
    wire.parse = (statement) => {
      this.#say(statement.text)
      parse.call(wire, statement)
    }
    boundary('sql', this.#statement, 'before')
    wire.on('readyForQuery', () => boundary('sql', () => firstWords(this.#statement), 'after'))
  }

  #say(statement: string) {
    this.#statement = statement
    boundary('sql', () => firstWords(statement), 'before')
  }
}

/** The verb of a statement and the first table that it names. */
export function firstWords(statement: string): string {
  const text = statement.trimStart()
  const verb = /^\w+/.exec(text)?.[0].toLowerCase() ?? 'empty'
  const table = /\b(?:from|into|update|join|table|copy|analyze)\s+("?\w+"?\."?\w+"?)/i.exec(text)
  return table?.[1] === undefined ? verb : `${verb} ${table[1].replaceAll('"', '')}`
}
