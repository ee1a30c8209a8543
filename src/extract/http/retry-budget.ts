import { CosellError } from '../../errors.ts'

/** Retries that a run may make beyond its share: a restarting server costs a few requests each. */
const burst = 20
/** Retries earned by each request: in the long run one in ten. */
const share = 0.1

/**
 * Bounds the retries of a whole run. The tries of one request are bounded as well, but when each of
 * thousands needs seven retries the run is not getting anywhere, and hammers a server in trouble.
 */
export interface RetryBudget {
  /** Notes a request that is sent for the first time. */
  earn(): void
  /** Takes one retry, or says that none is left. */
  take(): boolean
}

export function createRetryBudget(): RetryBudget {
  let left = burst
  return {
    earn() {
      left = Math.min(burst, left + share)
    },
    take() {
      if (left < 1) return false
      left -= 1
      return true
    },
  }
}

/** The end of a run that has no retry left for a request that needs one. */
export function budgetExhausted(what: string, got: string): CosellError {
  return new CosellError(
    'tryAgainLater',
    'retry.budget_exhausted',
    `${what}: got ${got}, and the run has used up its retries (${burst}, and one for every ` +
      `${1 / share} requests). The server is in trouble; nothing is lost, start the run again later.`,
  )
}
