import { performance } from 'node:perf_hooks'
import { setTimeout as timer } from 'node:timers/promises'
import pLimit from 'p-limit'
import { CosellError } from '../../errors.ts'

/** Time as the extractor sees it; tests pass one that does not wait. */
export interface Clock {
  /** Milliseconds since 1970, as the machine believes. */
  now(): number
  /** Milliseconds that only grow: deadlines are kept on it, whatever happens to the wall clock. */
  monotonic(): number
  /** Waits; rejects with the signal's reason when it is aborted meanwhile. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await timer(Math.ceil(ms), undefined, signal ? { signal } : undefined)
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}

/** What a running request tells the budget about the answer it got. */
export interface Slot {
  /** Waits for the end of a pause that began since the turn came, while a token was renewed. */
  ready(signal?: AbortSignal): Promise<void>
  accepted(): void
  /** The server throttles: everybody waits `pauseMs`, and the rate is halved. */
  refused(pauseMs: number): void
  /** The server is away for a known time: everybody waits, the rate stays. */
  pause(pauseMs: number): void
}

export interface Throttle {
  /** Runs the task once a slot and its turn are there. Turns are first come, first served. */
  run<T>(task: (slot: Slot) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** @throws CosellError when a wait of this length is not worth beginning. */
  checkWait(waitMs: number): void
  /** The rate in force, at most the configured one. */
  readonly requestsPerMinute: number
  /** What the server was found to bear, for the next run to start with: a cut is not the limit. */
  readonly learnedRate: number
}

/** A longer pause is not slept through: the run ends and says when to come back. */
export const longestPauseMs = 15 * 60_000

/**
 * One request budget, to be shared by everything that calls on behalf of one account.
 *
 * The rate starts at the configured ceiling, is halved when the server refuses, and grows with every
 * accepted answer: within twenty up to a plateau just below the rate that was refused, then slowly.
 * Plain halving and climbing would use three quarters of the server's limit, this uses 96 to 99 % of
 * it (simulated against token buckets, fixed and sliding windows), with 0.6 % refusals at most.
 */
export function createThrottle(options: {
  requestsPerMinute: number
  concurrency: number
  clock: Clock
  /** The rate that an earlier run learned; above the ceiling it means the ceiling. */
  startingRate?: number | undefined
  /** When the run has to be over, on the clock's monotonic time. */
  deadlineAt?: number | undefined
}): Throttle {
  const { requestsPerMinute: ceiling, clock, deadlineAt = Number.POSITIVE_INFINITY } = options
  const climb = { toPlateau: 1 / 40, beyond: 3 / 10_000 }
  const floor = Math.max(1, ceiling / 32)
  const limit = pLimit(options.concurrency)
  let rate = Math.min(ceiling, Math.max(floor, options.startingRate ?? ceiling))
  let plateau = rate
  const acceptedAt: number[] = []
  let lastCut = Number.NEGATIVE_INFINITY
  let nextStart = Number.NEGATIVE_INFINITY
  let pausedUntil = Number.NEGATIVE_INFINITY
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
    // Counted from when it was due: a timer that wakes late does not delay those behind it.
    nextStart = due + 60_000 / rate
  }

  function checkWait(waitMs: number): void {
    if (waitMs > longestPauseMs) throw pauseTooLong(waitMs)
    if (clock.monotonic() + waitMs > deadlineAt) throw pastDeadline(waitMs)
  }

  function pause(pauseMs: number): void {
    pausedUntil = Math.max(pausedUntil, clock.monotonic() + pauseMs)
  }

  function leftOfPause(): number {
    return pausedUntil - clock.monotonic()
  }

  /** Accepted requests a minute, over the last minute and the pause that buys them. */
  function sustained(pauseMs: number): number {
    const [first] = acceptedAt
    if (first === undefined || acceptedAt.length < 20) return rate
    const spanMs = Math.min(60_000, clock.monotonic() - first + pauseMs)
    return (acceptedAt.length * 60_000) / Math.max(1, spanMs)
  }

  function openSlot(): Slot {
    const startedAt = clock.monotonic()
    return {
      async ready(signal) {
        for (let left = leftOfPause(); left > 0; left = leftOfPause()) {
          checkWait(left)
          await clock.sleep(left, signal)
        }
      },
      accepted() {
        const now = clock.monotonic()
        acceptedAt.push(now)
        while ((acceptedAt[0] ?? now) <= now - 60_000) acceptedAt.shift()
        const share = rate < plateau ? climb.toPlateau : climb.beyond
        rate = Math.min(ceiling, rate + share * plateau)
      },
      refused(pauseMs) {
        pause(pauseMs)
        // Requests that were already under way at the last cut are refused for the same reason.
        if (startedAt <= lastCut) return
        lastCut = clock.monotonic()
        // Far above the limit, halving would be refused again and again on the way down. Near it, a
        // refusal soon after a cut says nothing new: the server still counts the minute before.
        const possible = sustained(pauseMs)
        plateau = rate > 1.5 * possible ? possible : 0.9 * Math.max(rate, plateau)
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
      return Math.min(ceiling, Math.max(rate, plateau))
    },
    checkWait,
    run(task, signal) {
      return limit(async () => {
        const turn = lastTurn.then(() => waitForTurn(signal))
        lastTurn = turn.catch(() => undefined)
        await turn
        return task(openSlot())
      })
    },
  }
}

function pauseTooLong(remainingMs: number): CosellError {
  return new CosellError(
    'tryAgainLater',
    'throttle.pause_too_long',
    `The server asks to be left alone for ${Math.ceil(remainingMs / 1000)} s, longer than the ` +
      `${longestPauseMs / 1000} s a run waits. Start the run again after that time.`,
  )
}

function pastDeadline(waitMs: number): CosellError {
  return new CosellError(
    'tryAgainLater',
    'run.deadline',
    `The next request has to wait ${Math.ceil(waitMs / 1000)} s, past the time that ` +
      'COSELL_RUN_DEADLINE_MINUTES leaves. What was read is kept; start the run again.',
  )
}
