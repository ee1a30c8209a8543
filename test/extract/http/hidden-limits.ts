import { createThrottle } from '../../../src/extract/http/rate-limiter.ts'
import { createVirtualClock } from '../virtual-clock.ts'

/** Milliseconds to be left alone for a request at this time; `null` when it is accepted. */
type Server = (nowMs: number) => number | null

export interface Limiter {
  readonly name: string
  readonly create: (perMinute: number) => Server
}

/** Servers with a limit of so many requests a minute, as APIs keep theirs. */
export const limiters: readonly Limiter[] = [
  { name: 'token bucket', create: tokenBucket },
  { name: 'fixed window', create: fixedWindow },
  { name: 'sliding window', create: slidingWindow },
]

/** Holds two seconds' worth, and fills evenly. */
function tokenBucket(perMinute: number): Server {
  const capacity = Math.max(1, perMinute / 30)
  let tokens = capacity
  let last = 0
  return (now) => {
    tokens = Math.min(capacity, tokens + ((now - last) * perMinute) / 60_000)
    last = now
    if (tokens < 1) return 1_000
    tokens -= 1
    return null
  }
}

function fixedWindow(perMinute: number): Server {
  let window = 0
  let used = 0
  return (now) => {
    if (Math.floor(now / 60_000) !== window) used = 0
    window = Math.floor(now / 60_000)
    used += 1
    return used > perMinute ? (window + 1) * 60_000 - now : null
  }
}

function slidingWindow(perMinute: number): Server {
  const accepted: number[] = []
  return (now) => {
    while ((accepted[0] ?? now) <= now - 60_000) accepted.shift()
    if (accepted.length >= perMinute) return (accepted[0] ?? now) + 60_000 - now
    accepted.push(now)
    return null
  }
}

/** What a client with eight workers gets out of a server in `minutes` of a clock that does not wait. */
export async function measure(options: {
  server: Server
  ceiling: number
  startingRate?: number
  minutes: number
}): Promise<{ accepted: number; refused: number; learnedRate: number }> {
  const clock = createVirtualClock()
  const throttle = createThrottle({
    requestsPerMinute: options.ceiling,
    startingRate: options.startingRate,
    concurrency: 8,
    clock,
  })
  const counts = { accepted: 0, refused: 0 }
  const worker = async () => {
    while (clock.monotonic() < options.minutes * 60_000) {
      await throttle.run(async (slot) => {
        const waitMs = options.server(clock.monotonic())
        await clock.sleep(250)
        if (waitMs === null) {
          counts.accepted += 1
          slot.accepted()
        } else {
          counts.refused += 1
          slot.refused(waitMs)
        }
      })
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  return { ...counts, learnedRate: throttle.learnedRate }
}
