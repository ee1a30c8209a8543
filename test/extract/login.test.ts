import { setMaxListeners } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { renderLogin } from '../../src/cli/text/login.ts'
import { CosellError } from '../../src/errors.ts'
import { createTokenStore } from '../../src/extract/auth/token-store.ts'
import { type LoginResult, login } from '../../src/extract/login.ts'
import {
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from '../../src/sandbox/api/sandbox-server.ts'
import { type Received, type Reply, withServer } from '../support/scripted-server.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

interface Desk {
  home: string
  tokenFile: string
  /** Texts shown to the person. */
  shown: string[]
  logged: string[]
  clock: VirtualClock
  ending: AbortController
  signIn(settings?: { accessToken?: string; clientSecret?: string }): Promise<LoginResult>
}

async function atDesk(url: string, use: (desk: Desk) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'login-'))
  const shown: string[] = []
  const logged: string[] = []
  const clock = createVirtualClock()
  const ending = new AbortController()
  // The virtual clock leaves one listener behind per sleep.
  setMaxListeners(0, ending.signal)
  const tokenFile = join(home, 'tokens', 'north.json')
  const signIn = (settings: { accessToken?: string; clientSecret?: string } = {}) =>
    login({
      account: {
        name: 'north',
        apiUrl: url,
        authorityUrl: url,
        tenantId: 'contoso.example.com',
        clientId: 'client-1',
        accessToken: undefined,
        ...settings,
      },
      home,
      requestsPerMinute: 300,
      network: {},
      log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
      signal: ending.signal,
      show: (text) => void shown.push(text),
      clock,
    })
  try {
    await use({ home, tokenFile, shown, logged, clock, ending, signIn })
  } finally {
    await rm(home, { recursive: true })
  }
}

async function withSandbox(
  options: Partial<SandboxOptions>,
  use: (world: Desk & { sandbox: Sandbox }) => Promise<void>,
): Promise<void> {
  const sandbox = await startSandbox({ referrals: 5, ...options })
  try {
    await atDesk(sandbox.url, (desk) => use({ ...desk, sandbox }))
  } finally {
    await sandbox.close()
  }
}

const failureOf = (promise: Promise<unknown>): Promise<CosellError> =>
  promise.then(
    () => expect.unreachable('expected a failure'),
    (error) => error,
  )

const device = {
  device_code: 'canary-device-code',
  user_code: 'ABCD-1234',
  verification_uri: 'https://login.example.com/device',
  expires_in: 900,
  interval: 5,
}
const granted = { access_token: 'access-1', refresh_token: 'canary-refresh', expires_in: 3600 }
const pending: Reply = { status: 400, body: { error: 'authorization_pending' } }

/** Serves the authority and the API. Polls get their replies in turn; the last reply repeats. */
function authority(parts: { device?: Reply; polls?: Reply[]; redeem?: Reply; list?: Reply }) {
  let polls = 0
  return ({ method, path, body }: Received): Reply => {
    if (method === 'GET') return parts.list ?? { body: { value: [] } }
    if (path.endsWith('/devicecode')) return parts.device ?? { body: device }
    if (new URLSearchParams(body).get('grant_type') === 'refresh_token')
      return parts.redeem ?? { body: granted }
    const script = parts.polls ?? [{ body: granted }]
    return script[Math.min(polls++, script.length - 1)] ?? {}
  }
}

describe('login', () => {
  test('login tries the sign-in and stores it, readable by its owner alone', () =>
    withSandbox({ rotateRefreshToken: true }, async ({ signIn, tokenFile, shown, sandbox }) => {
      const result = await signIn()
      expect(result).toEqual({
        status: 'signed_in',
        account: 'north',
        token_file: tokenFile,
        sees_referrals: true,
        notes: [],
      })
      expect(renderLogin(result)).toContain('account north')
      expect(shown).toHaveLength(1)
      expect(shown[0]).toContain(`${sandbox.url}/sandbox/device`)
      expect(shown[0]).toMatch(/^ {2}[A-F0-9]{9}$/m)
      expect((await stat(tokenFile)).mode & 0o777).toBe(0o600)
      expect(JSON.parse(await readFile(tokenFile, 'utf8'))).toMatchObject({
        refresh_token: 'sandbox-refresh-token.1',
        signed_in_at: expect.stringMatching(/^2026-01-15T12:/),
        renewed_at: expect.stringMatching(/^2026-01-15T12:/),
      })
      expect(sandbox.requests.map(({ url, status }) => `${url} ${status}`)).toEqual([
        '/contoso.example.com/oauth2/v2.0/devicecode 200',
        '/contoso.example.com/oauth2/v2.0/token 400',
        '/contoso.example.com/oauth2/v2.0/token 200',
        '/contoso.example.com/oauth2/v2.0/token 200',
        '/v1.0/engagements/referrals?$orderby=createdDateTime%20asc&$top=1 200',
      ])
    }))

  test('login replaces the stored sign-in', () =>
    withSandbox({}, async ({ signIn, tokenFile }) => {
      await createTokenStore(tokenFile).save('former')
      await signIn()
      expect(await createTokenStore(tokenFile).load()).toBe('sandbox-refresh-token')
    }))

  test('login says when the list is empty and when a given access token takes precedence', () =>
    withSandbox({ referrals: 0 }, async ({ signIn }) => {
      const { sees_referrals, notes } = await signIn({ accessToken: 'canary-given' })
      expect(sees_referrals).toBe(false)
      expect(notes).toEqual([
        expect.stringContaining('role Referrals admin'),
        expect.stringContaining('COSELL_ACCESS_TOKEN'),
      ])
    }))

  test('login polls at the interval, and five seconds slower after slow_down', () =>
    withServer(
      authority({
        polls: [pending, { status: 400, body: { error: 'slow_down' } }, pending, { body: granted }],
      }),
      (server) =>
        atDesk(server.url, async ({ signIn, clock }) => {
          await signIn()
          expect(clock.sleeps.slice(0, 4)).toEqual([5_000, 5_000, 10_000, 10_000])
        }),
    ))

  test('login waits out an outage', () =>
    withServer(authority({ polls: [pending, { status: 503 }, { body: granted }] }), (server) =>
      atDesk(server.url, async ({ signIn }) => {
        expect(await signIn()).toMatchObject({ status: 'signed_in' })
      }),
    ))
})

describe('a failed login', () => {
  const refused = (error: string, number?: number): Reply => ({
    status: 400,
    body: {
      error,
      error_codes: number === undefined ? [] : [number],
      error_description: `AADSTS${number ?? 0}: canary user@example.com`,
    },
  })
  test.each([
    ['expired at the service', { polls: [pending, refused('expired_token', 70019)] }, 'expired'],
    ['declined', { polls: [refused('authorization_declined')] }, 'declined'],
    ['declined, by the standard', { polls: [refused('access_denied')] }, 'declined'],
    ['unknown code', { polls: [refused('bad_verification_code')] }, 'unknown'],
  ])('login ends with 77 after %s and says to run it again', (_, parts, code) =>
    withServer(authority(parts), (server) =>
      atDesk(server.url, async ({ signIn, home }) => {
        const error = await failureOf(signIn())
        expect(error).toMatchObject({ exitCode: 77, code: `auth.device_code_${code}` })
        expect(error.message).toContain('`cosell login` again')
        expect(error.message).not.toContain('canary')
        expect(await readdir(home)).toEqual([])
      }),
    ),
  )

  test.each<[Partial<SandboxOptions>, string, number]>([
    [{ devicePolls: ['pending', 'slow_down', 'declined'] }, 'auth.device_code_declined', 4],
    [{ devicePolls: ['pending', 'expired'] }, 'auth.device_code_expired', 3],
    [{ signInError: { error: 'interaction_required', number: 50079 } }, 'auth.mfa_required', 2],
  ])('login against a sandbox with %j ends with %s', (options, code, requests) =>
    withSandbox(options, async ({ signIn, sandbox }) => {
      expect(await failureOf(signIn())).toMatchObject({ exitCode: 77, code })
      expect(sandbox.requests).toHaveLength(requests)
    }),
  )

  test('a code that is not entered expires by our own clock', () =>
    withServer(authority({ polls: [pending] }), (server) =>
      atDesk(server.url, async ({ signIn, clock }) => {
        expect(await failureOf(signIn())).toMatchObject({
          exitCode: 77,
          code: 'auth.device_code_expired',
        })
        expect(clock.monotonic()).toBeGreaterThan(800_000)
        expect(clock.monotonic()).toBeLessThanOrEqual(900_000)
        expect(server.requests.length).toBeGreaterThan(100)
      }),
    ))

  test.each([
    [refused('invalid_client', 7000218), 78, 'auth.public_client_flows', 'public client flows'],
    [refused('invalid_grant', 50076), 77, 'auth.mfa_required', 'multi-factor'],
    [refused('invalid_grant', 65001), 77, 'auth.consent_required', 'consent'],
    [{ body: { access_token: 'x' } }, 78, 'auth.no_refresh_token', 'offline_access'],
  ])('login ends a poll of %j with %i, %s', (poll, exitCode, code, says) =>
    withServer(authority({ polls: [poll] }), (server) =>
      atDesk(server.url, async ({ signIn, home }) => {
        const error = await failureOf(signIn({ clientSecret: 'canary-secret' }))
        expect(error).toMatchObject({ exitCode, code })
        expect(error.message).toContain(says)
        expect(error.message).not.toContain('canary')
        expect(await readdir(home)).toEqual([])
      }),
    ),
  )

  test.each([
    { verification_uri: 'http://login.example.com/device' },
    { verification_uri: 'https://user:pass@login.example.com/device' },
    { verification_uri: 'javascript:alert(1)' },
    { verification_uri: undefined },
    { user_code: 'canary' },
    { user_code: 'ABCD\u001b[2J' },
    { user_code: 'ABCD EFGH' },
    { user_code: 'A'.repeat(17) },
    { user_code: undefined },
  ])('login shows nothing of an answer with %j', (part) =>
    withServer(authority({ device: { body: { ...device, ...part } } }), (server) =>
      atDesk(server.url, async ({ signIn, shown }) => {
        const error = await failureOf(signIn())
        expect(error).toMatchObject({ exitCode: 69, code: 'auth.unusable_device_code' })
        expect(shown).toEqual([])
        expect(server.requests).toHaveLength(1)
      }),
    ),
  )

  test('login is interrupted at once while it waits', () =>
    withServer(authority({ polls: [pending] }), (server) =>
      atDesk(server.url, async ({ signIn, ending, clock }) => {
        const reason = new CosellError('signal.interrupted', 'Interrupted.')
        const sleep = clock.sleep.bind(clock)
        clock.sleep = (ms, signal) => {
          if (server.requests.length > 3) ending.abort(reason)
          return sleep(ms, signal)
        }
        expect(await failureOf(signIn())).toBe(reason)
        expect(server.requests).toHaveLength(4)
      }),
    ))
})

describe('a login whose sign-in cannot be used', () => {
  test.each([
    [{ list: { status: 403, body: { error: { code: 'forbidden' } } } }, 77, 'Referrals admin'],
    [{ list: { status: 401, body: { code: 900421 } } }, 77, 'multi-factor'],
    [
      { redeem: { status: 401, body: { error: 'invalid_client', error_codes: [700025] } } },
      78,
      'unset COSELL_CLIENT_SECRET',
    ],
  ])('a sign-in with %j replaces no earlier one', (parts, exitCode, says) =>
    withServer(authority(parts), (server) =>
      atDesk(server.url, async ({ signIn, tokenFile }) => {
        await createTokenStore(tokenFile).save('former')
        const error = await failureOf(signIn())
        expect(error).toMatchObject({ exitCode })
        expect(error.message).toContain('not kept')
        expect(error.message).toContain(says)
        expect(await createTokenStore(tokenFile).load()).toBe('former')
      }),
    ),
  )

  test('a sign-in is stored when the API is down', () =>
    withServer(authority({ list: { status: 503 } }), (server) =>
      atDesk(server.url, async ({ signIn, tokenFile }) => {
        const error = await failureOf(signIn())
        expect(error).toMatchObject({ exitCode: 75 })
        expect(error.message).toContain(tokenFile)
        expect(await createTokenStore(tokenFile).load()).toBe('canary-refresh')
      }),
    ))
})

test('login never logs codes or tokens', () =>
  withServer(authority({ polls: [pending, { body: granted }] }), (server) =>
    atDesk(server.url, async ({ signIn, logged }) => {
      await signIn({ clientSecret: 'canary-secret' })
      expect(logged.length).toBeGreaterThan(3)
      expect(logged.join('')).not.toMatch(/canary|access-1|ABCD-1234/)
    }),
  ))
