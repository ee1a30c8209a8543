import { describe, expect, test } from 'vitest'
import type { Capabilities } from '../../../src/extract/api/capabilities.ts'
import { probe } from '../../../src/extract/api/probe.ts'
import { readAll } from '../../../src/extract/paging/read-all.ts'
import { readById } from '../../../src/extract/paging/read-by-id.ts'
import { readChangedSince } from '../../../src/extract/paging/read-changed.ts'
import { type Received, type Reply, withServer } from '../../support/scripted-server.ts'
import { aReferral, collect, idsOf, withApi } from '../support.ts'

type Row = ReturnType<typeof aReferral>

const rows = (count: number, from = 0): Row[] =>
  Array.from({ length: count }, (_, index) => aReferral(`r${from + index}`))

interface Behaviour {
  /** Most rows on a page. */
  pageCap?: number
  /** True when pages have a next link while rows are left. */
  links?: boolean
  /** `total`: links end after `$top` rows. */
  top?: 'page' | 'total'
  skip?: 'obeyed' | 'ignored' | 'refused'
  /** Empty pages before each page with rows. */
  emptyPages?: number
}

/** Serves a list of referrals with the given behaviour. */
function list(all: readonly Row[], behaviour: Behaviour = {}) {
  const {
    pageCap = 3,
    links = true,
    top: topMeans = 'page',
    skip = 'obeyed',
    emptyPages = 0,
  } = behaviour
  return (request: Received): Reply => {
    const query = new URL(request.path, 'http://localhost').searchParams
    const token = query.get('$skiptoken')?.split('.').map(Number)
    if (token === undefined && query.has('$skip') && skip === 'refused')
      return { status: 400, body: { error: { code: 'invalidRequest' } } }
    const start = skip === 'obeyed' ? Number(query.get('$skip') ?? 0) : 0
    const [offset = start, top = Number(query.get('$top')), empties = emptyPages] = token ?? []
    const most = Math.min(top, pageCap)
    const value = empties > 0 ? [] : all.slice(offset, offset + most)
    const next = offset + value.length
    const left = topMeans === 'total' ? top - value.length : top
    const isMore = links && next < all.length && left > 0
    const link = `/v1.0/referrals?$skiptoken=${next}.${left}.${empties > 0 ? empties - 1 : emptyPages}`
    return { body: { value, ...(isMore ? { '@odata.nextLink': link } : {}) } }
  }
}

const nothingKnown: Capabilities = {
  createdFilter: null,
  updatedFilter: null,
  statusFilter: false,
  nextLink: false,
  skip: false,
  pageCap: null,
  count: 'unknown',
}
const skipWorks: Capabilities = { ...nothingKnown, skip: true }

/** Reads everything; without `known`, the capabilities are probed first. */
const readList = (script: (request: Received) => Reply, pageSize = 3, known?: Capabilities) =>
  withServer(script, (server) =>
    withApi(server.url, { pageSize }, async (api) => {
      const capabilities = known ?? (await probe(api))
      const asked = server.requests.length
      const pages = await collect(readAll(api, capabilities)).catch((error: Error) => error)
      const paths = server.requests.map((request) => decodeURIComponent(request.path))
      return { pages, paths: paths.slice(asked) }
    }),
  )

/** Ids in the order they were first read, without duplicates. */
const idsRead = async (
  script: (request: Received) => Reply,
  pageSize: number,
  known?: Capabilities,
) => {
  const { pages } = await readList(script, pageSize, known)
  if (pages instanceof Error) throw pages
  return [...new Set(idsOf(pages).flat())]
}

describe('readAll over a scripted list', () => {
  test.each<[string, Behaviour, number]>([
    ['by next links', {}, 3],
    ['by next links with empty pages between', { emptyPages: 2 }, 3],
    ['by next links of short pages', { pageCap: 2 }, 3],
    ['by $skip when there are no links', { links: false }, 3],
    ['by $skip when pages are shorter than asked for', { links: false, pageCap: 2 }, 3],
    ['by both when $top limits the whole chain', { top: 'total', pageCap: 2 }, 4],
    ['by $skip when $top limits the whole and fits one page', { top: 'total', pageCap: 9 }, 4],
    ['in one page, $skip ignored', { links: false, pageCap: 99, skip: 'ignored' }, 9],
    ['in one page, $skip refused', { links: false, pageCap: 99, skip: 'refused' }, 9],
    ['by next links, $skip refused', { skip: 'refused' }, 3],
  ])('readAll reads every referral: %s', async (_name, behaviour, pageSize) => {
    for (const count of [0, 1, 2, 3, 4, 6, 7, 8]) {
      if (count >= pageSize && behaviour.skip !== undefined && behaviour.links === false) continue
      const all = rows(count)
      const ids = all.map((row) => row.id)
      expect(await idsRead(list(all, behaviour), pageSize)).toEqual(ids)
      expect(await idsRead(list(all, behaviour), pageSize, nothingKnown)).toEqual(ids)
    }
  })

  test('readAll pages oldest first with overlapping pages, then reads the newest', async () => {
    const { paths } = await readList(list(rows(5), { links: false, pageCap: 2 }), 3, skipWorks)
    const query = '/v1.0/engagements/referrals?$orderby=createdDateTime asc&$top=3'
    const newest = '/v1.0/engagements/referrals?$orderby=updatedDateTime desc&$top=3'
    expect(paths).toEqual([
      query,
      ...[1, 2, 3, 4, 5].map((skip) => `${query}&$skip=${skip}`),
      newest,
    ])
  })
})

describe('readAll over a list without an end', () => {
  const envelope = (value: Row[], token: string): Reply => ({
    body: { value, '@odata.nextLink': `/v1.0/referrals?$skiptoken=${token}` },
  })
  let served = 0
  test.each<[string, (request: Received) => Reply, number, string]>([
    ['the same link again', () => envelope(rows(3), 'same'), 3, 'paging.endless'],
    [
      'a circle of links',
      () => envelope(rows(3, served * 3), `t${served++ % 3}`),
      5,
      'paging.endless',
    ],
    [
      'the same rows under ever new links',
      () => envelope(rows(3), `n${served++}`),
      4,
      'paging.endless',
    ],
    [
      'a full page without link, $skip ignored',
      list(rows(9), { links: false, skip: 'ignored' }),
      3,
      'paging.no_way_on',
    ],
    [
      'a full page without link, $skip refused',
      list(rows(9), { links: false, skip: 'refused' }),
      3,
      'paging.no_way_on',
    ],
    [
      'an offset that is too far',
      (request) =>
        request.path.includes('skip=6')
          ? { status: 400 }
          : list(rows(9), { links: false })(request),
      4,
      'paging.no_way_on',
    ],
  ])('readAll fails loudly over %s', async (_name, script, most, code) => {
    served = 0
    const { pages, paths } = await readList(script, 3, nothingKnown)
    expect(pages).toMatchObject({ kind: 'sourceBroken', code })
    expect(paths.length).toBeLessThanOrEqual(most)
  })
})

describe('readChangedSince', () => {
  const at = (day: number) => `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`
  const newestFirst = (all: readonly Row[]) =>
    [...all].sort((one, other) => (one.updatedDateTime < other.updatedDateTime ? 1 : -1))
  const dated = (days: readonly number[]) => days.map((day) => aReferral(`d${day}`, at(day)))

  /** Reads while `touch` changes the list before each answer. */
  const readSince = (all: Row[], since: string, touch?: (count: number) => void) => {
    let count = 0
    return withServer(
      (request) => {
        count += 1
        touch?.(count)
        return list(newestFirst(all), { links: false })(request)
      },
      (server) =>
        withApi(server.url, {}, async (api) => {
          const pages = await collect(readChangedSince(api, since, skipWorks))
          return { pages, requests: server.requests }
        }),
    )
  }

  test('readChangedSince reads up to the first page that goes further back', async () => {
    const all = dated([20, 19, 18, 17, 16, 15, 14, 13, 12])
    const { pages, requests } = await readSince(all, at(17))
    expect(idsOf(pages)).toEqual([
      ['d20', 'd19', 'd18'],
      ['d18', 'd17', 'd16'],
    ])
    expect(requests[0]?.path).toContain('$orderby=updatedDateTime%20desc')
    // Two pages, and the head again, which shows that nothing moved.
    expect(requests).toHaveLength(3)
  })

  test('readChangedSince takes one request when the first page goes far enough back', async () => {
    const { requests } = await readSince(dated([20, 19, 18, 17]), at(19))
    expect(requests).toHaveLength(1)
  })

  test('readChangedSince accepts text order within a second', async () => {
    const stamp = (fraction: string) => `2026-01-10T00:00:00${fraction}Z`
    const all = ['', '.45', '.4579543', '.4579542', '.1'].map((fraction, index) =>
      aReferral(`r${index}`, stamp(fraction)),
    )
    const { pages } = await readSince([...all, ...dated([9, 8, 7])], stamp('.4579542'))
    expect(idsOf(pages).flat()).toEqual(expect.arrayContaining(all.map((row) => row.id)))
  })

  test('readChangedSince includes rows that moved to the head meanwhile', async () => {
    const all = dated([20, 19, 18, 17, 16, 15, 14, 13])
    const { pages } = await readSince(all, at(14), (count) => {
      // Before the second page is read, an unread row moves to the head.
      const moved = all.find((row) => row.id === 'd15')
      if (count === 2 && moved) moved.updatedDateTime = at(25)
    })
    const seen = pages.flatMap((page) => page.referrals as Row[])
    expect(new Set(seen.map((row) => row.id)).size).toBe(8)
    expect(seen).toContainEqual(aReferral('d15', at(25)))
  })

  test('readChangedSince ends although the list never comes to rest', async () => {
    const all = dated([20, 19, 18, 17, 16, 15, 14, 13])
    const { requests } = await readSince(all, at(13), (count) => {
      const last = newestFirst(all).at(-1)
      if (last) last.updatedDateTime = new Date(Date.UTC(2026, 1, 1) + count).toISOString()
    })
    expect(requests.length).toBeLessThan(40)
  })

  test('readChangedSince rejects a list in another order', async () => {
    const all = dated([18, 20, 19])
    await withServer(list(all), (server) =>
      withApi(server.url, {}, async (api) => {
        await expect(collect(readChangedSince(api, at(10), skipWorks))).rejects.toMatchObject({
          kind: 'sourceBroken',
          code: 'paging.order_ignored',
        })
      }),
    )
  })
})

describe('readById', () => {
  const ids = Array.from({ length: 20 }, (_, index) => `r${index}`)
  const byId = (request: Received): Reply => {
    const id = request.path.split('/').at(-1) ?? ''
    return id === 'r3' ? { status: 404 } : { body: aReferral(id) }
  }

  test('readById answers every id in order, with null for a missing referral', () =>
    withServer(byId, (server) =>
      withApi(server.url, {}, async (api) => {
        const found = await collect(readById(api, ids, 4))
        expect(found.map((one) => one.id)).toEqual(ids)
        expect(found.filter((one) => one.referral === null).map((one) => one.id)).toEqual(['r3'])
      }),
    ))

  test('readById ends at a failure and leaves no request behind', () =>
    withServer(
      (request) => (request.path.endsWith('r2') ? { status: 415 } : byId(request)),
      (server) =>
        withApi(server.url, {}, async (api) => {
          await expect(collect(readById(api, ids, 2))).rejects.toMatchObject({
            code: 'api.status_415',
          })
          const sent = api.counts.requests
          await new Promise((resolve) => setTimeout(resolve, 50))
          expect(api.counts.requests).toBe(sent)
          expect(sent).toBeLessThan(10)
        }),
    ))

  test('readById leaves no request behind when its reader stops early', () =>
    withServer(byId, (server) =>
      withApi(server.url, {}, async (api) => {
        for await (const one of readById(api, ids, 2)) if (one.id === 'r1') break
        const sent = api.counts.requests
        await new Promise((resolve) => setTimeout(resolve, 50))
        expect(api.counts.requests).toBe(sent)
      }),
    ))
})
