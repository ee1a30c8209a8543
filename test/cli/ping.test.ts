import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { ping } from '../../src/cli/ping.ts'
import { withProxy } from '../support/proxy-server.ts'
import { withServer } from '../support/scripted-server.ts'

/** Pings, and returns what was logged. */
async function pingTo(pingUrl: string | undefined, network: Record<string, string> = {}) {
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  await ping({ pingUrl, network }, 'done', { status: 'published' }, log)
  return lines.join('')
}

describe('ping', () => {
  test('ping sends an http address whole to the proxy, with its password', () =>
    withServer(
      () => ({}),
      (server) =>
        withProxy(
          { password: 'user:c@nary', tunnelTo: Number(server.host.split(':')[1]) },
          async (proxy) => {
            const HTTP_PROXY = proxy.url.replace('//', '//user:c%40nary@')
            expect(await pingTo('http://ping.example.com/job/1', { HTTP_PROXY })).toBe('')
            expect(proxy.asked).toEqual(['POST http://ping.example.com/job/1'])
            expect(server.requests).toMatchObject([
              {
                method: 'POST',
                path: '/job/1',
                headers: { host: 'ping.example.com', 'content-type': 'application/json' },
                body: '{"status":"published"}',
              },
            ])
            expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization')
          },
        ),
    ))

  test.each([
    ['http://ping.example.com/canary', 'HTTP_PROXY', 'status 407'],
    [
      'https://ping.example.com/canary',
      'HTTPS_PROXY',
      'status 407 to CONNECT from the proxy 127.0.0.1:',
    ],
    [
      'https://ping.example.com/canary',
      'ALL_PROXY',
      'status 407 to CONNECT from the proxy 127.0.0.1:',
    ],
  ])('ping of %s through %s logs that the proxy answered %s', (url, variable, got) =>
    withProxy({ password: 'user:right' }, async (proxy) => {
      const log = await pingTo(url, { [variable]: proxy.url.replace('//', '//user:canary@') })
      expect(JSON.parse(log)).toMatchObject({
        level: 40,
        tries: 3,
        got: expect.stringContaining(got),
      })
      expect(log).not.toContain('canary')
      expect(proxy.asked).toHaveLength(3)
    }),
  )

  test('ping warns of a proxy that cannot be used, without its address', async () => {
    const log = await pingTo('https://ping.example.com/canary', {
      HTTPS_PROXY: 'socks5://u:canary@h',
    })
    expect(log).toContain('a SOCKS proxy')
    expect(log).not.toContain('canary')
  })

  test('ping reaches loopback directly, and nothing without an address', () =>
    withServer(
      () => ({}),
      (server) =>
        withProxy({}, async (proxy) => {
          const network = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url }
          expect(await pingTo(`${server.url}/job`, network)).toBe('')
          expect(await pingTo(undefined, network)).toBe('')
          expect(server.requests).toHaveLength(1)
          expect(proxy.asked).toEqual([])
        }),
    ))
})
