/** Who waits exactly as long as told must not fail for the last bit of a double. */
const roundingError = 1e-6

/**
 * The hidden rate limit: a bucket that fills at the allowed rate and holds a second's worth.
 * Refused requests count too, as the guidance says, so hammering keeps the bucket empty.
 */
export class Throttle {
  readonly #perMs: number
  readonly #capacity: number
  #tokens: number
  #filledMs: number

  constructor(requestsPerMinute: number, nowMs: number) {
    this.#perMs = requestsPerMinute / 60_000
    this.#capacity = Math.max(1, Math.ceil(requestsPerMinute / 60))
    this.#tokens = this.#capacity
    this.#filledMs = nowMs
  }

  /** 0 when the request may pass, otherwise the seconds to wait before asking again. */
  take(nowMs: number): number {
    const filled = this.#tokens + (nowMs - this.#filledMs) * this.#perMs
    this.#filledMs = nowMs
    this.#tokens = Math.max(Math.min(filled, this.#capacity) - 1, -this.#capacity)
    if (this.#tokens > -roundingError) return 0
    return Math.ceil((1 - this.#tokens) / this.#perMs / 1000 - roundingError)
  }
}
