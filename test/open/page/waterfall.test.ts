import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { waterfall } from '../../../src/open/page/state/waterfall.ts'

const end = (size: number) => ({ size, isEnd: true })
const step = (size: number) => ({ size, isEnd: false })

describe('columns of a waterfall', () => {
  test('columns of both ends stand on the ground, and each step begins where the one before it ended', () => {
    const { bars, floor } = waterfall([end(100), step(30), step(-90), end(40)])
    expect(bars).toEqual([
      [0, 100],
      [100, 130],
      [130, 40],
      [0, 40],
    ])
    expect(floor).toBe(0)
  })

  test('the axis is cut at a round value where the sums hardly differ', () => {
    expect(waterfall([end(1000), step(12), step(-4), end(1008)]).floor).toBe(990)
    expect(waterfall([end(12_000_000), step(300_000), end(12_300_000)]).floor).toBe(11_800_000)
  })

  test('the axis begins at zero where nothing moved, or nothing is there', () => {
    expect(waterfall([end(500), end(500)]).floor).toBe(0)
    expect(waterfall([end(0), end(0)]).floor).toBe(0)
    expect(waterfall([])).toEqual({ bars: [], floor: 0 })
  })

  test('a cut axis begins below every sum', () => {
    const size = fc.integer({ min: -1_000_000, max: 1_000_000 })
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.array(size), (opening, sizes) => {
        const { bars, floor } = waterfall([end(opening), ...sizes.map(step)])
        const lowest = Math.min(...bars.map(([, to]) => to))
        expect(floor === 0 || floor < lowest).toBe(true)
      }),
    )
  })
})
