/** A client that waits exactly as long as required must not fail by a rounding error. */
const roundingError = 1e-6

/**
 * The undocumented rate limit: a bucket that fills at the allowed rate and holds a second's worth.
 * Rejected requests count too, as the guidance says, so constant retries keep the bucket empty.
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

  /** Returns 0 when the request may pass, otherwise the seconds to wait before the next one. */
  take(nowMs: number): number {
    const filled = this.#tokens + (nowMs - this.#filledMs) * this.#perMs
    this.#filledMs = nowMs
    this.#tokens = Math.max(Math.min(filled, this.#capacity) - 1, -this.#capacity)
    if (this.#tokens > -roundingError) return 0
    return Math.ceil((1 - this.#tokens) / this.#perMs / 1000 - roundingError)
  }
}
