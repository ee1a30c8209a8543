import type { Clock } from '../../src/extract/clock.ts'

export interface VirtualClock extends Clock {
  /** Length of every requested sleep. */
  readonly sleeps: number[]
}

/**
 * Clock that advances only in sleeps. It jumps to the earliest wake-up as soon as nothing else is
 * ready to run. Answers of real servers arrive while it stands still or after a jump.
 */
export function createVirtualClock(startMs = Date.UTC(2026, 0, 15, 12)): VirtualClock {
  const sleepers: { at: number; wake: () => void }[] = []
  const sleeps: number[] = []
  let elapsed = 0
  let isPumping = false

  function pump(): void {
    sleepers.sort((one, other) => one.at - other.at)
    const first = sleepers.shift()
    isPumping = first !== undefined
    if (first === undefined) return
    elapsed = Math.max(elapsed, first.at)
    first.wake()
    setImmediate(pump)
  }

  return {
    sleeps,
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    sleep(ms, signal) {
      sleeps.push(ms)
      return new Promise((resolve, reject) => {
        const abort = () => reject(signal?.reason)
        if (signal?.aborted) return abort()
        signal?.addEventListener('abort', abort, { once: true })
        sleepers.push({ at: elapsed + ms, wake: resolve })
        if (!isPumping) {
          isPumping = true
          setImmediate(pump)
        }
      })
    },
  }
}
