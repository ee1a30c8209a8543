import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  activated,
  type ModelWay,
  reachableFrom,
  type Way,
} from '../../../src/dictionary/power-bi/ways.ts'

const way = (from: string, fromColumn: string, to: string): Way => ({
  from,
  fromColumn,
  to,
  toColumn: 'key',
})

/** Number of paths along active ways, counted step by step. */
function paths(from: string, to: string, ways: readonly ModelWay[]): number {
  return ways
    .filter((one) => one.isActive && one.from === from)
    .reduce((sum, one) => sum + (one.to === to ? 1 : paths(one.to, to, ways)), 0)
}

describe('activated', () => {
  test('the first of several ways between two tables is active', () => {
    const ways = activated([way('fact', 'created', 'day'), way('fact', 'closed', 'day')])
    expect(ways.map(({ isActive }) => isActive)).toEqual([true, false])
  })

  test('a way that would be a second path is inactive, whichever end is added last', () => {
    const ways = [way('tag', 'a', 'deal'), way('tag', 'b', 'account'), way('deal', 'c', 'account')]
    expect(activated(ways).map(({ isActive }) => isActive)).toEqual([true, true, false])
    const [first, second, third] = ways
    const other = activated([first, third, second].filter((one) => one !== undefined))
    expect(other.map(({ fromColumn, isActive }) => [fromColumn, isActive])).toEqual([
      ['a', true],
      ['c', true],
      ['b', false],
    ])
  })

  test('the first way of a column is kept, and others are left out', () => {
    expect(activated([way('tag', 'a', 'deal'), way('tag', 'a', 'fact')])).toEqual([
      { ...way('tag', 'a', 'deal'), isActive: true },
    ])
  })

  test('one path at most is active between any two tables, and no way is inactive needlessly', () => {
    const tables = ['a', 'b', 'c', 'd', 'e', 'f']
    // From earlier to later tables, as facts lead to dimensions: without circles.
    const anyWay = fc
      .tuple(fc.nat(4), fc.nat(4), fc.nat(99))
      .map(([from, step, column]) =>
        way(tables[from] ?? '', `c${column}`, tables[Math.min(5, from + 1 + step)] ?? ''),
      )
    fc.assert(
      fc.property(fc.array(anyWay, { maxLength: 30 }), (ways) => {
        const result = activated(ways)
        for (const from of tables) {
          for (const to of tables) expect(paths(from, to, result)).toBeLessThanOrEqual(1)
        }
        for (const one of result.filter(({ isActive }) => !isActive)) {
          const withIt = result.map((other) => (other === one ? { ...one, isActive: true } : other))
          const counts = tables.flatMap((from) => tables.map((to) => paths(from, to, withIt)))
          expect(Math.max(...counts)).toBeGreaterThan(1)
        }
      }),
    )
  })
})

test('reachableFrom follows active ways alone, over several tables', () => {
  const ways = activated([
    way('tag', 'a', 'deal'),
    way('deal', 'b', 'account'),
    way('deal', 'c', 'day'),
    way('deal', 'd', 'day'),
    way('other', 'e', 'account'),
  ])
  expect([...reachableFrom('tag', ways)].sort()).toEqual(['account', 'day', 'deal', 'tag'])
  expect([...reachableFrom('account', ways)]).toEqual(['account'])
})
