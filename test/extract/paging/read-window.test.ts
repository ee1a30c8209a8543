import { describe, expect, test } from 'vitest'
import { readWindow, type WindowPage } from '../../../src/extract/paging/read-window.ts'
import { collect, idsOf } from '../support.ts'
import { type Habits, listedSource, type Row, rowsOf } from './listed-source.ts'

const ways: Record<string, Partial<Habits>> = {
  'filter and links': {},
  'filter and $skip': { links: 'none' },
  '$skip alone': { filter: 'refused', links: 'none' },
  '$skip and links': { filter: 'refused' },
  'links alone': { filter: 'refused', skip: 'refused' },
}
const rows = () => rowsOf(1_000)
const created = (index: number) => rows()[index]?.createdDateTime ?? ''
const window = { from: created(300), to: created(699) }
const inside = (all: readonly Row[]) =>
  all.filter((row) => row.createdDateTime >= window.from && row.createdDateTime <= window.to)

describe.each(Object.entries(ways))('readWindow by %s', (_name, way) => {
  test('readWindow returns every referral of the window and marks its last page', async () => {
    const { api, source, capabilities } = listedSource(rows(), way)
    const pages = await collect(readWindow(api, capabilities, window, null))
    const ids = new Set(idsOf(pages).flat())
    for (const row of inside(source.rows)) expect(ids).toContain(row.id)
    expect(pages.map((page) => page.resumeAt === null)).toEqual(
      pages.map((_, index) => index === pages.length - 1),
    )
    expect(source.asked.length).toBeLessThanOrEqual(way.filter === 'refused' ? 9 : 6)
  })

  test('readWindow goes on after any page, though rows vanished meanwhile', async () => {
    for (const stopAfter of [1, 2, 3]) {
      const { api, source, capabilities } = listedSource(rows(), way)
      const first: WindowPage[] = []
      for await (const page of readWindow(api, capabilities, window, null)) {
        first.push(page)
        if (first.length === stopAfter) break
      }
      const asked = source.asked.length
      // Vanished rows shift the offset in a link; all other ways must cope with them.
      if (way.filter !== 'refused' || way.skip !== 'refused') source.rows.splice(50, 80)
      const resumeAt = first.at(-1)?.resumeAt ?? null
      expect(resumeAt).not.toBeNull()
      const rest = await collect(readWindow(api, capabilities, window, resumeAt))
      const ids = new Set(idsOf([...first, ...rest]).flat())
      expect(inside(source.rows).filter((row) => !ids.has(row.id))).toEqual([])
      expect(source.asked.length - asked).toBeLessThanOrEqual(14 - stopAfter)
    }
  })

  test('readWindow has no page for an empty window or one after the last row', async () => {
    const none = listedSource([], way)
    const pages = await collect(readWindow(none.api, none.capabilities, window, null))
    expect(pages).toEqual([])
  })

  test('readWindow returns the page before a failure', async () => {
    const { api, source, capabilities } = listedSource(rows(), way)
    source.onRequest = (request) => {
      if (request === 3) throw new Error('the network is gone')
    }
    const pages: WindowPage[] = []
    const read = async () => {
      for await (const page of readWindow(api, capabilities, window, null)) pages.push(page)
    }
    await expect(read()).rejects.toThrow('the network is gone')
    expect(pages).toHaveLength(2)
    expect(pages.at(-1)?.resumeAt).not.toBeNull()
  })
})

test('readWindow without a creation filter reads everything updated since its start', async () => {
  const { api, source, capabilities } = listedSource(rows())
  const onlyUpdated = { ...capabilities, createdFilter: null }
  const pages = await collect(readWindow(api, onlyUpdated, window, null))
  const ids = new Set(idsOf(pages).flat())
  for (const row of inside(source.rows)) expect(ids).toContain(row.id)
  expect(source.asked[0]).toContain('updatedDateTime ge')
})

test('readWindow starts again when a stored link is rejected', async () => {
  const { api, source, capabilities } = listedSource(rows(), ways['links alone'])
  const [first] = await collect(readWindow(api, capabilities, window, null))
  const stale = first?.resumeAt?.replace(/"link":"[^"]*"/, '"link":"?$skiptoken=stale"') ?? ''
  expect(stale).toContain('stale')
  const ids = new Set(idsOf(await collect(readWindow(api, capabilities, window, stale))).flat())
  expect(inside(source.rows).filter((row) => !ids.has(row.id))).toEqual([])
})

test.each(['rubbish', '{}', '{"property":"updatedDateTime"}'])(
  'readWindow starts again from a cursor of another way of reading (%s)',
  async (position) => {
    const { api, source, capabilities } = listedSource(rows())
    const pages = await collect(readWindow(api, capabilities, window, position))
    const ids = new Set(idsOf(pages).flat())
    expect(inside(source.rows).filter((row) => !ids.has(row.id))).toEqual([])
  },
)

test('readWindow resumes from a cursor as the ledger has kept it since the first version', async () => {
  const { api, source, capabilities } = listedSource(rows())
  const stored =
    '{"property":"createdDateTime","direction":"asc","literal":"bare","position":{"skip":0,' +
    '"passed":1,"link":null,"at":"2025-01-01T00:06:39","reached":"2025-01-01T00:06:39",' +
    '"recent":["r000398","r000399"]}}'
  const ids = new Set(idsOf(await collect(readWindow(api, capabilities, window, stored))).flat())
  expect(ids).not.toContain('r000398')
  for (const row of inside(source.rows).slice(100)) expect(ids).toContain(row.id)
})
