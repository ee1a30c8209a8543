import pLimit from 'p-limit'
import { CosellError } from '../../errors.ts'
import type { Clock } from '../clock.ts'

/** Permission to send one request. Its holder reports how the server answered. */
export interface Permit {
  /** Waits for the end of a pause that began after the permit was given, e.g. during a token renewal. */
  ready(signal?: AbortSignal): Promise<void>
  succeeded(): void
  /** Reports a 429 or 509: every request waits `pauseMs`, and the rate is halved. */
  throttled(pauseMs: number): void
  /** Reports an outage of a known length: every request waits, and the rate stays. */
  pause(pauseMs: number): void
}

export interface RateLimiter {
  /** Runs the task as soon as concurrency and rate allow it: first come, first served. */
  run<T>(task: (permit: Permit) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** @throws CosellError when a wait is longer than a run waits, or ends past the deadline */
  checkWait(waitMs: number): void
  /** Rate in force, at most the configured one. */
  readonly requestsPerMinute: number
  /** Rate that the server was found to support: the starting rate of the next run. */
  readonly learnedRate: number
  /** Milliseconds until now in which every request waited because of a 429 or 509. */
  readonly throttledMs: number
}

/** Longest pause that a run waits for. A longer one ends the run, with the time to come back. */
export const longestPauseMs = 15 * 60_000

/**
 * Returns the request budget that all calls of one account share. On a 429 it makes every request
 * wait, not only the one that was throttled; `retryDelayMs` decides whether that one is sent again.
 *
 * The rate starts at the configured ceiling, is halved on a 429, and grows with every success:
 * within twenty up to a plateau just below the rate that was throttled, then slowly. Plain halving
 * and climbing would use three quarters of the server's limit. This uses 96 to 99 % of it, with
 * 0.6 % of 429 at most (simulated against token buckets, fixed and sliding windows).
 */
export function createRateLimiter(options: {
  requestsPerMinute: number
  concurrency: number
  clock: Clock
  /** Rate that an earlier run learned; cut to the ceiling. */
  startingRate?: number | undefined
  /** End of the run, on the clock's monotonic time. */
  deadlineAt?: number | undefined
}): RateLimiter {
  const { requestsPerMinute: ceiling, clock, deadlineAt = Number.POSITIVE_INFINITY } = options
  const climb = { toPlateau: 1 / 40, beyond: 3 / 10_000 }
  const floor = Math.max(1, ceiling / 32)
  const limit = pLimit(options.concurrency)
  let rate = Math.min(ceiling, Math.max(floor, options.startingRate ?? ceiling))
  let plateau = rate
  const succeededAt: number[] = []
  let lastCut = Number.NEGATIVE_INFINITY
  let nextStart = Number.NEGATIVE_INFINITY
  let pausedUntil = Number.NEGATIVE_INFINITY
  /** Times by which answers 429 made the pause longer. The last ones may not be over. */
  const throttledSpans: { readonly from: number; readonly to: number }[] = []
  let lastTurn: Promise<unknown> = Promise.resolve()

  async function waitForTurn(signal: AbortSignal | undefined): Promise<void> {
    let due = clock.monotonic()
    for (;;) {
      signal?.throwIfAborted()
      const now = clock.monotonic()
      due = Math.max(due, pausedUntil, nextStart)
      if (due <= now) break
      checkWait(due - now)
      await clock.sleep(due - now, signal)
    }
    // Counted from when it was due: a timer that wakes late does not delay the next requests.
    nextStart = due + 60_000 / rate
  }

  function checkWait(waitMs: number): void {
    if (waitMs > longestPauseMs) throw pauseTooLong(waitMs)
    if (clock.monotonic() + waitMs > deadlineAt) throw pastDeadline(waitMs)
  }

  function pause(pauseMs: number): void {
    pausedUntil = Math.max(pausedUntil, clock.monotonic() + pauseMs)
  }

  function remainingPauseMs(): number {
    return pausedUntil - clock.monotonic()
  }

  /** Successful requests a minute, over the last minute and the pause that follows them. */
  function sustainedRate(pauseMs: number): number {
    const [first] = succeededAt
    if (first === undefined || succeededAt.length < 20) return rate
    const spanMs = Math.min(60_000, clock.monotonic() - first + pauseMs)
    return (succeededAt.length * 60_000) / Math.max(1, spanMs)
  }

  function givePermit(): Permit {
    const startedAt = clock.monotonic()
    return {
      async ready(signal) {
        for (let left = remainingPauseMs(); left > 0; left = remainingPauseMs()) {
          checkWait(left)
          await clock.sleep(left, signal)
        }
      },
      succeeded() {
        const now = clock.monotonic()
        succeededAt.push(now)
        while ((succeededAt[0] ?? now) <= now - 60_000) succeededAt.shift()
        const share = rate < plateau ? climb.toPlateau : climb.beyond
        rate = Math.min(ceiling, rate + share * plateau)
      },
      throttled(pauseMs) {
        const from = Math.max(pausedUntil, clock.monotonic())
        pause(pauseMs)
        if (pausedUntil > from) throttledSpans.push({ from, to: pausedUntil })
        // Requests that were under way at the last cut are throttled for the same reason.
        if (startedAt <= lastCut) return
        lastCut = clock.monotonic()
        // Far above the limit, halving alone would be throttled again and again on the way down.
        // Near it, a 429 soon after a cut says nothing new: the server still counts the minute before.
        const sustained = sustainedRate(pauseMs)
        plateau = rate > 1.5 * sustained ? sustained : 0.9 * Math.max(rate, plateau)
        rate = Math.max(floor, Math.min(plateau, rate / 2))
      },
      pause,
    }
  }

  return {
    get requestsPerMinute() {
      return rate
    },
    get learnedRate() {
      // Right after a cut the rate is below what the server supports.
      return Math.min(ceiling, Math.max(rate, plateau))
    },
    get throttledMs() {
      const now = clock.monotonic()
      return throttledSpans.reduce(
        (sum, { from, to }) => sum + Math.max(0, Math.min(to, now) - from),
        0,
      )
    },
    checkWait,
    run(task, signal) {
      return limit(async () => {
        const turn = lastTurn.then(() => waitForTurn(signal))
        lastTurn = turn.catch(() => undefined)
        await turn
        return task(givePermit())
      })
    },
  }
}

function pauseTooLong(remainingMs: number): CosellError {
  return new CosellError(
    'throttle.pause_too_long',
    `The server asks for a pause of ${Math.ceil(remainingMs / 1000)} s, longer than the ` +
      `${longestPauseMs / 1000} s a run waits. Start the run again after that time.`,
  )
}

function pastDeadline(waitMs: number): CosellError {
  return new CosellError(
    'run.deadline',
    `The next request has to wait ${Math.ceil(waitMs / 1000)} s, past the time that ` +
      'COSELL_RUN_DEADLINE_MINUTES leaves. The pages read so far are kept; start the run again.',
  )
}
