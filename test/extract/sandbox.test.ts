import { describe, expect, test } from 'vitest'
import { probe } from '../../src/extract/api/probe.ts'
import { readAll } from '../../src/extract/paging/read-all.ts'
import { readById } from '../../src/extract/paging/read-by-id.ts'
import { readChangedSince } from '../../src/extract/paging/read-changed.ts'
import { type SandboxOptions, startSandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { collect, idsOf, memoryStore, withApi } from './support.ts'

async function withSandbox(
  options: Partial<SandboxOptions>,
  use: (world: {
    api: Parameters<Parameters<typeof withApi>[2]>[0]
    sandbox: Awaited<ReturnType<typeof startSandbox>>
    store: ReturnType<typeof memoryStore>
  }) => Promise<void>,
): Promise<void> {
  const sandbox = await startSandbox({ referrals: 450, seed: 3, ...options })
  const store = memoryStore()
  try {
    await withApi(
      sandbox.url,
      {
        accessToken: undefined,
        refreshToken: 'sandbox-refresh-token',
        clientId: 'any',
        tokenStore: store,
        pageSize: 100,
        timeouts: undefined,
      },
      (api) => use({ api, sandbox, store }),
    )
  } finally {
    await sandbox.close()
  }
}

describe('a full read of the sandbox', () => {
  test.each<Partial<SandboxOptions>>([
    {},
    { nextLink: 'http-without-engagements' },
    { top: 'total' },
    { top: 'total', pageCap: 30 },
    { pageCap: 30 },
    { count: 'total' },
    { skip: false },
    { dateFilter: false },
    { dateFilter: false, skip: false },
    { dateFilter: false, skip: false, count: 'total' },
    { dateFilter: false, top: 'total', pageCap: 30 },
    { dateLiteral: 'quoted' },
    { broken: 20 },
    { broken: 20, dateFilter: false },
    { referrals: 100 },
    { referrals: 0 },
    { rotateRefreshToken: true },
  ])('a full read has every referral of a sandbox with %j', (options) =>
    withSandbox(options, async ({ api, sandbox }) => {
      const ids = new Set(idsOf(await collect(readAll(api, await probe(api)))).flat())
      expect(ids).toEqual(new Set(sandbox.referrals().map((referral) => referral.id)))
    }),
  )
})

test('readChangedSince finds what changed since the last read', () =>
  withSandbox({}, async ({ api, sandbox }) => {
    const since = sandbox.now()
    const changed = sandbox.change(120)
    const ids = new Set(idsOf(await collect(readChangedSince(api, since, await probe(api)))).flat())
    expect(changed.filter((id) => !ids.has(id))).toEqual([])
    expect(ids.size).toBeLessThan(450)
  }))

test('readById returns invisible referrals as null', () =>
  withSandbox({}, async ({ api, sandbox }) => {
    const [gone = ''] = sandbox.vanish(1)
    const [there = ''] = sandbox.referrals().map((referral) => String(referral.id))
    const found = await collect(readById(api, [there, gone], 4))
    expect(found.map((one) => one.referral === null)).toEqual([false, true])
  }))

test('a rotated refresh token is stored', () =>
  withSandbox({ rotateRefreshToken: true }, async ({ api, store }) => {
    await api.getPage({ orderBy: 'createdDateTime asc' })
    expect(store.saved).toHaveLength(1)
    expect(store.saved[0]).not.toBe('sandbox-refresh-token')
  }))
