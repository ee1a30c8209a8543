import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { CosellError } from '../../../src/errors.ts'
import type { ReferralsApi } from '../../../src/extract/api/referrals-api.ts'
import { type Received, type Reply, withServer } from '../../support/scripted-server.ts'
import { aReferral, firstPage, type MemoryStore, memoryStore, withApi } from '../support.ts'
import { createVirtualClock } from '../virtual-clock.ts'

const page: Reply = { body: { value: [aReferral('a')] } }
const unauthorized: Reply = { status: 401, body: { error: { code: 'unauthenticated' } } }

interface World {
  api: ReferralsApi
  store: MemoryStore
  /** Forms sent to the token endpoint. */
  forms: URLSearchParams[]
  /** Tokens sent with the list requests. */
  used: (string | undefined)[]
}

/** Serves tokens and referrals; the n-th token response holds `access-n`. */
async function withSignIn(
  script: {
    grant?: (form: URLSearchParams, count: number) => Reply
    list?: (token: string | undefined, count: number) => Reply
    stored?: string
    options?: Parameters<typeof withApi>[1]
  },
  use: (world: World) => Promise<void>,
): Promise<void> {
  const forms: URLSearchParams[] = []
  const used: (string | undefined)[] = []
  const answer = (request: Received): Reply => {
    if (request.method === 'POST') {
      const form = new URLSearchParams(request.body)
      forms.push(form)
      return (
        script.grant?.(form, forms.length) ?? {
          body: { access_token: `access-${forms.length}`, expires_in: 3600 },
        }
      )
    }
    used.push(request.headers.authorization?.replace('Bearer ', ''))
    return script.list?.(used.at(-1), used.length) ?? page
  }
  const store = memoryStore(script.stored)
  await withServer(answer, (server) =>
    withApi(
      server.url,
      {
        accessToken: undefined,
        refreshToken: 'configured-refresh',
        tenantId: 'contoso.example.com',
        clientId: 'client-1',
        tokenStore: store,
        ...script.options,
      },
      (api) => use({ api, store, forms, used }),
    ),
  )
}

const failure = (api: ReferralsApi): Promise<CosellError> =>
  api.getPage(firstPage).then(
    () => expect.unreachable('expected a failure'),
    (error) => error,
  )

test('the refresh token is exchanged for the scope of the API', () =>
  withServer(
    () => ({ body: { access_token: 'x', value: [] } }),
    (server) =>
      withApi(
        server.url,
        {
          accessToken: undefined,
          refreshToken: 'configured-refresh',
          tenantId: 'contoso.example.com',
          clientId: 'client-1',
          clientSecret: 'client-secret',
        },
        async (api) => {
          await api.getPage(firstPage)
          const [grant, ...rest] = server.requests
          expect(rest.map(({ method }) => method)).toEqual(['GET'])
          expect(grant?.path).toBe('/contoso.example.com/oauth2/v2.0/token')
          expect(grant?.headers.authorization).toBeUndefined()
          const form = Object.fromEntries(new URLSearchParams(grant?.body))
          const { scope, claims: _, ...fields } = form
          expect(scope?.split(' ').sort()).toEqual([
            'https://api.partner.microsoft.com/.default',
            'offline_access',
            'openid',
            'profile',
          ])
          const ofLibrary = Object.keys(fields).filter((name) => name.startsWith('x-'))
          for (const name of ofLibrary) delete fields[name]
          expect(fields).toEqual({
            grant_type: 'refresh_token',
            client_id: 'client-1',
            client_secret: 'client-secret',
            client_info: '1',
            refresh_token: 'configured-refresh',
          })
          expect(ofLibrary).toContain('x-client-SKU')
        },
      ),
  ))

test('concurrent requests share one sign-in', () =>
  withSignIn({}, async ({ api, forms, used }) => {
    await Promise.all(Array.from({ length: 8 }, () => api.getPage(firstPage)))
    expect(forms).toHaveLength(1)
    expect(new Set(used)).toEqual(new Set(['access-1']))
  }))

describe('renewal', () => {
  test.each([
    { expires_in: 3600, waitMs: 3_299_000, grants: 1, why: 'not before five minutes are left' },
    { expires_in: 3600, waitMs: 3_301_000, grants: 2, why: 'with five minutes left' },
    { expires_in: '3600', waitMs: 3_301_000, grants: 2, why: 'also when the number is text' },
    { expires_in: undefined, waitMs: 3_301_000, grants: 2, why: 'an hour is assumed' },
    { expires_in: 60, waitMs: 29_000, grants: 1, why: 'short lives are used up to the half' },
    { expires_in: 60, waitMs: 31_000, grants: 2, why: 'short lives are renewed from the half on' },
  ])('token renewal: $why', async ({ expires_in, waitMs, grants }) => {
    const clock = createVirtualClock()
    const grant = () => ({ body: { access_token: 'x', expires_in } })
    await withSignIn({ grant, options: { clock } }, async ({ api, forms }) => {
      await api.getPage(firstPage)
      await clock.sleep(waitMs)
      await api.getPage(firstPage)
      expect(forms).toHaveLength(grants)
    })
  })

  test('a token rejected by the API is renewed once for eight requests', () =>
    withSignIn(
      { list: (token) => (token === 'access-1' ? unauthorized : page) },
      async ({ api, forms }) => {
        const pages = await Promise.all(Array.from({ length: 8 }, () => api.getPage(firstPage)))
        expect(pages.every((one) => one.referrals.length === 1)).toBe(true)
        expect(forms).toHaveLength(2)
      },
    ))

  test('a second rejection of the token ends the run', () =>
    withSignIn({ list: () => unauthorized }, async ({ api, used }) => {
      expect(await failure(api)).toMatchObject({ kind: 'signIn', code: 'auth.unauthorized' })
      expect(used).toEqual(['access-1', 'access-2'])
    }))

  test('a token without multi-factor authentication is not renewed', () => {
    const list = () => ({ status: 401, body: { code: 900421, description: 'MFA required' } })
    return withSignIn({ list }, async ({ api, used }) => {
      expect(await failure(api)).toMatchObject({ kind: 'signIn', code: 'auth.mfa_required' })
      expect(used).toHaveLength(1)
    })
  })

  test('a given access token is used as it is, and its rejection says what to do', () =>
    withSignIn(
      { list: () => unauthorized, options: { accessToken: 'given-canary' } },
      async ({ api, forms, used }) => {
        const error = await failure(api)
        expect(error).toMatchObject({ kind: 'signIn', code: 'auth.access_token_refused' })
        expect(error.message).not.toContain('canary')
        expect([used, forms]).toEqual([['given-canary'], []])
      },
    ))
})

describe('the refresh token', () => {
  const rotating = (_form: URLSearchParams, count: number): Reply => ({
    body: { access_token: `access-${count}`, expires_in: 3600, refresh_token: `rotated-${count}` },
  })

  test('a rotated refresh token is stored before the access token is used', async () => {
    const order: string[] = []
    const store = memoryStore()
    const tokenStore = {
      ...store,
      save: async (token: string) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        order.push(`saved ${token}`)
      },
    }
    const list = () => {
      order.push('used')
      return page
    }
    await withSignIn({ grant: rotating, list, options: { tokenStore } }, async ({ api }) => {
      await api.getPage(firstPage)
      expect(order).toEqual(['saved rotated-1', 'used'])
    })
  })

  test('each renewal uses the refresh token stored by the last one', () =>
    withSignIn(
      { grant: rotating, list: (token) => (token === 'access-1' ? unauthorized : page) },
      async ({ api, forms, store }) => {
        await api.getPage(firstPage)
        expect(forms.map((form) => form.get('refresh_token'))).toEqual([
          'configured-refresh',
          'rotated-1',
        ])
        expect(store.saved).toEqual(['rotated-1', 'rotated-2'])
      },
    ))

  test('a stored refresh token that is dead gives way to the configured one', () => {
    const grant = (form: URLSearchParams, count: number) =>
      form.get('refresh_token') === 'stored-dead'
        ? { status: 400, body: { error: 'invalid_grant' } }
        : rotating(form, count)
    return withSignIn({ grant, stored: 'stored-dead' }, async ({ api, forms, store }) => {
      await api.getPage(firstPage)
      expect(forms).toHaveLength(2)
      expect(store.saved).toEqual(['rotated-2'])
    })
  })

  test('a dead refresh token is read again when another process has replaced it', async () => {
    let stored = 'stored-old'
    const tokenStore = { load: async () => stored, save: async () => undefined }
    const grant = (form: URLSearchParams, count: number) => {
      if (form.get('refresh_token') !== 'stored-old') return rotating(form, count)
      stored = 'stored-new'
      return { status: 400, body: { error: 'invalid_grant' } }
    }
    await withSignIn({ grant, options: { tokenStore } }, async ({ api, forms }) => {
      await api.getPage(firstPage)
      expect(forms.map((form) => form.get('refresh_token'))).toEqual(['stored-old', 'stored-new'])
    })
  })

  test('a dead refresh token gets a moment, since another process may be storing the next', async () => {
    const clock = createVirtualClock()
    const load = async () => (clock.monotonic() < 900 ? 'stored-old' : 'stored-new')
    const grant = (form: URLSearchParams, count: number) =>
      form.get('refresh_token') === 'stored-new'
        ? rotating(form, count)
        : { status: 400, body: { error: 'invalid_grant' } }
    const options = { clock, tokenStore: { load, save: async () => undefined } }
    await withSignIn({ grant, options }, async ({ api, forms }) => {
      await api.getPage(firstPage)
      expect(forms.map((form) => form.get('refresh_token'))).toEqual([
        'stored-old',
        'configured-refresh',
        'stored-new',
      ])
    })
  })

  test('a refresh token that is dead for good is tried once', () => {
    const grant = () => ({ status: 400, body: { error: 'invalid_grant' } })
    const options = { refreshToken: undefined }
    return withSignIn({ grant, stored: 'stored-dead', options }, async ({ api, forms }) => {
      expect(await failure(api)).toMatchObject({ exitCode: 77 })
      expect(forms).toHaveLength(1)
    })
  })

  test('the search for a refresh token ends when every new one is dead as well', () => {
    let loads = 0
    const tokenStore = { load: async () => `dead-${++loads}`, save: async () => undefined }
    const grant = () => ({ status: 400, body: { error: 'invalid_grant' } })
    return withSignIn({ grant, options: { tokenStore } }, async ({ api, forms }) => {
      expect(await failure(api)).toMatchObject({ kind: 'signIn' })
      expect(forms).toHaveLength(4)
    })
  })

  test('a refresh token and the client id are required', async () => {
    await withSignIn({ options: { refreshToken: undefined } }, async ({ api }) =>
      expect(await failure(api)).toMatchObject({ kind: 'signIn', code: 'auth.no_token' }),
    )
    await withSignIn({ options: { clientId: undefined } }, async ({ api }) =>
      expect(await failure(api)).toMatchObject({
        kind: 'configuration',
        code: 'auth.client_id_missing',
      }),
    )
  })
})

describe('refusals of the token endpoint', () => {
  const entra = (error: string, ...codes: number[]) => ({
    error,
    error_codes: codes,
    error_description: `AADSTS${codes[0] ?? 0}: canary user@example.com token canary-refresh`,
    trace_id: 'trace',
  })
  test.each([
    [400, entra('invalid_grant', 700082), 'signIn', 'auth.refresh_token_expired'],
    [400, entra('invalid_grant', 50173), 'signIn', 'auth.sign_in_revoked'],
    [400, entra('invalid_grant', 50076), 'signIn', 'auth.mfa_required'],
    [400, entra('interaction_required', 50079), 'signIn', 'auth.mfa_required'],
    [400, entra('interaction_required'), 'signIn', 'auth.interaction_required'],
    [400, entra('invalid_grant', 65001), 'signIn', 'auth.consent_required'],
    [400, entra('invalid_grant', 53003), 'signIn', 'auth.conditional_access'],
    [400, entra('invalid_grant', 50057), 'signIn', 'auth.account_blocked'],
    [400, entra('invalid_grant', 999999), 'signIn', 'auth.invalid_grant'],
    [400, entra('invalid_resource', 500011), 'configuration', 'auth.api_not_in_tenant'],
    [400, entra('invalid_resource', 650057), 'configuration', 'auth.api_not_permitted'],
    [400, entra('invalid_grant', 530036), 'signIn', 'auth.flow_blocked'],
    [400, entra('invalid_grant', 700003), 'signIn', 'auth.device_unknown'],
    [400, entra('invalid_grant', 135011), 'signIn', 'auth.device_unknown'],
    [400, entra('invalid_grant', 50196), 'tryAgainLater', 'auth.too_many_requests'],
    [400, entra('invalid_grant', 90033), 'tryAgainLater', 'auth.unavailable'],
    [400, entra('invalid_grant', 50078), 'signIn', 'auth.mfa_required'],
    [400, entra('invalid_grant', 50132), 'signIn', 'auth.sign_in_revoked'],
    [400, entra('access_denied', 530035), 'signIn', 'auth.conditional_access'],
    [400, entra('invalid_grant', 50020), 'signIn', 'auth.account_blocked'],
    [400, entra('access_denied', 500021), 'configuration', 'auth.tenant_restricted'],
    [400, entra('invalid_request', 90038), 'configuration', 'auth.other_cloud'],
    [400, entra('invalid_request', 50194), 'configuration', 'auth.unknown_application'],
    [401, entra('invalid_client', 7000215), 'configuration', 'auth.client_secret'],
    [401, entra('invalid_client', 7000222), 'configuration', 'auth.client_secret'],
    [400, entra('unauthorized_client', 700016), 'configuration', 'auth.unknown_application'],
    [400, entra('invalid_request', 90002), 'configuration', 'auth.unknown_application'],
    [400, entra('invalid_scope', 70011), 'configuration', 'auth.refused'],
    [400, entra('temporarily_unavailable', 90033), 'tryAgainLater', 'auth.unavailable'],
    [400, entra('invalid_client', 700025), 'configuration', 'auth.public_client'],
    [400, entra('constructor'), 'configuration', 'auth.refused'],
    [404, '<html>', 'configuration', 'auth.refused'],
    [400, { error: 'canary with blanks' }, 'configuration', 'auth.refused'],
  ])('the token endpoint answers %i %j: %s, %s', (status, body, kind, code) =>
    withSignIn({ grant: () => ({ status, body }) }, async ({ api, forms, used }) => {
      const error = await failure(api)
      expect(error).toMatchObject({ kind, code })
      expect(error.message).not.toMatch(/canary|configured-refresh/)
      expect([forms.length, used.length]).toEqual([1, 0])
    }),
  )

  test.each([700082, 50173, 50076, 999999])(
    'the message of AADSTS%i names the person and the command',
    (code) =>
      withSignIn(
        { grant: () => ({ status: 400, body: entra('invalid_grant', code) }) },
        async ({ api }) => {
          const { message, exitCode } = await failure(api)
          expect(exitCode).toBe(77)
          expect(message).toContain('Referrals admin')
          expect(message).toContain('run `cosell login`')
        },
      ),
  )

  test.each([
    [500011, ['COSELL_TENANT_ID', 'COSELL_API_SCOPE', 'administrator'], ['cosell login']],
    [530036, ['device code flow', 'administrator', 'COSELL_REFRESH_TOKEN'], []],
    [700003, ['device', 'cosell login'], []],
    [50196, ['later', 'other programs'], ['cosell login', 'sign in again']],
  ])('the advice for AADSTS%i names %j, not %j', (code, named, unnamed) =>
    withSignIn(
      { grant: () => ({ status: 400, body: entra('invalid_grant', code) }) },
      async ({ api, forms }) => {
        const { message } = await failure(api)
        for (const word of named) expect(message).toContain(word)
        for (const word of unnamed) expect(message).not.toContain(word)
        expect(forms).toHaveLength(1)
      },
    ),
  )

  test('no rejection is remembered: a sign-in that works again is tried at once', () => {
    let isDown = true
    const grant = (): Reply =>
      isDown
        ? { status: 429, headers: { 'retry-after': '60' } }
        : { body: { access_token: 'x', expires_in: 3600 } }
    return withSignIn({ grant }, async ({ api, forms }) => {
      expect(await failure(api)).toMatchObject({ code: 'api.throttled' })
      const sofar = forms.length
      expect(sofar).toBeGreaterThan(1)
      isDown = false
      await api.getPage(firstPage)
      expect(forms).toHaveLength(sofar + 1)
    })
  })

  test('an answer with an invalid identity token is rejected without quoting it', () =>
    withSignIn(
      { grant: () => ({ body: { access_token: 'x', id_token: 'canary.canary.canary' } }) },
      async ({ api, used }) => {
        const error = await failure(api)
        expect(error).toMatchObject({ kind: 'sourceBroken', code: 'auth.unusable_answer' })
        expect(error.message).not.toContain('canary')
        expect(used).toEqual([])
      },
    ))

  test('an outage of the token endpoint is waited out', () => {
    const grant = (_form: URLSearchParams, count: number): Reply =>
      count < 4 ? { status: 503 } : { body: { access_token: 'x' } }
    return withSignIn({ grant }, async ({ api, forms }) => {
      await api.getPage(firstPage)
      expect(forms).toHaveLength(4)
    })
  })

  test.each([
    [{ status: 503 }, 'tryAgainLater', 'api.unavailable'],
    [{ status: 429 }, 'tryAgainLater', 'api.throttled'],
    [{ body: '<html>' }, 'sourceBroken', 'api.unusable_answer'],
    [{ body: {} }, 'sourceBroken', 'auth.no_token_in_answer'],
  ])('a token endpoint that answers %j for ever ends with %s', (reply, kind, code) =>
    withSignIn({ grant: () => reply }, async ({ api }) => {
      const error = await failure(api)
      expect(error).toMatchObject({ kind, code })
      expect(api.counts).toEqual({ requests: 0, throttled: 0, throttledMs: 0 })
    }),
  )
})

test('MSAL is imported on demand, by one file', () => {
  const folder = new URL('../../../src/extract/', import.meta.url)
  const importing = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const text = name.endsWith('.ts') ? readFileSync(new URL(name, folder), 'utf8') : ''
    expect(text, name).not.toMatch(/^import (?!type )[^\n]*'@azure/m)
    return /return import\('@azure/.test(text)
  })
  expect(importing).toEqual(['auth/msal.ts'])
})
