import { describe, expect, test } from 'vitest'
import { readByStatus } from '../../../src/extract/paging/read-by-status.ts'
import { type Habits, listedSource, rowsOf } from './listed-source.ts'

async function read(rows: number, habits: Partial<Habits>) {
  const { api, source, capabilities } = listedSource(rowsOf(rows), habits)
  const ids: string[] = []
  for await (const page of readByStatus(api, capabilities, 'ReviewPending')) {
    for (const referral of page.referrals) ids.push((referral as { id: string }).id)
  }
  return { ids, requests: source.asked.length }
}

const waiting = (rows: number) =>
  rowsOf(rows)
    .filter(({ registrationStatus }) => registrationStatus === 'ReviewPending')
    .map(({ id }) => id)

describe('readByStatus', () => {
  test.each<{ how: string; habits: Partial<Habits>; requests: number }>([
    { how: 'links', habits: { skip: 'ignored' }, requests: 2 },
    { how: 'offsets', habits: { links: 'none' }, requests: 2 },
    { how: 'offsets of short pages', habits: { links: 'none', pageCap: 100 }, requests: 2 },
    { how: 'links of short pages', habits: { pageCap: 40 }, requests: 4 },
  ])('readByStatus reads each referral of the status by $how', async ({ habits, requests }) => {
    const found = await read(3000, habits)
    expect([...new Set(found.ids)]).toEqual(waiting(3000))
    expect(found.requests).toBe(requests)
  })

  test('readByStatus reads the first page alone where neither link nor offset leads on', async () => {
    const found = await read(3000, { skip: 'ignored', links: 'none' })
    expect(found).toEqual({ ids: waiting(3000).slice(0, 100), requests: 1 })
  })

  test('readByStatus ends where an offset shows the same page again', async () => {
    const { api, capabilities, source } = listedSource(rowsOf(3000), {
      skip: 'ignored',
      links: 'none',
    })
    const ids: unknown[] = []
    for await (const page of readByStatus(api, { ...capabilities, skip: true }, 'ReviewPending')) {
      ids.push(...page.referrals)
    }
    expect(ids).toHaveLength(100)
    expect(source.asked).toHaveLength(2)
  })

  test('readByStatus reads an empty list with one request', async () => {
    expect(await read(0, {})).toEqual({ ids: [], requests: 1 })
  })

  test('readByStatus takes a single row that changed meanwhile, and no list of other statuses', async () => {
    const { api, source, capabilities } = listedSource(rowsOf(200))
    source.rows[0] = { ...rowsOf(1)[0], registrationStatus: 'ReviewPending' } as never
    source.onRequest = () => undefined
    const { api: ignoring } = listedSource(rowsOf(200), { statusFilter: 'ignored' })
    await expect(
      readByStatus(ignoring, capabilities, 'ReviewPending').next(),
    ).rejects.toMatchObject({ code: 'paging.filter_ignored' })
    const changing = {
      ...api,
      getPage: async (query: Parameters<typeof api.getPage>[0]) => {
        const page = await api.getPage(query)
        const [first, ...rest] = page.referrals as { registrationStatus: string }[]
        return { ...page, referrals: [{ ...first, registrationStatus: 'Failed' }, ...rest] }
      },
    }
    const pages = readByStatus(changing, capabilities, 'ReviewPending')
    expect((await pages.next()).value?.referrals).toHaveLength(10)
  })
})
