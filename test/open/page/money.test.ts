import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Amounts, Choices } from '../../../src/open/answers.ts'
import {
  changeOf,
  moneyOf,
  subtract,
  sumOf,
  unconvertedNote,
} from '../../../src/open/page/state/money.ts'

const usd = (amount: string) => ({ currency_code: 'USD', minor_unit: 2, count: 1, amount })
const yen = (amount: string) => ({ currency_code: 'JPY', minor_unit: 0, count: 2, amount })

const amounts: Amounts = {
  converted: '99999999999999999.9900',
  unconverted: [yen('500.0000')],
  by_currency: [usd('12.5000'), yen('500.0000')],
}

const choices = (is_converted: boolean): Choices => {
  const currency = { reporting_currency: 'USD', reporting_minor_unit: 2, is_converted }
  const currencies = [
    { value: 'JPY', label: 'JPY', minor_unit: 0 },
    { value: 'USD', label: 'USD', minor_unit: 2 },
  ]
  const none = { accounts: [], periods: [], areas: [], plays: [], countries: [], deal_types: [] }
  const preset = {
    ...{ account: [], period: [], area: [], play: [], country: [], deal_type: [] },
    ...{ currency: null, as_of: '2026-06-30', compare: '2026-06-23' },
  }
  const days = { made_at: '2026-06-30T05:20:00Z', today: '2026-06-30', first_day: '2024-07-01' }
  return { ...days, ...currency, ...none, currencies, preset }
}

describe('the sum that is shown', () => {
  test('the sum is the converted one, with rates', () => {
    expect(sumOf(moneyOf(choices(true), null), amounts)).toBe('99999999999999999.9900')
  })

  test('the sum is that of the chosen currency, with or without rates', () => {
    expect(sumOf(moneyOf(choices(true), 'JPY'), amounts)).toBe('500.0000')
    expect(sumOf(moneyOf(choices(false), 'JPY'), amounts)).toBe('500.0000')
    expect(sumOf(moneyOf(choices(true), 'EUR'), amounts)).toBeNull()
  })

  test('amounts of several currencies have no sum without rates', () => {
    expect(sumOf(moneyOf(choices(false), null), amounts)).toBeNull()
  })
})

describe('differences of amounts', () => {
  test('differences keep digits that a double has not', () => {
    expect(subtract('12345678901234567.8900', '12345678901234567.8899')).toBe('0.0001')
    const now = { ...amounts, converted: '12345678901234567.8900' }
    const before = { ...amounts, converted: '12300000901234567.8900' }
    expect(changeOf(moneyOf(choices(true), null), now, before)).toBe('+45,678,000,000,000.00')
  })

  test('a difference and what was taken away give the amount again', () => {
    const units = fc.bigInt({ min: -(10n ** 28n), max: 10n ** 28n })
    const decimal = (value: bigint) => {
      const digits = String(value < 0n ? -value : value).padStart(5, '0')
      return `${value < 0n ? '-' : ''}${digits.slice(0, -4)}.${digits.slice(-4)}`
    }
    fc.assert(
      fc.property(units, units, (one, other) => {
        expect(subtract(decimal(one), decimal(other))).toBe(decimal(one - other))
      }),
    )
  })

  test.each([
    ['5.0000', '5.0000', '±0'],
    ['1234.5000', '0.0000', '+1,234.50'],
    ['0.0000', '0.0001', '−0.0001'],
  ])('the change to %s from %s reads %s', (now, before, shown) => {
    const of = (converted: string) => ({ ...amounts, converted })
    expect(changeOf(moneyOf(choices(true), null), of(now), of(before))).toBe(shown)
  })
})

test('amounts without a rate are named with their number, once for each currency', () => {
  const figure = { label: '', count: 1, amounts, drill: '' }
  const money = moneyOf(choices(true), null)
  expect(unconvertedNote(money, [figure, figure])).toBe(
    'Not included, no exchange rate: JPY 1,000 (4).',
  )
  expect(unconvertedNote(moneyOf(choices(true), 'JPY'), [figure])).toBeNull()
})
