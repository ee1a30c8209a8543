import { describe, expect, test } from 'vitest'
import { probe } from '../../../src/extract/api/probe.ts'
import { aRow, type Habits, listedSource, rowsOf } from '../paging/listed-source.ts'

async function find(rows: number, habits: Partial<Habits>) {
  const { api, source } = listedSource(rowsOf(rows), habits)
  const found = await probe(api)
  expect(source.asked.length).toBeLessThanOrEqual(14)
  return found
}

describe('probe', () => {
  const all = {
    createdFilter: 'bare',
    updatedFilter: 'bare',
    statusFilter: true,
    nextLink: true,
    skip: true,
    pageCap: 100,
    count: 'page',
  }
  const none = { createdFilter: null, updatedFilter: null }
  test.each<[string, Partial<Habits>, object]>([
    ['everything', {}, {}],
    [
      'a filter that wants quotes',
      { filter: 'quoted' },
      { createdFilter: 'quoted', updatedFilter: 'quoted' },
    ],
    ['a filter that is refused', { filter: 'refused' }, none],
    ['a filter that is ignored', { filter: 'ignored' }, none],
    ['a filter that finds nothing, ever', { filter: 'nothing' }, none],
    [
      'a filter on the status that is refused',
      { statusFilter: 'refused' },
      { statusFilter: false },
    ],
    [
      'a filter on the status that is ignored',
      { statusFilter: 'ignored' },
      { statusFilter: false },
    ],
    [
      'a filter on the status that finds nothing',
      { statusFilter: 'nothing' },
      { statusFilter: false },
    ],
    ['no links', { links: 'none' }, { nextLink: false }],
    ['$skip refused', { skip: 'refused' }, { skip: false }],
    ['$skip ignored', { skip: 'ignored' }, { skip: false }],
    ['small pages', { pageCap: 30 }, { pageCap: 30 }],
    ['pages as long as asked for', { pageCap: 1000 }, { pageCap: null }],
    ['counts of all', { count: 'total' }, { count: 'total' }],
    ['no counts', { count: 'none' }, { count: 'unknown' }],
  ])('probe finds %s', async (_name, habits, differs) => {
    expect(await find(250, habits)).toEqual({ ...all, ...differs })
  })

  test.each([2, 5, 99])('probe works over %i referrals', async (rows) => {
    expect(await find(rows, {})).toEqual({ ...all, pageCap: null })
    expect(await find(rows, { count: 'total' })).toMatchObject({ count: 'total' })
    const useless = {
      skip: 'ignored',
      filter: 'ignored',
      statusFilter: 'ignored',
      links: 'none',
    } as const
    expect(await find(rows, useless)).toEqual({
      ...none,
      statusFilter: false,
      nextLink: false,
      skip: false,
      pageCap: null,
      count: 'page',
    })
  })

  test('probe finds nothing over an empty source', async () => {
    const nothing = {
      ...none,
      statusFilter: false,
      nextLink: false,
      skip: false,
      pageCap: null,
      count: 'unknown',
    }
    expect(await find(0, {})).toEqual(nothing)
  })

  test('probe finds a filter among 300 referrals of one second', async () => {
    const tied = Array.from({ length: 300 }, (_, index) => aRow(index, Date.UTC(2025, 0, 1)))
    const { api } = listedSource(tied)
    expect(await probe(api)).toMatchObject({ createdFilter: 'bare', updatedFilter: 'bare' })
  })

  test('probe finds no filter on the status where a server without it shows one status alone', async () => {
    const rows = rowsOf(50).map((row) => ({ ...row, registrationStatus: 'None' }))
    const ignoring = listedSource(rows, { statusFilter: 'ignored' })
    expect(await probe(ignoring.api)).toMatchObject({ statusFilter: false })
    const obeying = listedSource(rows)
    expect(await probe(obeying.api)).toMatchObject({ statusFilter: true })
  })

  test('probe passes on failures other than a rejected query', async () => {
    const { api, source } = listedSource(rowsOf(5))
    source.onRequest = (request) => {
      if (request === 3) throw new Error('the network is gone')
    }
    await expect(probe(api)).rejects.toThrow('the network is gone')
  })
})
