import { createServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import tls from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { aReferral, firstPage, withApi } from '../support.ts'
import { createAuthority, createServerIdentity, type Identity } from './certificate.ts'

const authority = createAuthority('Test authority')
const impostor = createAuthority('Another authority')

/** Reads a page over TLS; the test authority is trusted like one of the system. */
async function readFrom(identity: Identity) {
  const connect = tls.connect.bind(tls)
  const trusting = (options: tls.ConnectionOptions) =>
    connect({ ...options, ca: authority.certificate })
  vi.spyOn(tls, 'connect').mockImplementation(trusting as typeof tls.connect)
  let requests = 0
  const server = createServer(
    { key: identity.key, cert: identity.certificate },
    (_request, response) => {
      requests += 1
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ value: [aReferral('a')] }))
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    return await withApi(url, {}, async (api) => ({
      answer: await api.getPage(firstPage).catch((error: Error) => error),
      tries: api.counts.requests,
      requests,
    }))
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

afterEach(() => void vi.restoreAllMocks())

test('a server with a trusted certificate is read', async () => {
  const { answer } = await readFrom(createServerIdentity(authority, '127.0.0.1'))
  expect(answer).toMatchObject({ referrals: [aReferral('a')] })
})

test.each<[string, string, boolean]>([
  ['speaks no TLS', 'HTTP/1.1 400 Bad Request\r\n\r\n', true],
  ['hangs up in the handshake', '', false],
])('a server that %s is reported as such', async (_, answer, isFinal) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    const error = await withApi(url, {}, (api) => api.getPage(firstPage).catch((reason) => reason))
    expect(error).toMatchObject(
      isFinal
        ? { code: 'api.tls', exitCode: 78, message: expect.stringContaining('not TLS') }
        : { code: 'api.unreachable', exitCode: 75 },
    )
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
})

describe('a server with an untrusted certificate', () => {
  test.each<[string, string, Identity]>([
    ['CERT_HAS_EXPIRED', 'clock', createServerIdentity(authority, '127.0.0.1', [-3, -1])],
    ['CERT_NOT_YET_VALID', 'clock', createServerIdentity(authority, '127.0.0.1', [1, 3])],
    [
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'COSELL_API_URL',
      createServerIdentity(authority, 'api.example.com'),
    ],
    [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'NODE_EXTRA_CA_CERTS=.*--use-system-ca',
      createServerIdentity(impostor, '127.0.0.1'),
    ],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'NODE_EXTRA_CA_CERTS=.*--use-system-ca',
      createAuthority('127.0.0.1'),
    ],
  ])(
    'an untrusted certificate ends the run after one try: %s, %s',
    async (code, remedy, identity) => {
      const { answer, tries, requests } = await readFrom(identity)
      expect(answer).toMatchObject({
        kind: 'configuration',
        code: 'api.tls',
        message: expect.stringMatching(
          new RegExp(`got .* \\(${code}\\) after 1 try\\. .*${remedy}`),
        ),
      })
      expect({ tries, requests }).toEqual({ tries: 1, requests: 0 })
    },
  )
})
