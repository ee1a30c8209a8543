import { CosellError } from '../../errors.ts'

/** Retries that a run may make beyond its share: a restarting server costs each request a few. */
const burst = 20
/** Retries that each request earns: in the long run one in ten. */
const share = 0.1

/**
 * Limit on the retries of a whole run. The tries of one request are limited as well, but a run whose
 * thousands of requests need seven retries each gets nowhere, and hammers a server in trouble.
 */
export interface RetryBudget {
  /** Counts a request that is sent for the first time. */
  earn(): void
  /** Takes one retry; false when none is left. */
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

/** Error of a run that has no retry left for a request that needs one. */
export function budgetExhausted(what: string, got: string): CosellError {
  return new CosellError(
    'retry.budget_exhausted',
    `${what}: got ${got}, and the run has used up its retries (${burst}, and one for every ` +
      `${1 / share} requests). The server is in trouble; nothing is lost, start the run again later.`,
  )
}
