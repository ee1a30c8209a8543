import { describe, expect, test } from 'vitest'
import { principalOf } from '../../../src/extract/auth/principal.ts'
import { startSandbox } from '../../../src/sandbox/api/sandbox-server.ts'
import { firstPage, memoryStore, withApi } from '../support.ts'
import { createVirtualClock } from '../virtual-clock.ts'

const jwt = (claims: unknown) =>
  ['{"alg":"none"}', JSON.stringify(claims), 'signature']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

const someone = { tid: 'tenant-1', oid: 'user-1', sub: 'pair-1' }

describe('who signs in', () => {
  const expected = principalOf(jwt(someone))

  test('principalOf returns 32 hexadecimal digits that reveal nothing', () =>
    expect(expected).toMatch(/^[0-9a-f]{32}$/))

  test.each([
    { claims: { ...someone, exp: 1 }, isSame: true, why: 'whatever else the token says' },
    { claims: { ...someone, sub: 'pair-2' }, isSame: true, why: 'in another application' },
    { claims: { ...someone, oid: 'user-2' }, isSame: false, why: 'of the same tenant' },
    { claims: { ...someone, tid: 'tenant-2' }, isSame: false, why: 'of another tenant' },
    { claims: { tid: 'tenant-1', sub: 'pair-1' }, isSame: false, why: 'known by the subject' },
  ])('principalOf: $why: same is $isSame', ({ claims, isSame }) => {
    const found = principalOf(jwt(claims))
    expect(found).not.toBeNull()
    expect(found === expected).toBe(isSame)
  })

  test.each([
    null,
    '',
    'opaque',
    'a.b',
    'a.b.c',
    'a.b.c.d.e',
    jwt(null),
    jwt('text'),
    jwt({ tid: 'tenant-1' }),
    jwt({ tid: 'tenant-1', oid: 7 }),
  ])('principalOf returns null for %j', (token) => expect(principalOf(token)).toBeNull())
})

describe('the API client', () => {
  test('the API client knows its principal from the first token on', async () => {
    const clock = createVirtualClock()
    const sandbox = await startSandbox({ referrals: 5, clock: clock.now })
    try {
      const options = {
        accessToken: undefined,
        refreshToken: 'sandbox-refresh-token',
        clientId: 'any',
        timeouts: undefined,
        clock,
      }
      await withApi(sandbox.url, options, async (api) => {
        expect(api.principal()).toBeNull()
        await api.getPage(firstPage)
        const first = api.principal()
        expect(first).toMatch(/^[0-9a-f]{32}$/)
        sandbox.signInAs('somebody else')
        await clock.sleep(3_600_000)
        await api.getPage(firstPage)
        expect(api.principal()).toMatch(/^[0-9a-f]{32}$/)
        expect(api.principal()).not.toBe(first)
        sandbox.signInAs('admin')
        await withApi(sandbox.url, { ...options, tokenStore: memoryStore() }, async (other) => {
          await other.getPage(firstPage)
          expect(other.principal()).toBe(first)
        })
      })
    } finally {
      await sandbox.close()
    }
  })

  test('the API client reads its principal from a given access token without a request', () =>
    withApi('http://127.0.0.1:9', { accessToken: jwt(someone) }, async (api) =>
      expect(api.principal()).toBe(principalOf(jwt(someone))),
    ))
})
