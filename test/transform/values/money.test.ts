import { Decimal } from 'decimal.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  divideRounded,
  fitsMoney,
  formatFixed,
  formatMoney,
  parseMoney,
  roundedShare,
  roundingStep,
} from '../../../src/transform/values/money.ts'

const Exact = Decimal.clone({ precision: 200, rounding: Decimal.ROUND_HALF_UP, toExpNeg: -9e15 })

describe('reading an amount', () => {
  test.each([
    { wire: 100000, value: 1_000_000_000n, why: 'a whole JSON number' },
    { wire: 16666.67, value: 166_666_700n, why: 'a JSON number with cents' },
    { wire: 0.1, value: 1_000n, why: 'a tenth, which no double holds exactly' },
    { wire: -0.5, value: -5_000n, why: 'a credit' },
    { wire: -0, value: 0n, why: 'zero has no sign' },
    { wire: '-0.00', value: 0n, why: 'nor in a text' },
    { wire: 999999999999999, value: 9_999_999_999_999_990_000n, why: 'fifteen whole digits' },
    { wire: '999999999999999.9999', value: 9_999_999_999_999_999_999n, why: 'all nineteen digits' },
    { wire: '-999999999999999.9999', value: -9_999_999_999_999_999_999n, why: 'and below zero' },
    { wire: '000000000000000000001.50', value: 15_000n, why: 'leading zeros are not digits' },
    { wire: '50000', value: 500_000_000n, why: 'a number sent as text' },
    { wire: ' 12.50 ', value: 125_000n, why: 'white space around it' },
    { wire: '+7', value: 70_000n, why: 'an explicit plus' },
    { wire: '.5', value: 5_000n, why: 'no digit before the point' },
    { wire: '5.', value: 50_000n, why: 'no digit after the point' },
    { wire: '1.25e3', value: 12_500_000n, why: 'an exponent' },
    { wire: '125E-2', value: 12_500n, why: 'a negative exponent' },
    { wire: 1.5e-3, value: 15n, why: 'a small number' },
    { wire: '0e999999999999', value: 0n, why: 'zero times anything' },
    { wire: '0.00000000000000000000000000001e32', value: 10_000_000n, why: 'shifted into range' },
  ])('parseMoney: $wire: $why', ({ wire, value }) =>
    expect(parseMoney(wire)).toEqual({ ok: true, value, rounded: false }),
  )

  test.each([
    { wire: '0.00004999', value: 0n, why: 'less than half of the last decimal' },
    { wire: '0.00005', value: 1n, why: 'half is rounded away from zero' },
    { wire: '-0.00005', value: -1n, why: 'on both sides' },
    { wire: '1.23455', value: 12_346n, why: 'half up' },
    { wire: '1.234549999', value: 12_345n, why: 'not rounded twice' },
    { wire: '9.99999', value: 100_000n, why: 'the carry runs through' },
    { wire: 1e-7, value: 0n, why: 'a number that String() writes with an exponent' },
    { wire: '1e-400', value: 0n, why: 'smaller than any double' },
    { wire: `1e-${'9'.repeat(400)}`, value: 0n, why: 'an exponent larger than any double' },
    { wire: '999999999999999.99994', value: 9_999_999_999_999_999_999n, why: 'the largest' },
  ])('parseMoney: $wire: $why', ({ wire, value }) =>
    expect(parseMoney(wire)).toEqual({ ok: true, value, rounded: true }),
  )

  test.each([
    { wire: '1000000000000000', why: 'sixteen whole digits' },
    { wire: 1e15, why: 'likewise as a number' },
    { wire: -1e21, why: 'a number that String() writes with an exponent' },
    { wire: '1e400', why: 'larger than any double' },
    { wire: `1e${'9'.repeat(400)}`, why: 'an exponent larger than any double' },
    { wire: '1234567890123456789012345678', why: 'twenty-eight digits' },
    { wire: '999999999999999.99995', why: 'sixteen digits after rounding' },
  ])('parseMoney rejects $wire: $why', ({ wire }) =>
    expect(parseMoney(wire)).toEqual({ ok: false, why: 'too_large' }),
  )

  test.each([
    ...['', ' ', '.', '-', '+', 'e5', '1e', '1e+', '12,5', '1,000.00', '1 000', "1'000", '1_000'],
    ...['NaN', 'Infinity', '-Infinity', '--5', '5-', '(5)', '0x10', '1e1.5', '12.5.1', '$5'],
    ...['five', 'null', 'true', '١٢', '5\u00005', `${'9'.repeat(100_000)}x`],
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ])('parseMoney rejects %j, which is not a number', (wire) =>
    expect(parseMoney(wire)).toEqual({ ok: false, why: 'not_a_number' }),
  )

  test('parseMoney agrees with decimal arithmetic on any digits, point and exponent', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 24 })
    fc.assert(
      fc.property(
        fc.constantFrom('', '-', '+'),
        digits,
        digits,
        fc.integer({ min: -30, max: 30 }),
        (sign, whole, fraction, exponent) => {
          const text = `${sign}${whole}0.${fraction}e${exponent}`
          const exact = new Exact(text)
          const rounded = exact.toDecimalPlaces(4)
          const expected = rounded.abs().lt('1e15')
            ? { ok: true, value: toMoney(rounded), rounded: !rounded.eq(exact) }
            : { ok: false, why: 'too_large' }
          expect(parseMoney(text)).toEqual(expected)
        },
      ),
      { numRuns: 5_000 },
    )
  })

  test('parseMoney takes a JSON number as the shortest text that reads back as it', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e14, max: 1e14, noNaN: true }), (number) => {
        expect(parseMoney(number)).toEqual(parseMoney(new Exact(number).toFixed()))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('writing an amount', () => {
  test.each([
    { money: 0n, text: '0' },
    { money: 1n, text: '0.0001' },
    { money: -5_000n, text: '-0.5' },
    { money: 1_000_000_000n, text: '100000' },
    { money: 166_666_700n, text: '16666.67' },
    { money: 10_000n, text: '1' },
    { money: 9_999_999_999_999_999_999n, text: '999999999999999.9999' },
  ])('formatMoney: $money is $text', ({ money, text }) => expect(formatMoney(money)).toBe(text))

  test('parseMoney restores what formatMoney wrote, and the text is canonical', () => {
    const limit = 10n ** 19n - 1n
    fc.assert(
      fc.property(fc.bigInt({ min: -limit, max: limit }), (value) => {
        const text = formatMoney(value)
        expect(parseMoney(text)).toEqual({ ok: true, value, rounded: false })
        expect(text).toBe(new Exact(text).toFixed())
      }),
    )
  })

  test('formatFixed keeps trailing zeros', () => {
    expect([0n, 5n, -120_000n].map((units) => formatFixed(units, 4))).toEqual([
      '0.0000',
      '0.0005',
      '-12.0000',
    ])
  })

  test('fitsMoney accepts nineteen digits and not one more', () => {
    expect([10n ** 19n - 1n, 10n ** 19n, 1n - 10n ** 19n, -(10n ** 19n)].map(fitsMoney)).toEqual([
      true,
      false,
      true,
      false,
    ])
  })
})

describe('rounding', () => {
  test.each([
    { numerator: 5n, denominator: 2n, quotient: 3n, why: 'half goes up above zero' },
    { numerator: -5n, denominator: 2n, quotient: -3n, why: 'and down below it' },
    { numerator: 5n, denominator: -2n, quotient: -3n, why: 'whichever part is negative' },
    { numerator: -5n, denominator: -2n, quotient: 3n, why: 'or both' },
    { numerator: 7n, denominator: 3n, quotient: 2n, why: 'less than half is dropped' },
    { numerator: -8n, denominator: 3n, quotient: -3n, why: 'more than half counts' },
    { numerator: 1n, denominator: 2n, quotient: 1n, why: 'a half itself' },
    { numerator: -1n, denominator: 3n, quotient: 0n, why: 'a third itself' },
    { numerator: 0n, denominator: 7n, quotient: 0n, why: 'nothing' },
    { numerator: 6n, denominator: 3n, quotient: 2n, why: 'what divides is not rounded' },
  ])('divideRounded: $numerator / $denominator: $why', ({ numerator, denominator, quotient }) =>
    expect(divideRounded(numerator, denominator)).toBe(quotient),
  )

  test.each([
    { value: 1_000_000n, minorUnit: 2, step: 100n, why: 'a cent' },
    { value: 1_000_000n, minorUnit: 0, step: 10_000n, why: 'a yen' },
    { value: 1_000_000n, minorUnit: 3, step: 10n, why: 'a fils of Kuwait' },
    { value: 1_005_000n, minorUnit: 0, step: 1_000n, why: 'yen with a decimal keep that decimal' },
    { value: 1_000_010n, minorUnit: 2, step: 10n, why: 'mills of a dollar stay mills' },
    { value: -1_000_001n, minorUnit: 2, step: 1n, why: 'also below zero' },
    { value: 0n, minorUnit: 2, step: 100n, why: 'zero is no finer than its currency' },
    { value: 0n, minorUnit: 8, step: 1n, why: 'the column ends at four decimals' },
    { value: 0n, minorUnit: -1, step: 10_000n, why: 'nothing is coarser than the unit' },
  ])('roundingStep: $why', ({ value, minorUnit, step }) =>
    expect(roundingStep(value, minorUnit)).toBe(step),
  )

  test('a rounded share lies on the step, within half a step of the exact share', () => {
    const amount = fc.bigInt({ min: -(10n ** 19n), max: 10n ** 19n })
    const positive = fc.bigInt({ min: 1n, max: 40_000n })
    const step = fc.constantFrom(1n, 10n, 100n, 1_000n, 10_000n)
    fc.assert(
      fc.property(amount, positive, positive, step, (value, numerator, denominator, unit) => {
        const share = roundedShare(value, numerator, denominator, unit)
        const exact = new Exact(String(value)).mul(String(numerator)).div(String(denominator))
        const rounded = exact.div(String(unit)).toDecimalPlaces(0).mul(String(unit))
        expect(share).toBe(BigInt(rounded.toFixed()))
      }),
      { numRuns: 2_000 },
    )
  })
})

function toMoney(amount: Decimal): bigint {
  return BigInt(amount.mul(10_000).toFixed())
}
