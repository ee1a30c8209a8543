import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CosellError } from '../../../src/errors.ts'
import { createLog } from '../../../src/log.ts'
import { BadRequest } from '../../../src/open/choice.ts'
import { NotFound } from '../../../src/open/http/failures.ts'
import { type Asked, type PageServer, SentFile, servePage } from '../../../src/open/http/serve.ts'

const text = (bytes: string) => new TextEncoder().encode(bytes)
const files = new Map([
  ['index.html', { type: 'text/html; charset=utf-8', bytes: text('<!doctype html>page') }],
  ['page.js', { type: 'text/javascript; charset=utf-8', bytes: text('1') }],
])
const secret = 'row of Ada Example'
const failures: Readonly<Record<string, Error>> = {
  bad: new BadRequest('as_of: expected a day.'),
  missing: new NotFound('There is no such referral.'),
  bug: Object.assign(new Error('unexpected'), { detail: secret }),
}

describe('the server of the page', () => {
  const logged: string[] = []
  let server: PageServer
  let release = () => {}
  let isAborted = false
  const begun: string[] = []
  const { logger } = createLog({ isTerminal: false, write: (line) => logged.push(line) })

  beforeAll(async () => {
    const failing = Object.entries(failures).map(([name, error]) => [
      name,
      () => Promise.reject(error),
    ])
    const routes = {
      echo: async ({ parameters }: { parameters: URLSearchParams }) => ({
        parameters: [...parameters],
      }),
      slow: async ({ signal }: { signal: AbortSignal }) => {
        await new Promise<void>((done) => {
          release = done
          signal.addEventListener('abort', () => {
            isAborted = true
            done()
          })
        })
        return {}
      },
      // As large as the browser lets it become.
      'endless.csv': async ({ parameters, signal }: Asked) => {
        begun.push(parameters.get('name') ?? '')
        const body = new ReadableStream<Uint8Array>({
          pull: (sink) => sink.enqueue(new Uint8Array(2 ** 20)),
        })
        const end = once(signal, 'abort').then(() => Promise.reject(new Error('left')))
        return new SentFile({ 'Content-Type': 'text/csv' }, body, end)
      },
      'broken.csv': async () => {
        const body = new ReadableStream<Uint8Array>({
          start: (sink) => sink.enqueue(text('a,b')),
        })
        const end = new Promise<void>((_, fail) => setTimeout(fail, 100, new Error('cursor lost')))
        return new SentFile({ 'Content-Type': 'text/csv' }, body, end)
      },
      ...Object.fromEntries(failing),
    }
    server = await servePage({ files, routes, port: 0, logger, stalledMsMax: 1_000 })
  })
  afterAll(() => server.close())

  const root = () => new URL('/', server.url).href

  /** Status, headers and body of a request with any headers, which fetch would not send. */
  async function ask(path: string, method = 'GET', headers: Record<string, string> = {}) {
    const asked = request(new URL(path, server.url), { method, headers })
    asked.end()
    const [answer] = await once(asked, 'response')
    let body = ''
    for await (const part of answer) body += part
    return { status: answer.statusCode as number, headers: answer.headers, body }
  }

  test('the address leads to the page and its files', async () => {
    const page = await ask('')
    expect(page).toMatchObject({ status: 200, body: '<!doctype html>page' })
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    expect((await ask('?view=won&anything=1')).status).toBe(200)
    expect((await ask('page.js')).headers['content-type']).toBe('text/javascript; charset=utf-8')
  })

  test('an answer is JSON, with the parameters as they were sent', async () => {
    const { body, headers } = await ask('data/echo?area=Data%20%26%20AI&area=')
    expect(headers['content-type']).toContain('application/json')
    expect(JSON.parse(body)).toEqual({
      parameters: [
        ['area', 'Data & AI'],
        ['area', ''],
      ],
    })
  })

  test.each(['', 'page.js', 'data/echo', 'data/bug', 'nothing', 'favicon.ico'])(
    'the path %j without its token is nothing, by every method',
    async (path) => {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
        expect((await ask(root() + path, method)).status, method).toBe(404)
        expect((await ask(`${root()}wrong-token/${path}`, method)).status, method).toBe(404)
      }
    },
  )

  test.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'QUERY'])(
    '%s is not answered',
    async (method) => {
      const { status, headers } = await ask('data/echo', method)
      expect(status).toBe(405)
      expect(headers.allow).toBe('GET')
    },
  )

  test.each<Record<string, string>>([
    { Host: 'cosell.example.com' },
    { Origin: 'https://example.com' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
  ])('a request with %j is refused', async (headers) => {
    const { status, body } = await ask('data/echo', 'GET', headers)
    expect(status).toBe(403)
    expect(body).not.toContain('parameters')
  })

  test.each([
    'data/../page.js',
    '..%2f..%2fpackage.json',
    'data/__proto__',
    'data/constructor',
    '__proto__',
    'data/echo/',
  ])('the path %j leads nowhere else', async (path) => {
    const [, token = ''] = new URL(server.url).pathname.split('/')
    const asked = request({
      host: '127.0.0.1',
      port: new URL(server.url).port,
      path: `/${token}/${path}`,
    })
    asked.end()
    const [answer] = await once(asked, 'response')
    answer.resume()
    expect([404, 200]).toContain(answer.statusCode)
    if (answer.statusCode === 200) expect(path).toBe('data/../page.js')
  })

  test('every answer has the headers that keep it to the page', async () => {
    for (const path of ['', 'page.js', 'data/echo', 'data/bug', 'data/bad', root(), 'nothing']) {
      const { headers } = await ask(path)
      expect(headers, path).toMatchObject({
        'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self'"),
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
      })
      expect(headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  test('a failure is a sentence, and its reason stays in the log', async () => {
    expect(await ask('data/bad')).toMatchObject({
      status: 400,
      body: '{"message":"as_of: expected a day."}',
    })
    expect((await ask('data/missing')).status).toBe(404)
    const bug = await ask('data/bug')
    expect(bug.status).toBe(500)
    expect(bug.body).not.toContain('unexpected')
    expect(logged.join('')).toContain('"answer":"bug"')
    expect(logged.join('')).not.toContain(secret)
  })

  test('no log line has the token', () => {
    expect(logged.join('')).not.toContain(new URL(server.url).pathname.slice(1, -1))
  })

  test('the address for one opening leads to the page once', async () => {
    const address = server.addressForOnce('?as_of=2026-06-30')
    expect(address).not.toContain(new URL(server.url).pathname)
    const first = await ask(address)
    expect(first.status).toBe(303)
    expect(new URL(first.headers.location ?? '', server.url).href).toBe(
      `${server.url}?as_of=2026-06-30`,
    )
    expect((await ask(address)).status).toBe(404)
  })

  test('a browser that leaves ends what it asked for', async () => {
    const leaving = new AbortController()
    const asked = fetch(`${server.url}data/slow`, { signal: leaving.signal })
    await new Promise((done) => setTimeout(done, 100))
    leaving.abort()
    await expect(asked).rejects.toThrow()
    await expect.poll(() => isAborted).toBe(true)
    release()
  })

  test('two files are read at a time, views beside them, and one that nobody takes breaks off', async () => {
    const downloads = ['first', 'second', 'third'].map(async (name) => {
      const asked = request(`${server.url}data/endless.csv?name=${name}`)
      asked.end()
      const [answer] = await once(asked, 'response')
      const ended = once(answer, 'error')
      return { ended, answer }
    })
    await expect.poll(() => begun).toEqual(['first', 'second'])
    expect((await ask('data/echo')).status).toBe(200)
    expect(begun).toEqual(['first', 'second'])
    // The third one is read when the time of the others is over.
    await expect.poll(() => begun, { timeout: 5_000 }).toEqual(['first', 'second', 'third'])
    const [first, second, third] = await Promise.all(downloads)
    for (const stalled of [first, second]) {
      stalled?.answer.resume()
      await stalled?.ended
      expect(stalled?.answer.complete).toBe(false)
    }
    third?.ended.catch(() => undefined)
    third?.answer.destroy()
  })

  test('a file that fails on the way breaks off, and the log says why', async () => {
    const answer = await fetch(`${server.url}data/broken.csv`)
    expect(answer.status).toBe(200)
    await expect(answer.text()).rejects.toThrow()
    expect(logged.join('')).toContain('cursor lost')
    expect(logged.join('')).toContain('"answer":"broken.csv"')
  })

  test('only this machine reaches it', async () => {
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one !== undefined && one.family === 'IPv4' && !one.internal)
    const { port } = new URL(server.url)
    for (const other of others) {
      await expect(fetch(`http://${other?.address}:${port}/`)).rejects.toThrow()
    }
    expect(new URL(server.url).hostname).toBe('127.0.0.1')
  })

  test('a port that is taken is an error of the configuration', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const serving = servePage({ files, routes: {}, port, logger })
    await expect(serving).rejects.toThrow(CosellError)
    await expect(serving).rejects.toMatchObject({ code: 'open.port' })
    taken.close()
  })
})
