import { describe, expect, test } from 'vitest'
import {
  createRateLimiter,
  longestPauseMs,
  type RateLimiter,
} from '../../../src/extract/http/rate-limiter.ts'
import { createVirtualClock, type VirtualClock } from '../virtual-clock.ts'
import { limiters, measure } from './hidden-limits.ts'

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

function startsOf(limiter: RateLimiter, clock: VirtualClock, count: number): Promise<number[]> {
  return Promise.all(times(count).map(() => limiter.run(async () => clock.monotonic())))
}

test('the rate limiter spreads requests evenly over the minute', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 120, concurrency: 8, clock })
  expect(await startsOf(limiter, clock, 5)).toEqual([0, 500, 1000, 1500, 2000])
})

test('the rate limiter runs no more requests at once than allowed', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 60_000, concurrency: 3, clock })
  let running = 0
  let most = 0
  const task = async () => {
    running += 1
    most = Math.max(most, running)
    await clock.sleep(1_000)
    running -= 1
  }
  await Promise.all(times(12).map(() => limiter.run(task)))
  expect(most).toBe(3)
})

test('a 429 pauses every request until its time is over, waiting ones too', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 600, concurrency: 8, clock })
  const starts = await Promise.all([
    limiter.run(async (permit) => {
      permit.throttled(7_000)
      return 7_000
    }),
    ...times(5).map(() => limiter.run(async () => clock.monotonic())),
  ])
  expect(Math.min(...starts)).toBe(7_000)
})

test('a pause that begins after a permit was given is obeyed as well', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 6_000, concurrency: 2, clock })
  const renewing = limiter.run(async (permit) => {
    await clock.sleep(1_000)
    await permit.ready()
    return clock.monotonic()
  })
  await limiter.run(async (permit) => permit.throttled(7_000))
  expect(await renewing).toBeGreaterThanOrEqual(7_000)
})

test('the rate is halved once for requests throttled together', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 600, concurrency: 4, clock })
  const task = (permit: { throttled(ms: number): void }) =>
    clock.sleep(2_000).then(() => permit.throttled(0))
  await Promise.all(times(4).map(() => limiter.run(task)))
  expect(limiter.requestsPerMinute).toBe(300)
})

test('the time in which a 429 made all requests wait counts once, and as far as it has passed', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 600, concurrency: 4, clock })
  await limiter.run(async (permit) => {
    permit.throttled(7_000)
    await clock.sleep(3_000)
    // Makes the pause 1 s longer.
    permit.throttled(5_000)
  })
  expect(limiter.throttledMs).toBe(3_000)
  await clock.sleep(9_000)
  expect(limiter.throttledMs).toBe(8_000)
  await limiter.run(async (permit) => permit.pause(2_000))
  await clock.sleep(9_000)
  expect(limiter.throttledMs).toBe(8_000)
})

test('an outage with a known end pauses without slowing down afterwards', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 600, concurrency: 4, clock })
  await limiter.run(async (permit) => permit.pause(3_000))
  expect(await limiter.run(async () => clock.monotonic())).toBe(3_000)
  expect(limiter.requestsPerMinute).toBe(600)
})

test('the rate climbs again, and never above what is configured', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 600, concurrency: 4, clock })
  await limiter.run(async (permit) => permit.throttled(0))
  for (const _ of times(30)) await limiter.run(async (permit) => permit.succeeded())
  expect(limiter.requestsPerMinute).toBeGreaterThan(530)
  for (const _ of times(3_000)) await limiter.run(async (permit) => permit.succeeded())
  expect(limiter.requestsPerMinute).toBe(600)
})

test('a pause longer than a run waits ends the run', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 600, concurrency: 4, clock })
  await limiter.run(async (permit) => permit.throttled(longestPauseMs + 1))
  await expect(limiter.run(async () => 0)).rejects.toMatchObject({
    kind: 'tryAgainLater',
    code: 'throttle.pause_too_long',
  })
  expect(clock.sleeps).toEqual([])
})

describe('the rate that an earlier run learned', () => {
  const startingAt = (startingRate: number | undefined) =>
    createRateLimiter({
      requestsPerMinute: 600,
      concurrency: 4,
      clock: createVirtualClock(),
      startingRate,
    })
  test.each<[number | undefined, number, string]>([
    [undefined, 600, 'nothing was learned'],
    [240, 240, 'it is begun with'],
    [9_000, 600, 'the ceiling is lower'],
    [0, 600 / 32, 'nothing would move'],
  ])('a run that learned the rate %j begins with %j a minute: %s', (startingRate, rate) =>
    expect(startingAt(startingRate).requestsPerMinute).toBe(rate),
  )

  test('the learned rate is that of the server, also right after a cut', async () => {
    const limiter = startingAt(undefined)
    await limiter.run(async (permit) => permit.throttled(0))
    expect(limiter.requestsPerMinute).toBe(300)
    expect(limiter.learnedRate).toBe(540)
  })

  test('the rate grows slowly beyond the learned one', async () => {
    const limiter = startingAt(240)
    for (const _ of times(30)) await limiter.run(async (permit) => permit.succeeded())
    expect(limiter.requestsPerMinute).toBeGreaterThan(240)
    expect(limiter.requestsPerMinute).toBeLessThan(245)
  })

  test('the learned rate spares the next run the 429 answers of the first minutes', async () => {
    for (const { create } of limiters) {
      const first = await measure({ server: create(300), ceiling: 3_000, minutes: 15 })
      const startingRate = first.learnedRate
      const next = await measure({ server: create(300), ceiling: 3_000, startingRate, minutes: 3 })
      const again = await measure({ server: create(300), ceiling: 3_000, minutes: 3 })
      expect(next.throttled).toBeLessThan(again.throttled)
      expect(next.accepted).toBeGreaterThan(0.9 * 900)
    }
  })
})

describe('a run that has to be over at a certain time', () => {
  const limiter = (clock: VirtualClock) =>
    createRateLimiter({ requestsPerMinute: 60, concurrency: 4, clock, deadlineAt: 10_000 })

  test('a run with a deadline does not begin a pause that goes past it', async () => {
    const clock = createVirtualClock()
    const limited = limiter(clock)
    await limited.run(async (permit) => permit.throttled(10_001))
    await expect(limited.run(async () => 0)).rejects.toMatchObject({
      kind: 'tryAgainLater',
      code: 'run.deadline',
    })
    expect(clock.sleeps).toEqual([])
  })

  test('a run with a deadline waits for a pause that ends in time', async () => {
    const clock = createVirtualClock()
    const limited = limiter(clock)
    await limited.run(async (permit) => permit.pause(9_000))
    expect(await limited.run(async () => clock.monotonic())).toBe(9_000)
  })

  test('a run gets no permit after its deadline', async () => {
    const limited = limiter(createVirtualClock())
    const starts = await Promise.allSettled(times(14).map(() => limited.run(async () => 0)))
    expect(starts.filter((start) => start.status === 'fulfilled')).toHaveLength(11)
  })
})

test('requests that wait for a permit end when the run is stopped', async () => {
  const clock = createVirtualClock()
  const limiter = createRateLimiter({ requestsPerMinute: 1, concurrency: 4, clock })
  const stop = new AbortController()
  await limiter.run(async () => 0)
  const waiting = limiter.run(async () => 0, stop.signal)
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
  expect(await limiter.run(async () => clock.monotonic())).toBe(60_000)
})

describe('against a server with a hidden limit of 300 a minute', () => {
  type Server = (nowMs: number) => number | null
  const tokenBucket = (): Server => {
    let tokens = 10
    let last = 0
    return (now) => {
      tokens = Math.min(10, tokens + ((now - last) * 300) / 60_000)
      last = now
      if (tokens < 1) return 1_000
      tokens -= 1
      return null
    }
  }
  const fixedWindow = (): Server => {
    let window = 0
    let used = 0
    return (now) => {
      if (Math.floor(now / 60_000) !== window) used = 0
      window = Math.floor(now / 60_000)
      used += 1
      return used > 300 ? (window + 1) * 60_000 - now : null
    }
  }
  const slidingWindow = (): Server => {
    const accepted: number[] = []
    return (now) => {
      while ((accepted[0] ?? now) <= now - 60_000) accepted.shift()
      if (accepted.length >= 300) return (accepted[0] ?? now) + 60_000 - now
      accepted.push(now)
      return null
    }
  }
  const secondWindow = (): Server => {
    let window = 0
    let used = 0
    return (now) => {
      if (Math.floor(now / 1_000) !== window) used = 0
      window = Math.floor(now / 1_000)
      used += 1
      return used > 5 ? 1_000 : null
    }
  }
  test.each([
    { name: 'token bucket', server: tokenBucket, ceiling: 600, atLeast: 0.95 },
    { name: 'token bucket', server: tokenBucket, ceiling: 3_000, atLeast: 0.95 },
    { name: 'fixed window', server: fixedWindow, ceiling: 600, atLeast: 0.95 },
    { name: 'sliding window', server: slidingWindow, ceiling: 600, atLeast: 0.95 },
    { name: 'sliding window', server: slidingWindow, ceiling: 3_000, atLeast: 0.95 },
    { name: 'one-second window', server: secondWindow, ceiling: 600, atLeast: 0.88 },
  ])(
    '$name, ceiling $ceiling: uses $atLeast of it, and is refused less than once in a hundred',
    async (row) => {
      const clock = createVirtualClock()
      const limiter = createRateLimiter({ requestsPerMinute: row.ceiling, concurrency: 8, clock })
      const server = row.server()
      let accepted = 0
      let refused = 0
      const worker = async () => {
        while (clock.monotonic() < 20 * 60_000) {
          await limiter.run(async (permit) => {
            const wait = server(clock.monotonic())
            await clock.sleep(250)
            if (wait !== null) {
              refused += 1
              permit.throttled(wait)
            } else {
              accepted += 1
              permit.succeeded()
            }
          })
        }
      }
      await Promise.all(times(8).map(worker))
      const ofLimit = accepted / 6_000
      expect(ofLimit).toBeGreaterThan(row.atLeast)
      expect(refused / (accepted + refused)).toBeLessThan(0.01)
    },
  )
})

// `npm run bench:limiter` simulates an hour against many more limits.
test.each(
  limiters.flatMap((limiter) => [60, 120, 600, 1_200].map((limit) => ({ ...limiter, limit }))),
)(
  '$name of $limit a minute: at least 90 % of it used, less than 1 % of answers 429',
  async ({ create, limit }) => {
    const minutes = 30
    const found = await measure({ server: create(limit), ceiling: 4 * limit, minutes })
    expect(found.accepted / (limit * minutes)).toBeGreaterThan(0.9)
    expect(found.throttled / (found.accepted + found.throttled)).toBeLessThan(0.01)
    // A server that never throttles would prove nothing.
    expect(found.throttled).toBeGreaterThan(0)
  },
)
