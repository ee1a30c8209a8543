import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, test } from 'vitest'
import { parseHttpDate } from '../../../src/extract/http/http-date.ts'
import { createRetryBudget } from '../../../src/extract/http/retry-budget.ts'
import {
  type FailureReason,
  retryAfterMs,
  retryDelayMs,
} from '../../../src/extract/http/retry-delay.ts'

const status = (code: number, retryAfterMs: number | null = null): FailureReason => ({
  kind: 'status',
  status: code,
  retryAfterMs,
})

function delays(reason: FailureReason, random: number, isKnown = false): number[] {
  const waits: number[] = []
  for (let attempt = 1; attempt < 20; attempt += 1) {
    const delay = retryDelayMs(attempt, reason, random, isKnown)
    if (delay === null) break
    waits.push(delay)
  }
  return waits
}

describe('retryDelayMs', () => {
  test.each([408, 423, 425, 429, 500, 502, 503, 504, 509])(
    'retryDelayMs allows eight tries for status %i',
    (code) => expect(delays(status(code), 0.5)).toHaveLength(7),
  )
  test.each([301, 400, 401, 403, 404, 405, 406, 410, 411, 413, 415, 416, 422, 501, 505])(
    'retryDelayMs allows no retry for status %i',
    (code) => expect(delays(status(code), 0.5)).toEqual([]),
  )
  test.each([
    { reason: { kind: 'interrupted' }, tries: 8 },
    { reason: { kind: 'unreachable' }, tries: 4 },
    { reason: { kind: 'unusable', form: 'notJson' }, tries: 2 },
    { reason: { kind: 'unusable', form: 'otherJson' }, tries: 2 },
    { reason: { kind: 'unusable', form: 'tooLarge' }, tries: 2 },
    { reason: { kind: 'identity', code: 'CERT_HAS_EXPIRED' }, tries: 1 },
    { reason: { kind: 'refusedByProxy' }, tries: 1 },
    { reason: status(409), tries: 3 },
    { reason: status(412), tries: 3 },
  ] as const)('a request that failed by $reason is tried $tries times', ({ reason, tries }) =>
    expect(delays(reason, 0.5)).toHaveLength(tries - 1),
  )
  test.each([
    { reason: { kind: 'unusable', form: 'notJson' }, tries: 8 },
    { reason: { kind: 'unusable', form: 'otherJson' }, tries: 8 },
    { reason: { kind: 'unusable', form: 'tooLarge' }, tries: 2 },
    { reason: status(302), tries: 8 },
    { reason: status(404), tries: 1 },
    { reason: status(503), tries: 8 },
  ] as const)(
    'a request to a known address that failed by $reason is tried $tries times',
    ({ reason, tries }) => expect(delays(reason, 0.5, true)).toHaveLength(tries - 1),
  )
  test('retryDelayMs doubles its bound from one second to one minute', () =>
    expect(delays(status(500), 1)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000]))
  test('retryDelayMs draws the wait from zero to the bound', () => {
    expect(retryDelayMs(3, status(500), 0)).toBe(0)
    expect(retryDelayMs(3, status(500), 0.25)).toBe(1000)
  })
  test('retryDelayMs obeys Retry-After whatever the random number', () =>
    expect(retryDelayMs(1, status(429, 7_000), 0)).toBe(7_000))
})

describe('retryAfterMs', () => {
  const now = Date.UTC(2026, 0, 15, 12)
  test.each<[IncomingHttpHeaders, number | null, string]>([
    [{ 'retry-after': '7' }, 7_000, 'seconds'],
    [{ 'retry-after': ' 7 ' }, 7_000, 'blanks around'],
    [{ 'retry-after': '0' }, null, 'zero says nothing'],
    [{ 'retry-after': '-5' }, null, 'negative'],
    [{ 'retry-after': '1.5' }, 1_500, 'a fraction'],
    [{ 'retry-after': '1000000000' }, 1e12, 'the throttle judges how long is too long'],
    [{ 'retry-after': '5, 10' }, 10_000, 'two headers joined: the longer'],
    [{ 'retry-after': 'soon' }, null, 'garbage'],
    [{ 'retry-after': '1e3' }, null, 'no exponents in HTTP'],
    [{ 'retry-after': '' }, null, 'empty'],
    [{}, null, 'absent'],
    [{ 'retry-after-ms': '250' }, 250, 'milliseconds'],
    [{ 'x-ms-retry-after-ms': '900', 'retry-after': '0' }, 900, 'Azure milliseconds'],
    [{ 'retry-after': 'Thu, 15 Jan 2026 12:00:30 GMT' }, 30_000, 'IMF date'],
    [{ 'retry-after': 'Thursday, 15-Jan-26 12:00:30 GMT' }, 30_000, 'RFC 850 date'],
    [{ 'retry-after': 'Thu Jan 15 12:00:30 2026' }, 30_000, 'asctime date'],
    [{ 'retry-after': 'Thu, 15 Jan 2026 11:00:00 GMT' }, null, 'a date that is past'],
    [{ 'retry-after': '3, Thu, 15 Jan 2026 12:00:30 GMT' }, 30_000, 'a number and a date'],
    [{ 'retry-after': 'Thu, 15 Foo 2026 12:00:30 GMT' }, null, 'no such month'],
    [{ 'retry-after': '15 January' }, null, 'no date of HTTP'],
    [
      {
        'retry-after': 'Thu, 15 Jan 2026 12:10:30 GMT',
        date: 'Thu, 15 Jan 2026 12:10:00 GMT',
      },
      30_000,
      "measured by the server's clock when ours is 10 minutes behind",
    ],
    [
      {
        'retry-after': 'Thu, 15 Jan 2026 11:50:30 GMT',
        date: 'Thu, 15 Jan 2026 11:50:00 GMT',
      },
      30_000,
      'and when it is 10 minutes ahead',
    ],
  ])('retryAfterMs of %j is %j ms: %s', (headers, wait) =>
    expect(retryAfterMs(headers, now)).toBe(wait),
  )
})

describe("whatever Retry-After says is measured by the server's clock", () => {
  const now = Date.UTC(2026, 0, 15, 12)
  const imf = (ms: number) => new Date(ms).toUTCString()
  const rows: [string, (theirs: number) => Record<string, string>, number | null][] = [
    ['an IMF date', (theirs) => ({ 'retry-after': imf(theirs + 30_000) }), 30_000],
    ['an RFC 850 date', (theirs) => ({ 'retry-after': rfc850(theirs + 30_000) }), 30_000],
    ['an asctime date', (theirs) => ({ 'retry-after': asctime(theirs + 30_000) }), 30_000],
    ['a date that is past', (theirs) => ({ 'retry-after': imf(theirs - 1_000) }), null],
    ['this very second', (theirs) => ({ 'retry-after': imf(theirs) }), null],
    [
      'two dates',
      (theirs) => ({ 'retry-after': `${imf(theirs + 5_000)}, ${imf(theirs + 9_000)}` }),
      9_000,
    ],
    ['a date and seconds', (theirs) => ({ 'retry-after': `${imf(theirs + 5_000)}, 8` }), 8_000],
    ['0', () => ({ 'retry-after': '0' }), null],
    ['a negative number', () => ({ 'retry-after': '-5' }), null],
    ['1e9 seconds', () => ({ 'retry-after': '1000000000' }), 1e12],
    ['a float', () => ({ 'retry-after': '2.5' }), 2_500],
    ['a header given twice', () => ({ 'retry-after': '5, 10' }), 10_000],
    ['garbage', () => ({ 'retry-after': 'in a moment' }), null],
    ['garbage and a number', () => ({ 'retry-after': 'soon, 4' }), 4_000],
    ['retry-after-ms', () => ({ 'retry-after-ms': '1500' }), 1_500],
    ['x-ms-retry-after-ms', () => ({ 'x-ms-retry-after-ms': '1600' }), 1_600],
    ['both, the longer', () => ({ 'retry-after': '1', 'retry-after-ms': '1200' }), 1_200],
  ]
  test.each(
    rows.flatMap(([name, headers, wait]) =>
      [-10, 0, 10].map((skew) => ({ name, headers, wait, skew })),
    ),
  )('retryAfterMs of $name with the clock $skew minutes off: $wait', ({ headers, wait, skew }) => {
    const theirs = now + skew * 60_000
    expect(retryAfterMs({ ...headers(theirs), date: imf(theirs) }, now)).toBe(wait)
  })
})

/** A date as in `Thursday, 15-Jan-26 12:00:30 GMT`. */
function rfc850(ms: number): string {
  const [, day, month, year = '', time] = new Date(ms).toUTCString().split(' ')
  return `Thursday, ${day}-${month}-${year.slice(2)} ${time} GMT`
}

/** A date as in `Thu Jan 15 12:00:30 2026`. */
function asctime(ms: number): string {
  const [, day, month, year, time] = new Date(ms).toUTCString().split(' ')
  return `Thu ${month} ${day} ${time} ${year}`
}

describe('the retries of a run', () => {
  const taken = (requests: number, each: number) => {
    const budget = createRetryBudget()
    let retries = 0
    for (let request = 0; request < requests; request += 1) {
      budget.earn()
      for (let retry = 0; retry < each; retry += 1) if (budget.take()) retries += 1
    }
    return retries
  }
  test('the retry budget allows twenty retries at once', () => expect(taken(1, 100)).toBe(20))
  test('the retry budget allows one retry in ten in the long run', () =>
    expect(taken(10_000, 3)).toBeCloseTo(1_020, -1))
  test('the retry budget does not accumulate', () => {
    const budget = createRetryBudget()
    for (let request = 0; request < 10_000; request += 1) budget.earn()
    expect(Array.from({ length: 50 }, () => budget.take()).filter(Boolean)).toHaveLength(20)
  })
})

describe('parseHttpDate', () => {
  const now = Date.UTC(2026, 0, 15)
  test.each([
    ['Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
    ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37.000Z'],
    ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37.000Z'],
    ['Friday, 06-Nov-76 08:49:37 GMT', '2076-11-06T08:49:37.000Z'],
    ['Sunday, 06-Nov-77 08:49:37 GMT', '1977-11-06T08:49:37.000Z'],
  ])('parseHttpDate of %s', (text, iso) =>
    expect(new Date(parseHttpDate(text, now) ?? 0).toISOString()).toBe(iso),
  )
  test.each(['', '2026-01-15', 'Sun, 06 Nov 1994 25:49:37 GMT', 'Sun, 06 Nov 1994 08:49:37 CET'])(
    '"%s" is none',
    (text) => expect(parseHttpDate(text, now)).toBeNull(),
  )
})
