import { describe, expect, test } from 'vitest'
import { readListTotal } from '../../../src/extract/paging/list-total.ts'
import { idsOf } from '../support.ts'
import { type Habits, listedSource, rowsOf } from './listed-source.ts'

async function totalOf(count: number, expected: number, habits: Partial<Habits>) {
  const { api, source, capabilities } = listedSource(rowsOf(count), habits)
  const answer = await readListTotal(api, capabilities, expected)
  return { answer, requests: source.asked.length, newest: source.rows.at(-1)?.id }
}

const ways: Record<string, Partial<Habits>> = {
  'a count of all': { count: 'total', skip: 'refused' },
  'a count of all, with offsets': { count: 'total' },
  'rows behind an offset': { count: 'page' },
  'rows behind an offset, without any count': { count: 'none' },
  'rows behind an offset, a page of one row': { count: 'page', pageSize: 1 },
}

describe.each(Object.entries(ways))('readListTotal by %s', (_, habits) => {
  test('readListTotal equals the expected number when the list has so many rows, and no other', async () => {
    for (const count of [0, 1, 2, 5, 23]) {
      for (const off of [-3, -2, -1, 0, 1, 2, 3]) {
        const expected = count + off
        if (expected < 0) continue
        const { answer, requests } = await totalOf(count, expected, { pageSize: 3, ...habits })
        expect(answer?.total === expected, `${count} rows, ${expected} expected`).toBe(off === 0)
        expect(requests).toBe(1)
      }
    }
  })

  test('readListTotal shows the row that was created last', async () => {
    const { answer, newest } = await totalOf(24, 23, { pageSize: 3, ...habits })
    expect(answer?.total).toBe(24)
    expect(idsOf(answer === null ? [] : [answer.page]).flat()).toContain(newest)
  })
})

describe('readListTotal where nothing shows the total', () => {
  test('readListTotal asks nothing where neither counts nor offsets are known to work', async () => {
    const { answer, requests } = await totalOf(9, 9, { count: 'page', skip: 'ignored' })
    expect({ answer, requests }).toEqual({ answer: null, requests: 0 })
  })

  test('readListTotal returns null when a count of all has become one of the page', async () => {
    const { api } = listedSource(rowsOf(9), { count: 'page', pageSize: 3 })
    expect(await readListTotal(api, { count: 'total', skip: false }, 9)).toBeNull()
  })

  test('readListTotal returns null when the offset is rejected this time', async () => {
    const { answer, requests } = await totalOf(9, 9, { count: 'page', skipMax: 4 })
    expect({ answer, requests }).toEqual({ answer: null, requests: 1 })
  })
})
