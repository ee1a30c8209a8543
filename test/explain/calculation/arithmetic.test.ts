import { Decimal } from 'decimal.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  converted,
  monthsFactor,
  monthsText,
  unrounded,
} from '../../../src/explain/calculation/arithmetic.ts'
import { formatMoney } from '../../../src/transform/values/money.ts'

const Exact = Decimal.clone({ precision: 120 })

describe('months as people count them', () => {
  test.each([
    { numerator: 36n, denominator: 1n, text: '36', factor: '36' },
    { numerator: 879n, denominator: 31n, text: '28 + 11/31', factor: '(28 + 11/31)' },
    { numerator: 11n, denominator: 31n, text: '11/31', factor: '11/31' },
    { numerator: 62n, denominator: 31n, text: '2', factor: '2' },
  ])('$numerator/$denominator months are $text', ({ text, factor, ...months }) => {
    expect(monthsText(months)).toBe(text)
    expect(monthsFactor(months)).toBe(factor)
  })
})

const money = fc.bigInt({ min: -(10n ** 19n) + 1n, max: 10n ** 19n - 1n })

describe('a result before rounding', () => {
  test('the digits are those of the exact quotient, cut after the tenth, with … where more follow', () => {
    fc.assert(
      fc.property(money, fc.bigInt({ min: 1n, max: 10n ** 6n }), (numerator, denominator) => {
        const exact = new Exact(numerator.toString()).div('10000').div(denominator.toString())
        const text = unrounded(numerator, denominator)
        const cut = exact.toDecimalPlaces(10, Decimal.ROUND_DOWN)
        expect(new Exact(text.replace('…', '')).equals(cut), text).toBe(true)
        expect(text.endsWith('…')).toBe(!exact.equals(cut))
      }),
    )
  })
})

describe('an amount in the reporting currency', () => {
  test('the amount is times one quote by the other, rounded once, half away from zero', () => {
    const quote = fc
      .tuple(fc.bigInt({ min: 1n, max: 10n ** 13n }), fc.integer({ min: 0, max: 15 }))
      .map(([digits, scale]) =>
        new Exact(digits.toString()).div(new Exact(10).pow(scale)).toFixed(),
      )
    fc.assert(
      fc.property(money, quote, quote, (amount, reporting, currency) => {
        const exact = new Exact(formatMoney(amount))
          .times(reporting)
          .div(currency)
          .toDecimalPlaces(4, Decimal.ROUND_HALF_UP)
        const result = converted(amount, reporting, currency)
        if (exact.abs().gte('1e15')) expect(result).toBeNull()
        else expect(result === null ? null : formatMoney(result)).toBe(exact.toFixed())
      }),
    )
  })

  test.each([
    { amount: 5n, reporting: '1', currency: '2', result: '0.0003' },
    { amount: -5n, reporting: '1', currency: '2', result: '-0.0003' },
    { amount: 9_999_999_999_999_999_999n, reporting: '1.0001', currency: '1', result: null },
  ])('$amount × $reporting ÷ $currency is $result', ({ amount, reporting, currency, result }) => {
    const found = converted(amount, reporting, currency)
    expect(found === null ? null : formatMoney(found)).toBe(result)
  })
})
