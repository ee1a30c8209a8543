import { once } from 'node:events'
import type pg from 'pg'
import Cursor from 'pg-cursor'

/**
 * A cursor that fetches the next rows while the last ones are processed. Its `close` ends when the
 * connection is lost; that of pg-cursor waits for an answer, which kept a run waiting for ever when
 * its connection was cut while it read the landing zone.
 */
export class LosableCursor<Row> extends Cursor<Row> {
  #ahead: Promise<Row[]> | undefined

  override read(maxRows: number): Promise<Row[]>
  override read(maxRows: number, callback: Cursor.ResultCallback<Row>): undefined
  override read(maxRows: number, callback?: Cursor.ResultCallback<Row>): Promise<Row[]> | undefined
  override read(
    maxRows: number,
    callback?: Cursor.ResultCallback<Row>,
  ): Promise<Row[]> | undefined {
    if (callback !== undefined) return super.read(maxRows, callback)
    const rows = this.#ahead ?? super.read(maxRows)
    this.#ahead = rows.then(() => super.read(maxRows))
    // The next `read` reports the error; without one, reading was abandoned.
    this.#ahead.catch(() => undefined)
    return rows
  }

  override close(): Promise<void>
  override close(callback: (error: Error) => void): undefined
  override close(callback?: (error: Error) => void): Promise<void> | undefined
  override close(callback?: (error: Error) => void): Promise<void> | undefined {
    if (callback !== undefined) return super.close(callback)
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
