import { createRateLimiter } from '../../../src/extract/http/rate-limiter.ts'
import { createVirtualClock } from '../virtual-clock.ts'

/** Answers a request with the milliseconds to wait; `null` when it is accepted. */
type Server = (nowMs: number) => number | null

export interface Limiter {
  readonly name: string
  readonly create: (perMinute: number) => Server
}

/** Servers that enforce a limit per minute, each in one of the ways that are common for APIs. */
export const limiters: readonly Limiter[] = [
  { name: 'token bucket', create: tokenBucket },
  { name: 'fixed window', create: fixedWindow },
  { name: 'sliding window', create: slidingWindow },
]

/** The bucket holds the tokens of two seconds and fills evenly. */
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

/** Counts what a client with eight workers gets from a server in `minutes` of a virtual clock. */
export async function measure(options: {
  server: Server
  ceiling: number
  startingRate?: number
  minutes: number
}): Promise<{ accepted: number; throttled: number; learnedRate: number }> {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({
    requestsPerMinute: options.ceiling,
    startingRate: options.startingRate,
    concurrency: 8,
    clock,
  })
  const counts = { accepted: 0, throttled: 0 }
  const worker = async () => {
    while (clock.monotonic() < options.minutes * 60_000) {
      await limiter.run(async (permit) => {
        const waitMs = options.server(clock.monotonic())
        await clock.sleep(250)
        if (waitMs === null) {
          counts.accepted += 1
          permit.succeeded()
        } else {
          counts.throttled += 1
          permit.throttled(waitMs)
        }
      })
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  return { ...counts, learnedRate: limiter.learnedRate }
}
