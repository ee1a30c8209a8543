import { execFile as execFileWithCallback } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { CosellError } from '../../../src/errors.ts'
import type { ReferralsApiOptions } from '../../../src/extract/api/referrals-api.ts'
import { type ProxyOptions, type ProxyServer, withProxy } from '../../support/proxy-server.ts'
import { aReferral, firstPage, longTimeouts, memoryStore, withApi } from '../support.ts'
import { createAuthority, createServerIdentity } from './certificate.ts'

const authority = createAuthority('Test authority')
const api = createServerIdentity(authority, 'api.example.com')
const proxyIdentity = createServerIdentity(authority, '127.0.0.1')

afterEach(() => void vi.restoreAllMocks())

/** Lets this process trust the test authority like one of the system. */
function trustAuthority() {
  const connect = tls.connect.bind(tls)
  const trusting = (options: tls.ConnectionOptions) =>
    connect({ ...options, ca: authority.certificate })
  vi.spyOn(tls, 'connect').mockImplementation(trusting as typeof tls.connect)
}

/** Runs `use` with an API over TLS that also gives out tokens; its paths are in `requests`. */
async function withSecureApi<T>(use: (port: number, requests: string[]) => Promise<T>): Promise<T> {
  const requests: string[] = []
  const server = createServer({ key: api.key, cert: api.certificate }, (request, response) => {
    requests.push(`${request.headers.host} ${request.url?.split('?')[0]}`)
    const isToken = request.url?.endsWith('/token')
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(isToken ? { access_token: 'issued' } : { value: [aReferral('a')] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use((server.address() as AddressInfo).port, requests)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Reads a page of `https://api.example.com`, a name that only the proxy can reach. */
function readThrough(
  HTTPS_PROXY: string,
  options: Partial<ReferralsApiOptions> = {},
): Promise<{ result: unknown; log: string }> {
  const lines: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
  const own = { network: { HTTPS_PROXY }, timeouts: longTimeouts, log }
  return withApi('https://api.example.com', { ...own, ...options }, async (client) => {
    const result = await client.getPage(firstPage).catch((error: CosellError) => error)
    return { result, log: lines.join('') }
  })
}

const path = '/v1.0/engagements/referrals'

describe('a request through a proxy', () => {
  test('API and sign-in are reached through tunnels of their own', () =>
    withSecureApi((port, requests) =>
      withProxy({ tunnelTo: port }, async (proxy) => {
        trustAuthority()
        const { result } = await readThrough(proxy.url, {
          accessToken: undefined,
          clientId: 'client-1',
          tokenStore: memoryStore('stored'),
        })
        expect(result).toMatchObject({ referrals: [aReferral('a')] })
        expect(proxy.asked).toEqual(['CONNECT api.example.com:443', 'CONNECT api.example.com:443'])
        expect(requests).toEqual([
          'api.example.com /common/oauth2/v2.0/token',
          `api.example.com ${path}`,
        ])
        expect(proxy.passedBytes()).toBeGreaterThan(0)
      }),
    ))

  test('requests one after the other share a tunnel', () =>
    withSecureApi((port) =>
      withProxy({ tunnelTo: port }, async (proxy) => {
        trustAuthority()
        const own = { network: { https_proxy: proxy.url }, timeouts: longTimeouts }
        await withApi('https://api.example.com:8443', own, async (client) => {
          for (const _ of [1, 2, 3]) await client.getPage(firstPage)
        })
        expect(proxy.asked).toEqual(['CONNECT api.example.com:8443'])
      }),
    ))

  test('user and password reach the proxy alone', () =>
    withSecureApi((port) =>
      withProxy({ tunnelTo: port, password: 'user:c@nary' }, async (proxy) => {
        trustAuthority()
        const { result, log } = await readThrough(
          proxy.url.replace('//', `//user:${encodeURIComponent('c@nary')}@`),
        )
        expect(result).toMatchObject({ referrals: [aReferral('a')] })
        expect(proxy.credentials).toEqual([
          `Basic ${Buffer.from('user:c@nary').toString('base64')}`,
        ])
        expect(log).not.toMatch(/c@nary|c%40nary|Basic|dXNlcj/)
      }),
    ))

  test('a proxy that speaks TLS itself is used', () =>
    withSecureApi((port) =>
      withProxy({ tunnelTo: port, tls: proxyIdentity }, async (proxy) => {
        trustAuthority()
        const { result } = await readThrough(proxy.url)
        expect(result).toMatchObject({ referrals: [aReferral('a')] })
        expect(proxy.asked).toEqual(['CONNECT api.example.com:443'])
      }),
    ))

  test('loopback and a host of NO_PROXY are reached directly', () =>
    withSecureApi((port) =>
      withProxy({}, async (proxy) => {
        trustAuthority()
        const network = { HTTPS_PROXY: proxy.url, NO_PROXY: 'api.example.com' }
        const direct = await readThrough(proxy.url, { network })
        expect(direct.result).toMatchObject({ code: 'api.unreachable' })
        const loopback = await readThrough(proxy.url, { apiUrl: `https://127.0.0.1:${port}` })
        expect(loopback.result).toMatchObject({ code: 'api.tls' })
        expect(proxy.asked).toEqual([])
      }),
    ))
})

/** An answer to CONNECT with this status and a page. */
function answers(status: string, headers: Record<string, string> = { connection: 'close' }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return { answer: `HTTP/1.1 ${status} No\r\n${lines.join('')}\r\n<html>canary</html>` }
}

describe('a proxy that opens no tunnel', () => {
  const negotiate = { 'proxy-authenticate': 'Negotiate' }
  test.each<[string, number, string, number, string, ProxyOptions]>([
    [
      'asks for a password',
      78,
      'proxy.refused',
      1,
      'put them into HTTPS_PROXY',
      { password: 'u:p' },
    ],
    [
      'signs in by Negotiate',
      78,
      'proxy.refused',
      1,
      'by Negotiate alone',
      answers('407', negotiate),
    ],
    ['forbids the host', 78, 'proxy.refused', 1, 'allow CONNECT', answers('403')],
    ['is a web server', 78, 'proxy.refused', 1, 'status 405', answers('405')],
    ['redirects', 78, 'proxy.refused', 1, 'status 302', answers('302')],
    ['is no HTTP server', 78, 'proxy.refused', 1, 'not HTTP', { answer: '220 mail\r\n' }],
    ['has an unknown issuer', 78, 'proxy.tls', 1, 'NODE_EXTRA_CA_CERTS', { tls: proxyIdentity }],
    ['finds no host', 75, 'proxy.unreachable', 8, 'status 502', answers('502')],
    ['is busy', 75, 'proxy.unreachable', 8, 'status 503', answers('503')],
    ['throttles', 75, 'proxy.unreachable', 8, 'status 429', answers('429')],
    ['hangs up', 75, 'proxy.unreachable', 8, 'closed too early', { answer: '' }],
    ['does not answer', 75, 'proxy.unreachable', 8, 'no answer in time', { answer: null }],
  ])(
    'a proxy that %s ends the run with %i, %s after %i tries: %s',
    (_, exitCode, code, tries, says, options) =>
      withProxy(options, async (proxy) => {
        const timeouts = { connectMs: 100, headersMs: 300, bodyIdleMs: 300, totalMs: 3_000 }
        const { result, log } = await readThrough(proxy.url, { timeouts })
        expect(result).toMatchObject({ code, exitCode })
        const { message } = result as Error
        expect(message).toContain(`through the proxy 127.0.0.1:${proxy.port} (HTTPS_PROXY)`)
        expect(message).toContain(` after ${tries} `)
        expect(message).toContain(says)
        expect(message + log).not.toContain('canary')
      }),
  )

  test('a password that the proxy does not accept is named by its variable alone', () =>
    withProxy({ password: 'user:right' }, async (proxy) => {
      const url = proxy.url.replace('//', '//user:canary@')
      const { result, log } = await readThrough(url)
      expect(result).toMatchObject({ code: 'proxy.refused', exitCode: 78 })
      const { message } = result as Error
      expect(message).toContain('does not accept the user and password of HTTPS_PROXY')
      expect(message + log).not.toMatch(/canary|Basic /)
      expect(proxy.asked).toHaveLength(1)
    }))

  test('a proxy that is not there ends the run with 75 and its name', async () => {
    const server = createTcpServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const { result } = await readThrough(`http://127.0.0.1:${port}`)
    expect(result).toMatchObject({
      exitCode: 75,
      code: 'proxy.unreachable',
      message: expect.stringContaining(
        `the proxy 127.0.0.1:${port} (HTTPS_PROXY), got a refused connection after 4 tries`,
      ),
    })
  })

  test('a proxy address that is not usable ends the run before anything is sent', async () => {
    const options = { network: { ALL_PROXY: 'socks5://127.0.0.1:1' } }
    await expect(readThrough('', options)).rejects.toMatchObject({
      code: 'proxy.invalid',
      exitCode: 78,
      message: expect.stringContaining('SOCKS'),
    })
  })

  test('an untrusted certificate behind a proxy is reported as that of the API', () =>
    withSecureApi((port, requests) =>
      withProxy({ tunnelTo: port }, async (proxy) => {
        const { result } = await readThrough(proxy.url)
        expect(result).toMatchObject({ code: 'api.tls', exitCode: 78 })
        const { message } = result as Error
        expect(message).toContain(
          `https://api.example.com through the proxy 127.0.0.1:${proxy.port}`,
        )
        expect(message).toContain('NODE_EXTRA_CA_CERTS=')
        expect(message).toContain('--use-system-ca')
        expect(requests).toEqual([])
      }),
    ))

  test('a proxy that comes back lets the read go on', () =>
    withSecureApi(async (port) => {
      trustAuthority()
      const options: { answer?: string; tunnelTo: number } = {
        ...answers('503'),
        tunnelTo: port,
      }
      await withProxy(options, async (proxy: ProxyServer) => {
        const clock = {
          now: Date.now,
          monotonic: () => performance.now(),
          sleep: async () => {
            if (proxy.asked.length === 3) delete options.answer
          },
        }
        const { result } = await readThrough(proxy.url, { clock })
        expect(result).toMatchObject({ referrals: [aReferral('a')] })
        expect(proxy.asked).toHaveLength(4)
      })
    }))
})

/** Runs network-process.ts with exactly this environment; returns what it printed. */
async function inProcess(env: Record<string, string>) {
  const args = ['--import', tsx, script]
  const { stdout, stderr } = await execFile(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...settings, ...env },
    timeout: 60_000,
  })
  return { ...JSON.parse(stdout), stderr }
}

const execFile = promisify(execFileWithCallback)
const script = fileURLToPath(new URL('network-process.ts', import.meta.url))
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const settings = {
  COSELL_API_URL: 'https://api.example.com',
  COSELL_AUTHORITY_URL: 'https://api.example.com',
  COSELL_CLIENT_ID: 'client-1',
  COSELL_PING_URL: 'https://api.example.com/ping/canary',
}
let folder = ''

describe('a process in a corporate network', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'network-'))
    await writeFile(join(folder, 'root.pem'), authority.certificate)
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('NODE_EXTRA_CA_CERTS and HTTPS_PROXY serve sign-in, API and ping', () =>
    withSecureApi((port, requests) =>
      withProxy({ tunnelTo: port, tls: proxyIdentity, password: 'u:p#' }, async (proxy) => {
        const end = await inProcess({
          HTTPS_PROXY: proxy.url.replace('//', '//u:p%23@'),
          NODE_EXTRA_CA_CERTS: join(folder, 'root.pem'),
          // Node.js 24 and newer would proxy its own requests by the same variables.
          NODE_USE_ENV_PROXY: '1',
        })
        expect(end).toMatchObject({ referrals: 1 })
        expect(end.log).not.toMatch(/did not accept|canary|p#/)
        expect(requests).toEqual([
          'api.example.com /common/oauth2/v2.0/token',
          `api.example.com ${path}`,
          'api.example.com /ping/canary',
        ])
        expect(proxy.asked).toEqual(Array(3).fill('CONNECT api.example.com:443'))
      }),
    ))
})
