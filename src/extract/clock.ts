import { performance } from 'node:perf_hooks'
import { setTimeout as timer } from 'node:timers/promises'

/** Time as the extractor sees it; tests pass a clock that does not wait. */
export interface Clock {
  /** Milliseconds since 1970 by the machine's wall clock. */
  now(): number
  /** Milliseconds that only grow. Deadlines use it, so that a jump of the wall clock is harmless. */
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
