import { setImmediate as nextTurn } from 'node:timers/promises'

/** COPY text by table. */
export type BufferedLines<T extends string> = ReadonlyMap<T, readonly Buffer[]>

/**
 * Size of the pieces that lines are written into. Pieces are reused, because concatenated strings
 * stay in memory as their parts: with strings a load of 50,000 referrals took 60 MiB more.
 */
const pieceBytes = 128 * 1024
/** Bytes that are sent together. While they are sent, as many are buffered: twice this is held. */
const bufferedBytesMax = 4 * 1024 * 1024
/**
 * A server ends a transaction of which it hears nothing for as long as a lease lasts, 60 s. This and the
 * 30 s that a page may take stay below it.
 */
const bufferedMsMax = 15_000

/**
 * Buffers lines by table and sends them while the next ones are buffered, so that PostgreSQL and
 * Node.js work at the same time.
 */
export class CopyBuffer<T extends string> {
  readonly #send: (buffered: BufferedLines<T>) => Promise<void>
  readonly #spare: Buffer[] = []
  #filling = new Map<T, Piece[]>()
  #bytes = 0
  #flushedAt = performance.now()
  #sending: Promise<void> = Promise.resolve()
  #isSending = false
  #failure: { readonly error: unknown } | undefined

  constructor(send: (buffered: BufferedLines<T>) => Promise<void>) {
    this.#send = send
  }

  add(table: T, line: string) {
    // No UTF-16 unit takes more than three bytes.
    const room = 3 * line.length
    const pieces = this.#filling.get(table) ?? []
    if (pieces.length === 0) this.#filling.set(table, pieces)
    let last = pieces.at(-1)
    if (last === undefined || last.used + room > last.bytes.length) {
      const bytes =
        room > pieceBytes
          ? Buffer.allocUnsafe(room)
          : (this.#spare.pop() ?? Buffer.allocUnsafeSlow(pieceBytes))
      last = { bytes, used: 0 }
      pieces.push(last)
      this.#bytes += bytes.length
    }
    last.used += last.bytes.write(line, last.used)
  }

  /**
   * Sends the lines when there are enough, or when the last ones were sent a while ago. Yields to the event
   * loop while earlier lines are sent.
   *
   * @throws the error that earlier lines met.
   */
  async flushIfFull(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    const isFull = this.#bytes >= bufferedBytesMax
    const isOld = performance.now() - this.#flushedAt > bufferedMsMax
    if (isFull || isOld) await this.flush()
    if (this.#isSending) await nextTurn()
  }

  /**
   * Sends the buffered lines once the earlier ones have arrived, without waiting for their arrival.
   */
  async flush(): Promise<void> {
    await this.drain()
    const pieces = this.#filling
    this.#filling = new Map()
    this.#bytes = 0
    this.#flushedAt = performance.now()
    const buffered = new Map<T, Buffer[]>()
    for (const [table, filled] of pieces) {
      buffered.set(
        table,
        filled.map(({ bytes, used }) => bytes.subarray(0, used)),
      )
    }
    this.#isSending = true
    this.#sending = this.#send(buffered)
      .then(() => {
        for (const filled of pieces.values()) {
          for (const { bytes } of filled) if (bytes.length === pieceBytes) this.#spare.push(bytes)
        }
      })
      .catch((error: unknown) => {
        this.#failure = { error }
      })
      .finally(() => {
        this.#isSending = false
      })
  }

  /** Waits until the lines that were sent have arrived. @throws the error that prevented it. */
  async drain(): Promise<void> {
    await this.#sending
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

interface Piece {
  readonly bytes: Buffer
  used: number
}
