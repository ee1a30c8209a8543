import { setImmediate as turn } from 'node:timers/promises'

/** Text for COPY, by table. */
export type Gathered<T extends string> = ReadonlyMap<T, readonly Buffer[]>

/**
 * Filled in a buffer that is used again, because strings put together piece by piece stay in memory
 * as their pieces: with those a load of 50,000 referrals took 60 MiB more.
 */
const pieceBytes = 128 * 1024
/** Sent together. With as much on its way, at most twice this is held. */
const gatheredBytesMax = 4 * 1024 * 1024

/**
 * Gathers lines by table and sends them while the next ones are gathered, so that PostgreSQL and
 * Node.js work at the same time.
 */
export class Outbox<T extends string> {
  readonly #send: (gathered: Gathered<T>) => Promise<void>
  readonly #spare: Buffer[] = []
  #filling = new Map<T, Piece[]>()
  #bytes = 0
  #sending: Promise<void> = Promise.resolve()
  #isSending = false
  #failure: { readonly error: unknown } | undefined

  constructor(send: (gathered: Gathered<T>) => Promise<void>) {
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

  /** Ships when enough is gathered. Lets what is on its way move on, which else waits for its turn. */
  async passOn(): Promise<void> {
    if (this.#bytes >= gatheredBytesMax) await this.ship()
    if (this.#isSending) await turn()
  }

  /** Sends what is gathered, once what was sent before has arrived; does not wait for its arrival. */
  async ship(): Promise<void> {
    await this.settle()
    const pieces = this.#filling
    this.#filling = new Map()
    this.#bytes = 0
    const gathered = new Map<T, Buffer[]>()
    for (const [table, filled] of pieces) {
      gathered.set(
        table,
        filled.map(({ bytes, used }) => bytes.subarray(0, used)),
      )
    }
    this.#isSending = true
    this.#sending = this.#send(gathered)
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

  /** Waits until what was sent has arrived. @throws what kept it from arriving. */
  async settle(): Promise<void> {
    await this.#sending
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

interface Piece {
  readonly bytes: Buffer
  used: number
}
