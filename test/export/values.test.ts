import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { columnTypeOf } from '../../src/export/column-type.ts'
import { decimalBytes } from '../../src/export/parquet-writer.ts'
import { decimalSums } from '../../src/export/sums.ts'
import {
  dayNumber,
  isoInstant,
  microseconds,
  unscaled,
  withPoint,
} from '../../src/export/values.ts'

describe('decimals', () => {
  test.each([
    ['12.3400', 123400n, 4],
    ['-0.5000', -5000n, 4],
    ['0.0000', 0n, 4],
    ['-7', -7n, 0],
    ['9999999999999999999999999999.9999999999', 99999999999999999999999999999999999999n, 10],
  ])('unscaled takes %s for %s', (text, digits, scale) => {
    expect(unscaled(text)).toBe(digits)
    expect(withPoint(digits, scale)).toBe(text)
  })

  test('withPoint and unscaled undo one another at every scale', () =>
    fc.assert(
      fc.property(fc.bigInt(), fc.nat(38), (digits, scale) => {
        expect(unscaled(withPoint(digits, scale))).toBe(digits)
      }),
    ))

  test('unscaled refuses NaN', () => {
    expect(() => unscaled('NaN')).toThrow(SyntaxError)
  })

  test('decimalBytes is the fewest bytes that hold the greatest number of each precision', () => {
    for (let precision = 1; precision <= 38; precision += 1) {
      const greatest = 10n ** BigInt(precision) - 1n
      const holds = (bytes: number) => BigInt.asIntN(8 * bytes, greatest) === greatest
      expect(holds(decimalBytes(precision)), `${precision}`).toBe(true)
      expect(holds(decimalBytes(precision) - 1), `${precision}`).toBe(false)
    }
  })

  test('decimalSums adds decimals alone, every digit, and leaves a column without values null', () => {
    const columns = ['text', 'numeric(19,4)', 'numeric(38,10)', 'numeric(7,6)'].map(
      (type, index) => ({ name: `column_${index}`, type, stored: columnTypeOf(type) }),
    )
    const sums = decimalSums(columns)
    sums.add([['a', '0.1000', '9007199254740993.0000000001', null]])
    sums.add([['b', '0.2000', '1.0000000001', null]])
    sums.add([])
    expect(sums.total()).toEqual({
      column_1: '0.3000',
      column_2: '9007199254740994.0000000002',
      column_3: null,
    })
  })
})

describe('days and instants', () => {
  test.each([
    ['1970-01-01', 0],
    ['1969-12-31', -1],
    ['2026-06-30', 20_634],
    ['0001-01-01', -719_162],
    ['9999-12-31', 2_932_896],
  ])('dayNumber of %s is %i', (day, number) => {
    expect(dayNumber(day)).toBe(number)
  })

  test.each(['infinity', '-infinity', '10000-01-01', '0044-03-15 BC'])(
    'dayNumber refuses %s',
    (text) => {
      expect(() => dayNumber(text)).toThrow(RangeError)
    },
  )

  test.each([
    ['2026-06-30 08:00:00+00', '2026-06-30T08:00:00Z', 1_782_806_400_000_000n],
    ['2026-06-30 08:00:00.25+00', '2026-06-30T08:00:00.25Z', 1_782_806_400_250_000n],
    ['1969-12-31 23:59:59.999999+00', '1969-12-31T23:59:59.999999Z', -1n],
    ['1970-01-01 00:00:00.000001+00', '1970-01-01T00:00:00.000001Z', 1n],
  ])('the instant %s is %s', (text, iso, micros) => {
    expect(isoInstant(text)).toBe(iso)
    expect(microseconds(text)).toBe(micros)
  })

  test.each(['infinity', '2026-06-30 10:00:00+02', '0001-01-01 00:00:00+00 BC'])(
    'isoInstant refuses %s',
    (text) => {
      expect(() => isoInstant(text)).toThrow(RangeError)
    },
  )
})

describe('columnTypeOf', () => {
  test.each([
    ['numeric(19,4)', { kind: 'decimal', precision: 19, scale: 4 }],
    ['numeric(38,38)', { kind: 'decimal', precision: 38, scale: 38 }],
    ['numeric', { kind: 'text' }],
    ['numeric(39,4)', { kind: 'text' }],
    ['numeric(5,-2)', { kind: 'text' }],
    ['numeric(2,4)', { kind: 'text' }],
    ['numeric(19,4)[]', { kind: 'text' }],
    ['smallint', { kind: 'int32' }],
    ['bigint', { kind: 'int64' }],
    ['timestamp with time zone', { kind: 'instant' }],
    ['timestamp without time zone', { kind: 'text' }],
    ['interval', { kind: 'text' }],
    ['toString', { kind: 'text' }],
  ])('a column of type %s is stored as %o', (type, stored) => {
    expect(columnTypeOf(type)).toEqual(stored)
  })
})
