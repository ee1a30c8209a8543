import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { type Reply, withServer } from '../../support/scripted-server.ts'
import { aReferral, firstPage, withApi } from '../support.ts'
import { createVirtualClock } from '../virtual-clock.ts'

const page = { value: [aReferral('a'), aReferral('b')] }
const good: Reply = { body: page }
const text = JSON.stringify(page)

/** Serves the given replies in order, then good pages. */
const inOrder = (replies: readonly Reply[]) => (_request: unknown, index: number) =>
  replies[index] ?? good

const readOnce = (replies: readonly Reply[], options = {}) =>
  withServer(inOrder(replies), (server) =>
    withApi(server.url, options, async (api) => ({
      page: await api.getPage(firstPage).catch((error: Error) => error),
      requests: server.requests,
      counts: api.counts,
    })),
  )

test('getPage sends the token, a new request id, order and size', async () => {
  const { requests } = await readOnce([{ status: 500 }])
  expect(requests[0]).toMatchObject({
    method: 'GET',
    path: '/v1.0/engagements/referrals?$orderby=createdDateTime%20asc&$top=3',
    headers: {
      authorization: 'Bearer given-token',
      accept: 'application/json',
      'user-agent': expect.stringMatching(/^cosell\/\d/),
    },
  })
  const ids = requests.map((request) => request.headers['client-request-id'])
  expect(new Set(ids).size).toBe(2)
  expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/)
})

test('getPage returns rows, next link, count, request id and time', async () => {
  const answer: Reply = {
    headers: { 'request-id': 'server-id', date: 'Thu, 15 Jan 2026 13:00:00 GMT' },
    body: {
      ...page,
      '@odata.count': 2,
      '@odata.nextLink': '/v1.0/referrals?$skiptoken=k181',
    },
  }
  expect((await readOnce([answer])).page).toEqual({
    referrals: page.value,
    nextLink: '?$skiptoken=k181',
    count: 2,
    requestId: 'server-id',
    fetchedAt: '2026-01-15T13:00:00.000Z',
  })
})

/** Malformed HTTP, which Node would not write, then the end of the connection. */
const cutOff = (bytes: string): Reply => ({ by: (response) => response.socket?.end(bytes) })

describe('retries', () => {
  const cut = (by: Reply['by']): Reply => (by === undefined ? {} : { by })
  test.each<[string, Reply]>([
    ...[408, 423, 425, 429, 500, 502, 503, 504, 509].map((status): [string, Reply] => [
      `status ${status}`,
      { status },
    ]),
    ['a connection reset before the answer', cut((response) => response.socket?.resetAndDestroy())],
    [
      'a body cut short of its length',
      cut((response) => {
        response.writeHead(200, { 'content-length': text.length })
        response.write(text.slice(0, 40), () => response.destroy())
      }),
    ],
    [
      'a chunked body cut in the middle',
      cut((response) => {
        response.writeHead(200)
        response.write(text.slice(0, 40), () => response.destroy())
      }),
    ],
    [
      'a compressed body cut in the middle, its length as announced',
      {
        headers: { 'content-encoding': 'gzip' },
        body: gzipSync(text).subarray(0, -12),
      },
    ],
  ])('getPage retries %s seven times', async (_name, reply) => {
    const { page: read, requests } = await readOnce(Array<Reply>(7).fill(reply))
    expect(read).toMatchObject({ referrals: page.value })
    expect(requests).toHaveLength(8)
  })

  const idle = { connectMs: 500, headersMs: 200, bodyIdleMs: 200, totalMs: 10_000 }
  const drip: Reply = cut((response) => {
    response.writeHead(200)
    const drops = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(drops))
  })
  test.each([
    { name: 'no answer in time', reply: cut(() => undefined), timeouts: idle },
    {
      name: 'an answer that stopped in the middle',
      reply: cut((response) => {
        response.writeHead(200)
        response.write(text.slice(0, 40))
      }),
      timeouts: idle,
    },
    {
      name: 'an answer that took too long as a whole',
      reply: drip,
      timeouts: { ...idle, totalMs: 400 },
    },
  ])('getPage retries $name', async ({ name, reply, timeouts }) => {
    const lines: string[] = []
    const log = pino({}, { write: (line) => void lines.push(line) })
    const { page: read } = await readOnce([reply], { timeouts, log })
    expect(read).toMatchObject({ referrals: page.value })
    expect(lines.join('')).toContain(`"got":"${name}"`)
  })

  test('getPage ends with 75 after the eighth try', async () => {
    const { page: error, requests } = await readOnce(Array<Reply>(9).fill({ status: 503 }))
    expect(error).toMatchObject({ kind: 'tryAgainLater', code: 'api.unavailable' })
    expect(requests).toHaveLength(8)
  })

  test.each<[string, Reply]>([
    ['text that is not JSON', { body: text.slice(0, -1) }],
    ['a sign-in page', { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' }],
    ['nothing', { body: '' }],
    ['two documents', { body: text + text }],
    ['a list without envelope', { body: [] }],
    ['an envelope without list', { body: { value: { id: 'a' } } }],
    ['an error with status 200', { body: { error: { code: 'generalException' } } }],
    ['status 204', { status: 204, body: '' }],
    ['status 206', { status: 206, body: page }],
    ['bytes that are not UTF-8', { body: Buffer.from([0x22, 0xff, 0x22]) }],
    [
      'another charset',
      { headers: { 'content-type': 'application/json;charset=latin1' }, body: page },
    ],
    [
      'two encodings',
      { headers: { 'content-encoding': 'gzip, gzip' }, body: gzipSync(gzipSync(text)) },
    ],
    ['an encoding not asked for', { headers: { 'content-encoding': 'br' }, body: page }],
    ['an answer of another kind of server', cutOff('220 mail.example.com ESMTP\r\n')],
    ['damaged compression', { headers: { 'content-encoding': 'gzip' }, body: 'not gzip at all' }],
  ])('getPage retries %s once, then fails as a broken source', async (_name, reply) => {
    const { page: recovered } = await readOnce([reply])
    expect(recovered).toMatchObject({ referrals: page.value })
    const { page: error, requests } = await readOnce([reply, reply])
    expect(error).toMatchObject({ kind: 'sourceBroken', code: 'api.unusable_answer' })
    expect(requests).toHaveLength(2)
  })

  test('getPage accepts a byte-order mark and compression', async () => {
    const body = gzipSync(`\ufeff${text}`)
    const { requests, page: read } = await readOnce([
      { headers: { 'content-encoding': 'gzip' }, body },
    ])
    expect(read).toMatchObject({ referrals: page.value })
    expect(requests).toHaveLength(1)
  })

  test('getPage rejects 300 MB packed into 300 KB before they fill the memory', async () => {
    const body = gzipSync(Buffer.alloc(300_000_000))
    const before = process.memoryUsage().rss
    const bomb: Reply = { headers: { 'content-encoding': 'gzip' }, body }
    const { page: error } = await readOnce([bomb, bomb])
    expect(error).toMatchObject({
      kind: 'sourceBroken',
      message: expect.stringContaining('unpacks to more than 100 times'),
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  })
})

describe('final answers', () => {
  test.each([
    [400, 'sourceBroken', 'api.status_400'],
    [403, 'signIn', 'auth.forbidden'],
    [404, 'configuration', 'api.list_not_found'],
    [405, 'sourceBroken', 'api.status_405'],
    [406, 'sourceBroken', 'api.status_406'],
    [410, 'configuration', 'api.list_not_found'],
    [415, 'sourceBroken', 'api.status_415'],
    [422, 'sourceBroken', 'api.status_422'],
    [501, 'sourceBroken', 'api.status_501'],
    [304, 'sourceBroken', 'api.redirect'],
  ])('getPage ends at status %i with %s %s after one request', async (status, kind, code) => {
    const { page: error, requests } = await readOnce([{ status, body: {} }])
    expect(error).toMatchObject({ kind, code })
    expect(requests).toHaveLength(1)
  })

  test('the message has all error codes and the request id, and no text of the server', async () => {
    const { page: error } = await readOnce([
      {
        status: 400,
        headers: { 'request-id': 'server-id' },
        body: {
          error: {
            code: 'invalidRequest',
            message: 'canary-message',
            innererror: { code: 'badOrder', innerError: { code: 'canary code with blanks' } },
          },
        },
      },
    ])
    expect(error).toMatchObject({
      message: expect.stringMatching(/400 \(invalidRequest > badOrder\), request server-id/),
    })
    expect(String(error)).not.toMatch(/canary|given-token|orderby/)
  })

  test('getPage asks for a new sign-in after 403 insufficient_claims', async () => {
    const body = { error: { code: 'accessDenied', innerError: { code: 'insufficient_claims' } } }
    expect((await readOnce([{ status: 403, body }])).page).toMatchObject({
      code: 'auth.insufficient_claims',
    })
  })

  test('getPage follows no redirect, not even to the same server', () =>
    withServer(
      () => good,
      async (elsewhere) => {
        const redirect = { status: 302, headers: { location: `${elsewhere.url}/` }, body: '' }
        expect((await readOnce([redirect])).page).toMatchObject({ code: 'api.redirect' })
        expect(elsewhere.connections()).toBe(0)
      },
    ))

  test.each([
    (host: string) => `http://${host}/v1.0/engagements/referrals?$skiptoken=a`,
    (host: string) => `//${host}/v1.0/engagements/referrals?$skiptoken=a`,
    (host: string) => `http://127.0.0.1@${host}/?$skiptoken=a`,
  ])('getPage follows no next link to another port', (linkTo) =>
    withServer(
      () => good,
      async (elsewhere) => {
        const body = { ...page, '@odata.nextLink': linkTo(elsewhere.host) }
        expect((await readOnce([{ body }])).page).toMatchObject({ code: 'paging.unsafe_link' })
        expect(elsewhere.connections()).toBe(0)
      },
    ),
  )
})

describe('throttling', () => {
  test.each<[string, Record<string, string>]>([
    ['seconds', { 'retry-after': '7' }],
    [
      'a date',
      { 'retry-after': 'Thu, 15 Jan 2026 09:00:07 GMT', date: 'Thu, 15 Jan 2026 09:00:00 GMT' },
    ],
  ])('Retry-After as %s delays every request', async (_name, headers) => {
    const clock = createVirtualClock()
    const sentAt: number[] = []
    await withServer(
      (_request, index) => {
        sentAt.push(clock.monotonic())
        return index === 0 ? { status: 429, headers } : good
      },
      (server) =>
        withApi(server.url, { clock, concurrency: 1 }, async (api) => {
          await Promise.all([1, 2, 3].map(() => api.getPage(firstPage)))
          expect(api.counts).toEqual({ requests: 4, throttled: 1, throttledMs: 7_000 })
        }),
    )
    expect(Math.min(...sentAt.slice(1))).toBeGreaterThanOrEqual(7_000)
  })

  test('503 with Retry-After is obeyed as well', async () => {
    const clock = createVirtualClock()
    await readOnce([{ status: 503, headers: { 'retry-after': '20' } }], { clock })
    expect(clock.monotonic()).toBe(20_000)
  })

  test('getPage gives up after eight 429 answers', async () => {
    const { page: error, counts } = await readOnce(Array<Reply>(20).fill({ status: 429 }))
    expect(error).toMatchObject({ kind: 'tryAgainLater', code: 'api.throttled' })
    expect(counts).toMatchObject({ requests: 8, throttled: 8 })
  })

  test('a run with too many retries ends after a bounded number of requests', async () => {
    await withServer(
      (_request, index) => (index % 3 === 2 ? good : { status: 503 }),
      (server) =>
        withApi(server.url, {}, async (api) => {
          let pages = 0
          const reading = async () => {
            for (; pages < 100; pages += 1) await api.getPage(firstPage)
          }
          await expect(reading()).rejects.toMatchObject({
            kind: 'tryAgainLater',
            code: 'retry.budget_exhausted',
          })
          // Each page needs two retries and earns a tenth of one.
          expect(pages).toBe(10)
          expect(api.counts.requests).toBe(32)
        }),
    )
  })

  test('no wait for a permit goes past the deadline', async () => {
    const clock = createVirtualClock()
    const answer = { status: 429, headers: { 'retry-after': '60' } }
    const { page: error } = await readOnce([answer], { clock, deadlineAt: 59_000 })
    expect(error).toMatchObject({ kind: 'tryAgainLater', code: 'run.deadline' })
    expect(clock.monotonic()).toBe(0)
    expect((await readOnce([answer], { deadlineAt: 61_000 })).page).toMatchObject({
      referrals: page.value,
    })
  })

  test('no pause between tries goes past the deadline', async () => {
    const options = { deadlineAt: 400, random: () => 0.5 }
    const { page: error, requests } = await readOnce([{ status: 500 }], options)
    expect(error).toMatchObject({ code: 'run.deadline' })
    expect(requests).toHaveLength(1)
  })

  test('the API client reports the rate to begin with the next time', async () => {
    const rates = (options: object) =>
      withServer(inOrder([{ status: 429, headers: { 'retry-after': '1' } }]), (server) =>
        withApi(server.url, { requestsPerMinute: 600, ...options }, async (api) => {
          const before = api.requestsPerMinute
          await api.getPage(firstPage)
          return [before, api.requestsPerMinute]
        }),
      )
    expect(await rates({})).toEqual([600, 540])
    expect((await rates({ startingRate: 100 }))[0]).toBe(100)
  })

  test('a Retry-After of weeks ends the run', async () => {
    const clock = createVirtualClock()
    const storm = { status: 429, headers: { 'retry-after': '1000000000' } }
    const { page: error } = await readOnce([storm], { clock })
    expect(error).toMatchObject({ kind: 'tryAgainLater', code: 'throttle.pause_too_long' })
    expect(clock.monotonic()).toBe(0)
  })
})

describe('connections', () => {
  test('a refused connection names the setting and the address', async () => {
    const url = await withServer(
      () => good,
      async (server) => server.url,
    )
    await withApi(url, {}, async (api) => {
      await expect(api.getPage(firstPage)).rejects.toMatchObject({
        kind: 'tryAgainLater',
        code: 'api.unreachable',
        message: expect.stringMatching(`${url}, got a refused connection.*COSELL_API_URL`),
      })
      expect(api.counts.requests).toBe(4)
    })
  })

  test('an untrusted certificate is tried once', () =>
    withServer(
      () => good,
      (server) =>
        withApi(
          server.url.replace('http:', 'https:'),
          { authorityUrl: server.url },
          async (api) => {
            await expect(api.getPage(firstPage)).rejects.toMatchObject({
              kind: 'configuration',
              code: 'api.tls',
            })
            expect(api.counts.requests).toBe(1)
          },
        ),
    ))

  test('stopping the run ends a request under way with the given reason', async () => {
    const stop = new AbortController()
    const hang: Reply = { by: () => stop.abort(new Error('stopped by signal')) }
    const { page: error, requests } = await readOnce([hang], { signal: stop.signal })
    expect(error).toMatchObject({ message: 'stopped by signal' })
    expect(requests).toHaveLength(1)
  })

  test('closing ends requests that wait for a retry', () =>
    withServer(
      () => ({ status: 503 }),
      (server) =>
        withApi(
          server.url,
          { clock: { ...createVirtualClock(), sleep: waitForEver } },
          async (api) => {
            const reading = api.getPage(firstPage).catch((error: Error) => error)
            while (server.requests.length === 0)
              await new Promise((resolve) => setImmediate(resolve))
            await api.close()
            expect(await reading).toMatchObject({ code: 'api.closed' })
          },
        ),
    ))
})

function waitForEver(_ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason))
  })
}

describe('one referral', () => {
  const get = (reply: Reply, id = 'A-1') =>
    withServer(
      () => reply,
      (server) =>
        withApi(server.url, {}, async (api) => ({
          found: await api.getReferral(id).catch((error: Error) => error),
          paths: server.requests.map((request) => request.path),
        })),
    )
  test('getReferral reads one referral by its id', async () => {
    const { found, paths } = await get({ body: aReferral('a-1') })
    expect(found).toMatchObject({ id: 'A-1', referral: { id: 'a-1' } })
    expect(paths).toEqual(['/v1.0/engagements/referrals/A-1'])
  })
  test.each([404, 410, 403])('getReferral returns null after %i', async (status) =>
    expect((await get({ status })).found).toMatchObject({ id: 'A-1', referral: null }),
  )
  test.each([
    ['insufficient_claims', 'auth.insufficient_claims'],
    ['900421', 'auth.mfa_required'],
  ])('getReferral asks for a new sign-in after 403 %s', async (error, code) =>
    expect((await get({ status: 403, body: { error: { code: error } } })).found).toMatchObject({
      code,
    }),
  )
  test('getReferral rejects an answer with another id', async () =>
    expect((await get({ body: aReferral('b') })).found).toMatchObject({
      code: 'api.unusable_answer',
    }))
  test('getReferral encodes ids that would leave the list', async () => {
    expect((await get({ status: 404 }, '../x?y')).paths).toEqual([
      '/v1.0/engagements/referrals/..%2Fx%3Fy',
    ])
    expect((await get({ status: 404 }, '..')).paths).toEqual([])
  })
})

test('token, query and body never reach the log', async () => {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) })
  await readOnce([{ status: 500, body: { error: { message: 'canary' } } }], { log })
  expect(lines.length).toBeGreaterThan(1)
  expect(lines.join('')).not.toMatch(/given-token|canary|orderby/)
})
