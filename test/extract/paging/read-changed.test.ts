import { describe, expect, test } from 'vitest'
import { readChangedSince } from '../../../src/extract/paging/read-changed.ts'
import { collect, idsOf } from '../support.ts'
import { aRow, type Habits, listedSource, type Row, rowsOf } from './listed-source.ts'

const ways: Record<string, Partial<Habits>> = {
  'filter and links': {},
  'filter and $skip': { links: 'none' },
  'filter alone': { links: 'none', skip: 'refused' },
  'newest first, $skip': { filter: 'refused', links: 'none' },
  'newest first, links': { filter: 'ignored', skip: 'refused' },
}
const byFilter = Object.entries(ways).filter(([name]) => name.startsWith('filter'))
const iso = (ms: number) => new Date(ms).toISOString()
const startMs = Date.UTC(2026, 0, 15, 12)

describe.each(Object.entries(ways))('readChangedSince by %s', (_name, way) => {
  test('readChangedSince returns everything since a second, with few other requests', async () => {
    const rows = rowsOf(1_000)
    const { api, source, capabilities } = listedSource(rows, way)
    const since = rows[700]?.updatedDateTime ?? ''
    const precise = since.replace('Z', '.9999999Z')
    const ids = new Set(idsOf(await collect(readChangedSince(api, precise, capabilities))).flat())
    for (const row of rows.slice(700)) expect(ids).toContain(row.id)
    expect(source.asked.length).toBeLessThanOrEqual(7)
  })

  test('readChangedSince returns rows updated meanwhile in their last version', async () => {
    const rows = rowsOf(1_000)
    const { api, source, capabilities } = listedSource(rows, way)
    const touched = new Set<Row>()
    source.onRequest = (request) => {
      if (request > 6) return
      for (const row of rows.filter((_, index) => index % 97 === request)) {
        row.updatedDateTime = iso(source.nowMs)
        touched.add(row)
      }
    }
    const since = iso(Date.UTC(2025, 0, 1))
    const pages = await collect(readChangedSince(api, since, capabilities))
    const versions = new Set(
      pages.flatMap((page) => page.referrals.map((row) => JSON.stringify(row))),
    )
    expect(touched.size).toBeGreaterThan(50)
    for (const row of rows) expect(versions).toContain(JSON.stringify(row))
  })

  test('readChangedSince takes at most two requests for nothing new', async () => {
    const { api, source, capabilities } = listedSource(rowsOf(1_000), way)
    await collect(readChangedSince(api, iso(startMs), capabilities))
    expect(source.asked.length).toBeLessThanOrEqual(2)
  })

  test('readChangedSince ends although updates never do', async () => {
    const rows = rowsOf(1_000)
    const { api, source, capabilities } = listedSource(rows, way)
    source.onRequest = (request) => {
      for (let some = 0; some < 30; some += 1) {
        const row = rows[(request * 31 + some * 7) % rows.length]
        if (row) row.updatedDateTime = iso(source.nowMs)
      }
    }
    await collect(readChangedSince(api, iso(startMs - 60_000), capabilities))
    expect(source.asked.length).toBeLessThan(80)
  })

  test('readChangedSince returns rows dated in the future and those behind them', async () => {
    const future = Array.from({ length: 250 }, (_, index) => ({
      ...aRow(5_000 + index),
      updatedDateTime: '2098-12-31T23:59:59.9999999Z',
    }))
    const rows = [...rowsOf(300), ...future]
    const { api, capabilities } = listedSource(rows, way)
    const read = collect(readChangedSince(api, iso(Date.UTC(2025, 0, 1)), capabilities))
    if (way.skip === 'refused' && way.links === 'none')
      await expect(read).rejects.toMatchObject({ code: 'paging.no_way_on' })
    else expect(new Set(idsOf(await read).flat()).size).toBe(550)
  })
})

test.each(byFilter)(
  'readChangedSince by %s returns 250 future rows although updates never end',
  async (_, way) => {
    if (way.skip === 'refused') return
    const future = Array.from({ length: 250 }, (_, index) => ({
      ...aRow(5_000 + index),
      updatedDateTime: '2098-12-31T23:59:59.9999999Z',
    }))
    const rows = [...rowsOf(1_000), ...future]
    const { api, source, capabilities } = listedSource(rows, way)
    source.onRequest = (request) => {
      for (let some = 0; some < 200; some += 1) {
        const row = rows[(request * 31 + some * 7) % 1_000]
        if (row) row.updatedDateTime = iso(source.nowMs)
      }
    }
    const since = iso(startMs - 60_000)
    const ids = new Set(idsOf(await collect(readChangedSince(api, since, capabilities))).flat())
    expect(future.filter((row) => !ids.has(row.id))).toEqual([])
  },
)

test.each(byFilter)(
  'readChangedSince by %s notices a server that ignores the query',
  async (_, way) => {
    const since = aRow(500).updatedDateTime
    const known = listedSource([], way).capabilities
    const faults = [
      [{ filter: 'ignored' }, 'paging.filter_ignored'],
      [{ filter: 'refused' }, 'paging.filter_ignored'],
      [{ order: 'ignored' }, 'paging.order_ignored'],
    ] as const
    for (const [fault, code] of faults) {
      const { api } = listedSource(rowsOf(1_000).reverse(), { ...way, ...fault })
      const read = collect(readChangedSince(api, since, known))
      await expect(read).rejects.toMatchObject({ kind: 'sourceBroken', code })
      await expect(read).rejects.toThrow('cosell doctor')
    }
  },
)
