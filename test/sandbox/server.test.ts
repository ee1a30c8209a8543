import { expect, test } from 'vitest'
import { askToken, listPath, withSandbox } from './client.ts'

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('a referral has its eTag in the body and as a header', () =>
  withSandbox({ referrals: 5 }, async ({ sandbox, get }) => {
    const [known] = sandbox.referrals()
    const answer = await get(`${listPath}/${known?.id}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('etag')).toBe(known?.eTag)
    const { '@odata.context': context, ...body } = (await answer.json()) as Record<string, unknown>
    expect(body).toEqual(known)
    expect(context).toMatch(/\$metadata#Referrals\/\$entity$/)
  }))

test("an answer repeats the client's request id and has a new one of the service", () =>
  withSandbox({ referrals: 5 }, async ({ get }) => {
    const [one, other] = [
      await get(listPath, { 'client-request-id': 'a1b2' }),
      await get(`${listPath}/unknown`, { 'client-request-id': 'c3d4' }),
    ]
    expect(one.headers.get('client-request-id')).toBe('a1b2')
    expect(other.headers.get('client-request-id')).toBe('c3d4')
    expect(one.headers.get('request-id')).toMatch(guid)
    expect(other.headers.get('request-id')).not.toBe(one.headers.get('request-id'))
    expect(one.headers.get('date')).not.toBeNull()
  }))

test('pages are compressed for clients that accept gzip', () =>
  withSandbox({ referrals: 50 }, async ({ get }) => {
    const compressed = await get(listPath, { 'accept-encoding': 'gzip' })
    const plain = await get(listPath, { 'accept-encoding': 'identity' })
    expect(compressed.headers.get('content-encoding')).toBe('gzip')
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(await compressed.text()).toBe(await plain.text())
  }))

test('an unknown referral or path gives 404, another method 405', () =>
  withSandbox({ referrals: 5 }, async ({ sandbox, authorization, get }) => {
    for (const path of [
      `${listPath}/unknown`,
      '/v1.0/referrals',
      '/v1.0/engagements',
      '/elsewhere',
    ]) {
      const answer = await get(path)
      expect(answer.status, path).toBe(404)
      expect(await answer.json()).toMatchObject({ error: { code: 'itemNotFound' } })
    }
    const post = await fetch(`${sandbox.url}${listPath}`, {
      method: 'POST',
      headers: { authorization },
    })
    expect(post.status).toBe(405)
    expect(post.headers.get('allow')).toBe('GET')
  }))

test.each([
  ['no token', undefined],
  ['an unknown token', 'Bearer abc'],
  ['another scheme', 'Basic abc'],
])('a request with %s is not authorized', (_what, authorization) =>
  withSandbox({ referrals: 5 }, async ({ sandbox }) => {
    const headers = authorization === undefined ? {} : { authorization }
    const answer = await fetch(`${sandbox.url}${listPath}`, { headers })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({
      error: {
        code: 'unAuthorized',
        message: 'Caller is not authorized to access the resource.',
        target: 'referral',
        innerError: { message: 'Unauthorized referral access' },
      },
    })
  }),
)

test('an access token is valid for its stated lifetime', async () => {
  let nowMs = 1_000_000
  await withSandbox({ referrals: 5, clock: () => nowMs }, async ({ get }) => {
    nowMs += 3_599_000
    expect((await get(listPath)).status).toBe(200)
    nowMs += 1_000
    const expired = await get(listPath)
    expect(expired.status).toBe(401)
    expect(await expired.json()).toMatchObject({ error: { innerError: { code: 'tokenExpired' } } })
  })
})

test('version 1 of the token endpoint writes numbers as strings, version 2 does not', () =>
  withSandbox({ referrals: 5, tokenLifetimeSeconds: 60 }, async ({ sandbox }) => {
    expect(await (await askToken(sandbox, {}, '')).json()).toMatchObject({
      token_type: 'Bearer',
      expires_in: '60',
      resource: 'https://api.partner.microsoft.com',
    })
    expect(await (await askToken(sandbox, {})).json()).toMatchObject({
      expires_in: 60,
      refresh_token: 'sandbox-refresh-token',
    })
  }))

test.each([
  { form: { refresh_token: 'wrong' }, error: 'invalid_grant', says: 'AADSTS700082' },
  { form: { refresh_token: '' }, error: 'invalid_request', says: 'AADSTS900144' },
  { form: { client_id: '' }, error: 'invalid_request', says: 'AADSTS900144' },
  { form: { grant_type: 'password' }, error: 'unsupported_grant_type', says: 'AADSTS70003' },
  { form: { grant_type: 'client_credentials' }, error: 'unauthorized_client', says: 'AADSTS' },
])('a token request with $form is rejected', ({ form, error, says }) =>
  withSandbox({ referrals: 5 }, async ({ sandbox }) => {
    const answer = await askToken(sandbox, form)
    expect(answer.status).toBe(400)
    const body = (await answer.json()) as { error: string; error_description: string }
    expect(body.error).toBe(error)
    expect(body.error_description).toContain(says)
  }),
)

test('the two newest refresh tokens are accepted, older ones are not', () =>
  withSandbox({ referrals: 5, rotateRefreshToken: true }, async ({ sandbox }) => {
    const first = 'sandbox-refresh-token.1'
    const refresh = (token: string) => askToken(sandbox, { refresh_token: token })
    expect(await (await refresh(first)).json()).toMatchObject({
      refresh_token: 'sandbox-refresh-token.2',
    })
    expect((await refresh('sandbox-refresh-token')).status).toBe(400)
    expect((await refresh(first)).status).toBe(200)
  }))

test('a device sign-in is pending once, then granted', () =>
  withSandbox({ referrals: 5 }, async ({ sandbox }) => {
    const started = await fetch(`${sandbox.url}/common/oauth2/v2.0/devicecode`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'test' }),
    })
    const { device_code } = (await started.json()) as { device_code: string }
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code }
    expect(await (await askToken(sandbox, form)).json()).toMatchObject({
      error: 'authorization_pending',
    })
    expect(await (await askToken(sandbox, form)).json()).toMatchObject({
      refresh_token: 'sandbox-refresh-token',
    })
  }))

test('a request above the rate gets 429, and passes after Retry-After', async () => {
  let nowMs = 0
  const options = { referrals: 5, requestsPerMinute: 60, clock: () => nowMs }
  await withSandbox(options, async ({ get }) => {
    expect((await get(listPath)).status).toBe(200)
    const throttled = await get(listPath)
    expect(throttled.status).toBe(429)
    const waitSeconds = Number(throttled.headers.get('retry-after'))
    expect(waitSeconds).toBe(2)
    nowMs += waitSeconds * 1000
    expect((await get(listPath)).status).toBe(200)
    for (let seconds = 0; seconds < 30; seconds++) {
      nowMs += 1000
      expect((await get(listPath)).status).toBe(200)
    }
  })
})

test('the sandbox records its requests', () =>
  withSandbox({ referrals: 5 }, async ({ sandbox, get }) => {
    await get(`${listPath}?$top=1`)
    expect(sandbox.requests).toEqual([
      { method: 'POST', url: '/common/oauth2/v2.0/token', status: 200 },
      { method: 'GET', url: `${listPath}?$top=1`, status: 200 },
    ])
  }))

test('corrupt referrals are served, each in its own way, with their id', () =>
  withSandbox({ referrals: 100, broken: 10 }, async ({ list, sandbox }) => {
    const { value } = await list()
    const intact = new Map((await whole(100)).map((each) => [each.id, JSON.stringify(each)]))
    const corrupt = value.filter((each) => JSON.stringify(each) !== intact.get(each.id))
    expect(corrupt).toHaveLength(10)
    expect(typeof corrupt[0]?.id).toBe('string')
    expect(sandbox.change(100)).toHaveLength(90)
  }))

async function whole(referrals: number) {
  let all: { id?: string | null }[] = []
  await withSandbox({ referrals }, async ({ sandbox }) => {
    all = sandbox.referrals()
  })
  return all
}

test('a user with partial visibility sees a fixed share of the referrals, and no other by id', () =>
  withSandbox(
    { referrals: 200, visiblePercent: { office: 40 } },
    async ({ sandbox, get, walk }) => {
      const seen = async () =>
        (await walk()).flatMap(({ value }) => value.map(({ id }) => id ?? ''))
      const all = await seen()
      expect(all).toHaveLength(200)
      sandbox.signInAs('office')
      const some = new Set(await seen())
      expect(some.size).toBeGreaterThan(50)
      expect(some.size).toBeLessThan(110)
      expect(new Set(await seen())).toEqual(some)
      for (const id of all.slice(0, 20)) {
        const { status } = await get(`${listPath}/${id}`)
        expect(status).toBe(some.has(id) ? 200 : 404)
      }
      sandbox.signInAs('admin')
      expect(await seen()).toEqual(all)
    },
  ))
