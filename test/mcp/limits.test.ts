import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Explanation } from '../../src/explain/explanation.ts'
import { fittingExplanation, fittingRows } from '../../src/mcp/limits.ts'

describe('fittingRows', () => {
  test('rows that fit are all there, and nothing is said', () => {
    const rows = [{ n: 1 }, { n: 2 }]
    expect(fittingRows(rows, null)).toEqual({ rows, left_out: null })
  })

  test('rows that were cut by their number are said to be cut by it', () => {
    expect(fittingRows([{ n: 1 }], 'rows').left_out).toContain('more rows than were asked for')
  })

  test('the first rows are kept, as many as fit, and one more would not', () => {
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
    const row = fc.dictionary(fc.string(), value)
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 0, max: 500 }), (rows, bytesMax) => {
        const { rows: kept, left_out } = fittingRows(rows, null, bytesMax)
        const bytesOf = (some: readonly object[]) =>
          some.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)) + 1, 0)
        expect(kept).toEqual(rows.slice(0, kept.length))
        expect(bytesOf(kept)).toBeLessThanOrEqual(bytesMax)
        expect(left_out === null).toBe(kept.length === rows.length)
        if (left_out !== null) {
          expect(bytesOf(rows.slice(0, kept.length + 1))).toBeGreaterThan(bytesMax)
        }
      }),
    )
  })
})

/** An explanation of many registrations, each with lines and contract years. */
function large(registrations: number, lines: number, years: number): Explanation {
  const line = { line_no: 1, schedule: Array(years).fill({ contract_year_no: 1 }) }
  const registration = { registration_no: 1, lines: Array(lines).fill(line) }
  return {
    notes: [],
    values: [],
    versions: [],
    findings: [],
    registrations: Array(registrations).fill(registration),
    comparison: { rows: 0, values: 0, differences: [] },
  } as unknown as Explanation
}

describe('fittingExplanation', () => {
  test('an explanation that fits is the same object', () => {
    const small = large(1, 1, 1)
    expect(fittingExplanation(small)).toBe(small)
  })

  test.each([
    { of: large(2, 2, 100), bytesMax: 1_000, left: 'contract years', keepsLines: true },
    { of: large(2, 100, 1), bytesMax: 1_000, left: 'contract years; lines', keepsLines: false },
    { of: large(1_000, 1, 1), bytesMax: 2_000, left: 'all but 20 of each list', keepsLines: false },
  ])(
    'an explanation that is too large loses $left, and says so',
    ({ of, bytesMax, left, keepsLines }) => {
      const fitting = fittingExplanation(of, bytesMax)
      expect(JSON.stringify(fitting).length).toBeLessThan(bytesMax + 200)
      expect(fitting.notes.at(-1)).toContain(left)
      expect(fitting.registrations.some(({ lines }) => lines.length > 0)).toBe(keepsLines)
    },
  )
})
