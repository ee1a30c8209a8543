import { describe, expect, test } from 'vitest'
import type { Page } from '../../../src/extract/api/page.ts'
import { readAll } from '../../../src/extract/paging/read-all.ts'
import { collect, idsOf } from '../support.ts'
import { aRow, type Habits, listedSource, rowsOf } from './listed-source.ts'

async function readIds(count: number, habits: Partial<Habits>, rows = rowsOf(count)) {
  const { api, source, capabilities } = listedSource(rows, habits)
  const pages = await collect(readAll(api, capabilities))
  return { ids: new Set(idsOf(pages).flat()), requests: source.asked.length, source }
}

const ways: Record<string, Partial<Habits>> = {
  'filter and links': {},
  'filter and $skip': { links: 'none' },
  'filter alone': { links: 'none', skip: 'refused' },
  'filter, $skip ignored': { links: 'none', skip: 'ignored' },
  'filter in quotes': { filter: 'quoted' },
  '$skip alone': { filter: 'refused', links: 'none' },
  '$skip and links': { filter: 'ignored' },
  'links alone': { filter: 'refused', skip: 'refused' },
  'links, $skip ignored': { filter: 'refused', skip: 'ignored' },
}

describe.each(Object.entries(ways))('readAll by %s', (_name, way) => {
  const counts = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 23]
  const habits: Record<string, Partial<Habits>> = {
    'pages as asked for': {},
    'pages shorter than asked for': { pageCap: 2 },
    'pages of a single row': { pageCap: 1 },
    'counts of all': { count: 'total' },
    'no counts': { count: 'none' },
  }
  test.each(Object.entries(habits))('readAll returns every row: %s', async (_habit, habit) => {
    // A filter alone cannot page beyond a row that fills a page.
    const isStuck = way.links === 'none' && way.skip !== undefined && habit.pageCap === 1
    for (const count of counts) {
      const read = readIds(count, { pageSize: 3, ...way, ...habit })
      if (isStuck && count > 1) {
        await expect(read).rejects.toMatchObject({ code: 'paging.rows_missing' })
        continue
      }
      const { ids } = await read
      expect(ids.size, `${count} rows`).toBe(count)
    }
  })

  test('readAll returns 500 rows of one second among others', async () => {
    const tied = Array.from({ length: 500 }, (_, index) => aRow(1000 + index, Date.UTC(2025, 5, 1)))
    const rows = [...rowsOf(250), ...tied, ...rowsOf(130, 20_000_000)]
    const read = readIds(0, way, rows)
    // A filter alone cannot distinguish the rows of one second.
    if (way.links === 'none' && way.skip !== undefined)
      await expect(read).rejects.toMatchObject({ kind: 'sourceBroken', code: 'paging.no_way_on' })
    else expect((await read).ids.size).toBe(rows.length)
  })
})

describe('readAll over a faulty server', () => {
  const faults: Record<string, Partial<Habits>> = {
    'short pages in the middle': { isShort: (request) => request % 3 === 0 },
    'empty pages in the middle': { isEmpty: (request) => request % 5 === 3 },
    'an empty page first': { isEmpty: (request) => request === 1 },
    'a wrong count': { count: 'wrong' },
    'an offset ceiling': { skipMax: 300 },
    '$top means total': { top: 'total' },
    '$top means total, in short pages': { top: 'total', pageCap: 30 },
    'links that end too early': { links: 'lost' },
    'a link to itself': { links: 'same' },
    'two links in turn': { links: 'two in turn' },
    'ever new links to the same rows': { links: 'ever new' },
    'a filter that finds nothing': { filter: 'nothing' },
    'an order that is ignored': { order: 'ignored' },
    'none of that': {},
  }
  const byFilter = ['filter and links', 'filter and $skip', 'filter alone', 'filter in quotes']
  const byLinks = ['links alone', 'links, $skip ignored']
  /** Combinations that fail with an error; all others return every row. */
  const loud: Record<string, { ways: readonly string[]; code: string }> = {
    'empty pages in the middle': { ways: byLinks, code: 'paging.endless' },
    'an offset ceiling': { ways: ['$skip alone'], code: 'paging.no_way_on' },
    '$top means total': { ways: byLinks, code: 'paging.no_way_on' },
    '$top means total, in short pages': { ways: byLinks, code: 'paging.no_way_on' },
    'links that end too early': { ways: byLinks, code: 'paging.no_way_on' },
    'a link to itself': { ways: byLinks, code: 'paging.endless' },
    'two links in turn': { ways: byLinks, code: 'paging.endless' },
    'ever new links to the same rows': { ways: byLinks, code: 'paging.endless' },
    'a filter that finds nothing': {
      ways: [...byFilter, 'filter, $skip ignored'],
      code: 'paging.filter_ignored',
    },
    'an order that is ignored': { ways: Object.keys(ways), code: 'paging.order_ignored' },
  }
  const cases = Object.entries(ways).flatMap(([way, habits]) =>
    Object.entries(faults).map(([name, fault]) => ({ way, name, habits: { ...habits, ...fault } })),
  )
  test.each(cases)(
    'readAll returns all rows or fails loudly by $way: $name',
    async ({ way, name, habits }) => {
      const { api, source } = listedSource(shuffled(rowsOf(750)), habits)
      // The capabilities found before the fault appeared.
      const known = listedSource([], ways[way]).capabilities
      const pages = await collect(readAll(api, known)).catch((error: unknown) => error)
      const end = loud[name]?.ways.includes(way) ? loud[name] : undefined
      if (end !== undefined) expect(pages).toMatchObject({ kind: 'sourceBroken', code: end.code })
      else expect(new Set(idsOf(pages as Page[]).flat()).size).toBe(750)
      expect(source.asked.length).toBeLessThan(40)
      if (/^(an )?(short|empty) page/.test(name)) expect(source.cut).toBeGreaterThan(0)
    },
  )

  test.each(Object.entries(ways))(
    'readAll by %s outlasts a filter or $skip that stops working',
    async (_, way) => {
      for (const lost of [
        { filter: 'ignored' },
        { filter: 'refused' },
        { skip: 'ignored' },
      ] as const) {
        const { api, source } = listedSource(rowsOf(750), { ...way, ...lost })
        const known = listedSource([], way).capabilities
        const pages = await collect(readAll(api, known)).catch((error: unknown) => error)
        if (Array.isArray(pages)) expect(new Set(idsOf(pages).flat()).size).toBe(750)
        else
          expect(pages).toMatchObject({
            kind: 'sourceBroken',
            code: expect.stringMatching(/^paging\./),
          })
        expect(source.asked.length).toBeLessThan(150)
      }
    },
  )
})

function shuffled<T>(members: readonly T[]): T[] {
  return members.map((_, index) => members[(index * 331) % members.length] as T)
}

test.each<[string, Partial<Habits>, number]>([
  ['filter and links', {}, 1.05],
  ['filter and $skip', { links: 'none' }, 1.06],
  ['$skip alone', { links: 'none', filter: 'refused' }, 1.1],
  ['links alone', { skip: 'refused', filter: 'refused' }, 1.05],
])(
  'readAll by %s takes at most %s requests more than pages for 10,000 rows',
  async (_name, way, most) => {
    const { requests } = await readIds(10_000, way)
    process.stdout.write(`${_name}: ${requests} requests for 100 pages\n`)
    expect(requests).toBeLessThanOrEqual(100 * most)
  },
)

describe('readAll of vanishing rows', () => {
  test.each(Object.entries(ways).filter(([, way]) => !(way.filter && way.skip)))(
    'by %s',
    async (_name, way) => {
      for (const vanishing of [1, 3, 40, 300]) {
        const { api, source, capabilities } = listedSource(rowsOf(2_000), way)
        const gone = new Set<string>()
        source.onRequest = (request) => {
          if (request < 3 || request > 9) return
          for (const row of source.rows.splice(0, vanishing / (vanishing > 10 ? 4 : 1)))
            gone.add(row.id)
        }
        const all = new Set(source.rows.map((row) => row.id))
        const ids = new Set(idsOf(await collect(readAll(api, capabilities))).flat())
        expect(gone.size).toBeGreaterThan(6)
        expect([...all].filter((id) => !ids.has(id) && !gone.has(id))).toEqual([])
      }
    },
  )
})
