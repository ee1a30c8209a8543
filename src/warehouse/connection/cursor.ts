import { once } from 'node:events'
import type pg from 'pg'
import Cursor from 'pg-cursor'

/**
 * A cursor that fetches the next rows while the last ones are worked on, and whose closing ends when
 * its connection is lost: that of pg-cursor waits for an answer, and so did a run for ever whose
 * connection was cut while it read the landing zone.
 */
export class LosableCursor<Row> extends Cursor<Row> {
  #ahead: Promise<Row[]> | undefined

  override read(maxRows: number): Promise<Row[]>
  override read(maxRows: number, told: Cursor.ResultCallback<Row>): undefined
  override read(maxRows: number, told?: Cursor.ResultCallback<Row>): Promise<Row[]> | undefined
  override read(maxRows: number, told?: Cursor.ResultCallback<Row>): Promise<Row[]> | undefined {
    if (told !== undefined) return super.read(maxRows, told)
    const rows = this.#ahead ?? super.read(maxRows)
    this.#ahead = rows.then(() => super.read(maxRows))
    // Whoever asks for these rows hears of it; when nobody does, the reading was given up.
    this.#ahead.catch(() => undefined)
    return rows
  }

  override close(): Promise<void>
  override close(told: (error: Error) => void): undefined
  override close(told?: (error: Error) => void): Promise<void> | undefined
  override close(told?: (error: Error) => void): Promise<void> | undefined {
    if (told !== undefined) return super.close(told)
    const { connection } = this as unknown as { connection: pg.Connection | null }
    if (connection === null || connection.stream.destroyed) return Promise.resolve()
    const isOver = new AbortController()
    const lost = once(connection, 'end', { signal: isOver.signal }).then(
      () => undefined,
      () => undefined,
    )
    return Promise.race([super.close(), lost]).finally(() => isOver.abort())
  }
}
