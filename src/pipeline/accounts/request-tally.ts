import type { RequestCounts } from '../../extract/http/send-with-retries.ts'
import { notAsked } from '../run-summary.ts'

/** Requests of all connections to the API that were opened for an account, also of what failed. */
export class RequestTally {
  readonly #connections: Readonly<RequestCounts>[] = []

  /** Counts a connection, with the requests that it will still send. */
  add(counts: Readonly<RequestCounts>): void {
    this.#connections.push(counts)
  }

  /** Requests so far, without those of `before`. */
  since(before: Readonly<RequestCounts> = notAsked): RequestCounts {
    const sum = (name: keyof RequestCounts) =>
      this.#connections.reduce((total, counts) => total + counts[name], -before[name])
    return {
      requests: sum('requests'),
      throttled: sum('throttled'),
      throttledMs: sum('throttledMs'),
    }
  }
}
