import { bothWays, type FaultKind, fatal, inTheApi, survived, unusableAnswer } from './kinds.ts'
import { closeSilently, head, type Injection, raw, reset, status, text, wait } from './strikes.ts'
import type { FaultContext } from './world.ts'

const tokenRefused = { token: { outcome: [78, 'auth.refused'] } } as const

const final = [400, 405, 406, 411, 413, 415, 422, 501, 505].map((code) =>
  fatal('H1', `status ${code}`, 1, status(code), [69, `api.status_${code}`], {
    except: tokenRefused,
  }),
)

const notFound = [404, 410].map((code) =>
  fatal('H2, H3', `status ${code}`, 1, status(code), [78, 'api.list_not_found'], {
    except: { ...tokenRefused, single: { outcome: 'gone' } },
  }),
)

const passing = [408, 423, 425, 500, 502, 503, 504].flatMap((code) =>
  bothWays('H4', `status ${code}`, 8, status(code), [75, 'api.unavailable']),
)

const conflicts = [409, 412].flatMap((code) =>
  bothWays('H5', `status ${code}`, 3, status(code), [75, 'api.unavailable']),
)

const throttled = [429, 509].flatMap((code) =>
  bothWays('H6', `status ${code} without Retry-After`, 8, status(code), [75, 'api.throttled']),
)

const dateForms: [string, (ms: number) => string][] = [
  ['IMF', (ms) => new Date(ms).toUTCString()],
  ['RFC 850', rfc850],
  ['asctime', asctime],
]

function rfc850(ms: number): string {
  const [, day, month, year = '', time] = new Date(ms).toUTCString().split(' ')
  const weekday = new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' }).format(ms)
  return `${weekday}, ${day}-${month}-${year.slice(2)} ${time} GMT`
}

function asctime(ms: number): string {
  const [weekday = '', day = '', month, year, time] = new Date(ms).toUTCString().split(' ')
  return `${weekday.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`
}

/** Retry-After of 30 seconds as a date, from a server whose clock is off by `skewMs`. */
function dated(format: (ms: number) => string, skewMs: number): Injection {
  return (context) => {
    const theirs = Math.floor((context.world.clock.now() + skewMs) / 1_000) * 1_000
    const date = new Date(theirs).toUTCString()
    return wait(30_000, { date, 'retry-after': format(theirs + 30_000) })(context)
  }
}

const retryAfterDates = dateForms.flatMap(([name, format]) =>
  [0, 10, -10].map((minutes) =>
    survived(
      'H8',
      `Retry-After as ${name} date, their clock ${minutes} min off`,
      1,
      dated(format, minutes * 60_000),
      { positions: ['token', 'first', 'single'] },
    ),
  ),
)

/** Unusual values of Retry-After, each with the wait that it requires. */
const retryAfterValues: [string, Record<string, string | string[]>, number][] = [
  ['in the past', { 'retry-after': 'Thu, 01 Jan 2015 00:00:00 GMT' }, 0],
  ['0', { 'retry-after': '0' }, 0],
  ['-5', { 'retry-after': '-5' }, 0],
  ['1.5', { 'retry-after': '1.5' }, 1_500],
  ['given twice', { 'retry-after': ['5', '10'] }, 10_000],
  ['"5, 10"', { 'retry-after': '5, 10' }, 10_000],
  ['garbage', { 'retry-after': 'soon' }, 0],
  ['retry-after-ms', { 'retry-after-ms': '2500' }, 2_500],
  ['x-ms-retry-after-ms', { 'x-ms-retry-after-ms': '3500' }, 3_500],
]

const retryAfterSeconds = [
  ...[7, 120, 899].map((seconds) =>
    survived(
      'H7',
      `Retry-After ${seconds} s`,
      1,
      wait(seconds * 1_000, { 'retry-after': String(seconds) }),
    ),
  ),
  survived('H7', '503 with Retry-After 20 s', 1, wait(20_000, { 'retry-after': '20' }, 503)),
  survived('H7', '429 with Retry-After 60 s, 7 times', 7, wait(60_000, { 'retry-after': '60' })),
  ...retryAfterValues.map(([name, headers, waitMs]) =>
    survived('H9', `Retry-After ${name}`, 1, wait(waitMs, headers), {
      positions: ['token', 'first', 'single'],
    }),
  ),
  fatal('H9', 'Retry-After of 30 years', 1, wait(1e12, { 'retry-after': '1000000000' }), [
    75,
    'throttle.pause_too_long',
  ]),
  fatal(
    'H9',
    'Retry-After past the deadline of the run',
    1,
    wait(500_000, { 'retry-after': '500' }),
    [75, 'run.deadline'],
    { options: { deadlineAt: 400_000 } },
  ),
]

const wholeRun = { positions: ['run'] } as const

const storms = [
  fatal('H10', 'nothing but 429', 8, status(429), [75, 'api.throttled'], wholeRun),
  fatal('H10', 'nothing but 503', 8, status(503), [75, 'api.unavailable'], wholeRun),
  // The first ten requests would need 70 retries; the budget has 20, and one more per ten.
  fatal('H10', 'each request needs four tries', 21, status(500), [75, 'retry.budget_exhausted'], {
    ...wholeRun,
    when: ({ world }) => world.seen.all % 4 !== 1,
  }),
]

function redirect(code: number, to: (context: FaultContext) => string): Injection {
  return (context) => status(code, { location: to(context) }, '')(context)
}

/** A redirect in place of an answer passes where the address answered well before. */
const passingLater = { outcome: [75, 'api.unavailable'], fires: 8 } as const
const redirected = {
  except: { ...tokenRefused, middle: passingLater, last: passingLater, single: passingLater },
}

const redirects = [
  ...[301, 302, 303, 307, 308].map((code) =>
    fatal(
      'H12',
      `${code} to another origin`,
      1,
      redirect(code, ({ elsewhere, request }) => `http://${elsewhere}${request.url}`),
      [69, 'api.redirect'],
      redirected,
    ),
  ),
  fatal(
    'H12',
    '302 to itself',
    1,
    redirect(302, ({ request }) => request.url ?? ''),
    [69, 'api.redirect'],
    redirected,
  ),
  fatal('H12', '304 not modified', 1, status(304), [69, 'api.redirect'], redirected),
]

/** End of a run with JSON of another form; later does not help. */
const otherJson = { later: [69, 'api.unusable_answer'] } as const

const notAnAnswer = [
  ...unusableAnswer('H13', '200 with an error inside', status(200), {
    ...otherJson,
    positions: inTheApi,
  }),
  ...unusableAnswer(
    'H13',
    '200 with a sign-in page',
    status(200, { 'content-type': 'text/html' }, '<html>Sign in</html>'),
  ),
  ...unusableAnswer('H13', '200 with nothing', status(200, {}, '')),
  ...unusableAnswer('H13', 'status 204', status(204)),
  ...unusableAnswer('H13', '200 with null', status(200, {}, 'null'), {
    ...otherJson,
    positions: inTheApi,
  }),
  ...unusableAnswer('H14', 'status 206', statusWithPage(206), otherJson),
  ...unusableAnswer('H14', 'status 207', statusWithPage(207), otherJson),
  ...unusableAnswer(
    'H14',
    'an answer that is not HTTP',
    raw(() => '220 mail.example.com\r\n'),
  ),
  survived(
    'H14',
    '103 before the answer',
    1,
    raw(
      (healthy) =>
        `HTTP/1.1 103 Early Hints\r\n\r\n${head([`content-length: ${Buffer.byteLength(healthy)}`])}${healthy}`,
    ),
  ),
  ...bothWays(
    'H14',
    '101 that nobody asked for',
    8,
    raw(() => 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    [75, 'api.unreachable'],
  ),
]

function statusWithPage(code: number): Injection {
  return (context) => status(code, {}, context.healthy.body)(context)
}

const stopListening =
  (forGood: boolean): Injection =>
  ({ world }) =>
    world.stopListening(forGood)

const unreachable = [75, 'api.unreachable'] as const

const connections = [
  ...bothWays('H15', 'reset before the answer', 8, reset, unreachable),
  ...bothWays('H15', 'closed before the answer', 8, closeSilently, unreachable),
  ...bothWays(
    'H15',
    'reset in the headers',
    8,
    raw(() => 'HTTP/1.1 200 OK\r\nconte', 'reset'),
    unreachable,
  ),
  survived('H15', 'nobody listens for a moment', 1, stopListening(false)),
  fatal('H15', 'nobody listens any more', 1, stopListening(true), unreachable),
  survived(
    'H15',
    'connection closed after the answer',
    1,
    text((healthy) => healthy, { connection: 'close' }),
  ),
]

/** Faults of statuses, throttling, redirects and connections. */
export const answerFaults: readonly FaultKind[] = [
  ...final,
  ...notFound,
  ...passing,
  ...conflicts,
  ...throttled,
  ...retryAfterSeconds,
  ...retryAfterDates,
  ...storms,
  ...redirects,
  ...notAnAnswer,
  ...connections,
]
