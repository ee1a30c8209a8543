import { Decimal } from 'decimal.js'
import { describe, expect, test } from 'vitest'
import { annualValue, conventionOf } from '../../../src/sandbox/csv/cell/annual-value.ts'
import { fractionOf, rounded } from '../../../src/sandbox/csv/cell/decimal.ts'
import { inDollars, monthlyRate } from '../../../src/sandbox/csv/cell/dollars.ts'
import { downloads } from '../../../src/sandbox/csv/file/downloads.ts'
import { insightsCoSell } from '../../../src/sandbox/csv/layout/insights.ts'
import { aPopulation } from './population.ts'
import { readDownload } from './read-files.ts'

const convention = (words: string) => {
  const found = conventionOf(words)
  if (found === undefined) throw new Error(`no convention ${words}`)
  return found
}
const contract = (value: string, start: string, end: string, currency = 'USD') => ({
  value,
  currency,
  start,
  end,
  isPerpetual: false,
})

describe("the sandbox's annual contract value", () => {
  // Three years with a leap day are 1,096 days; with the end included one more.
  test.each([
    ['365-days', '365-days', '39,963.50'],
    ['365.25-days', '365.25-days', '39,990.88'],
    ['months', 'months', '40,000.00'],
    ['365-days,inclusive-end', '365 days, end included', '39,927.07'],
    // 36 months and a day of 31.
    ['months,inclusive-end', 'months, end included', '39,964.19'],
  ])('the annual value of 120,000 over three years by %s (%s) is %s', (words, _, expected) => {
    const term = contract('120000', '2024-01-01', '2027-01-01')
    expect(annualValue(term, convention(words))).toBe(expected.replace(',', ''))
  })

  test.each([
    { words: '365-days', start: '2025-01-01', end: '2025-07-02', value: '30000', is: '60164.84' },
    { words: 'capped', start: '2025-01-01', end: '2025-07-02', value: '30000', is: '30000.00' },
    { words: 'months', start: '2025-01-01', end: '2025-07-01', value: '30000', is: '60000.00' },
    { words: 'months', start: '2025-01-31', end: '2025-02-28', value: '1000', is: '12000.00' },
    { words: '365-days', start: '2025-03-01', end: '2025-03-01', value: '500', is: '' },
    {
      words: 'inclusive-end',
      start: '2025-03-01',
      end: '2025-03-01',
      value: '500',
      is: '182500.00',
    },
    { words: '365-days', start: '2025-03-02', end: '2025-03-01', value: '500', is: '' },
    { words: '365-days', start: '2025-03-02', end: '', value: '500', is: '' },
    { words: '365-days', start: '2025-01-01', end: '2026-01-01', value: '', is: '' },
  ])(
    'the annual value of $value from $start to $end by $words is "$is"',
    ({ words, start, end, value, is }) => {
      expect(annualValue(contract(value, start, end), convention(words))).toBe(is)
    },
  )

  test.each([
    { currency: 'USD', value: '100000', is: '16666.67' },
    { currency: 'JPY', value: '1000003', is: '166667' },
    { currency: 'KWD', value: '1000.5', is: '166.750' },
  ])(
    'the annual value of a perpetual contract of $value $currency is a sixth, $is',
    ({ currency, value, is }) => {
      const term = { ...contract(value, '2025-01-01', '', currency), isPerpetual: true }
      expect(annualValue(term, convention('months'))).toBe(is)
    },
  )

  test('an unknown word of a convention is refused', () => {
    expect(conventionOf('months,365')).toBeUndefined()
    expect(conventionOf('')).toBeUndefined()
    expect(conventionOf('toString')).toBeUndefined()
  })
})

describe('the amounts of the Insights file', () => {
  const referrals = aPopulation(2000).filter((each) => (each.registrations ?? []).length > 0)
  const byId = new Map(referrals.map((each) => [each.id, each]))
  const rows = (words: string) =>
    [...downloads(referrals, { convention: convention(words), layouts: [insightsCoSell] })]
      .filter(({ path }) => path === 'partner-center/insights-co-sell-01.csv')
      .flatMap(readDownload)
      .map((row) => ({ row, registration: byId.get(row['Referral ID'])?.registrations?.[0] }))
  const digits: Record<string, number> = { JPY: 0, KWD: 3 }
  const dayMs = 86_400_000
  const dayNo = (instant: string | null | undefined) =>
    Math.round(Date.parse(instant ?? '') / dayMs)
  const usual = rows('365-days')

  test('approved and passed registrations alone have an annual value', () => {
    const states = new Set(
      usual
        .filter(({ row }) => row['Annual Contract Value'] !== '')
        .map((each) => each.registration?.status),
    )
    expect([...states].sort()).toEqual(['Approved', 'Passed'])
    const open = usual.filter(({ registration }) =>
      ['ReviewPending', 'ActionRequired', 'Failed', 'Closed'].includes(registration?.status ?? ''),
    )
    expect(open.length).toBeGreaterThan(20)
  })

  test('the annual value is that of a year of 365 days, to the minor unit of the currency', () => {
    let compared = 0
    for (const { row, registration } of usual) {
      const { contract: agreed, status = '' } = registration ?? {}
      if (!['Approved', 'Passed'].includes(status ?? '')) continue
      const { value, currency, term, startDateTime, endDateTime } = agreed ?? {}
      const days = dayNo(endDateTime) - dayNo(startDateTime)
      const total = new Decimal(value ?? 0)
      const places = digits[currency ?? ''] ?? 2
      const annual = term === 'Perpetual' ? total.div(6) : total.times(365).div(days)
      const isKnown = term === 'Perpetual' || (endDateTime != null && days > 0)
      const expected = isKnown ? annual.toFixed(places, Decimal.ROUND_HALF_UP) : ''
      expect(row['Annual Contract Value'], row['Referral ID']).toBe(expected)
      if (expected !== '') compared += 1
    }
    expect(compared).toBeGreaterThan(100)
  })

  test('another convention gives other values for most contracts', () => {
    const differing = (words: string) =>
      rows(words).filter(
        ({ row }, index) =>
          row['Annual Contract Value'] !== usual[index]?.row['Annual Contract Value'],
      ).length
    for (const words of ['365.25-days', 'months', 'inclusive-end', 'usd']) {
      expect(differing(words), words).toBeGreaterThan(80)
    }
    expect(differing('capped')).toBeGreaterThan(0)
    expect(differing('solutions')).toBeGreaterThan(30)
  })

  test('contract values are in dollars at the rate of the month of the signature', () => {
    let compared = 0
    for (const { row, registration } of usual) {
      const { value, currency, signDateTime } = registration?.contract ?? {}
      if (value == null || currency == null) continue
      const month = new Date(dayNo(signDateTime) * dayMs).toISOString().slice(0, 7)
      const expected = new Decimal(value).div(monthlyRate(currency, month) ?? '')
      expect(row['Contract Value (USD)']).toBe(expected.toFixed(2, Decimal.ROUND_HALF_UP))
      if (currency !== 'USD') compared += 1
    }
    expect(compared).toBeGreaterThan(100)
  })
})

describe('the monthly rates', () => {
  test('a monthly rate is one for a month, another for other months, and near the usual one', () => {
    const months = Array.from({ length: 12 }, (_, no) => `2025-${String(no + 1).padStart(2, '0')}`)
    const euros = months.map((month) => monthlyRate('EUR', month))
    expect(euros).toEqual(months.map((month) => monthlyRate('EUR', month)))
    expect(new Set(euros).size).toBeGreaterThan(8)
    for (const rate of euros) expect(Math.abs(Number(rate) / 0.9 - 1)).toBeLessThanOrEqual(0.0601)
    expect(monthlyRate('USD', '2025-01')).toBe('1')
    expect(monthlyRate('XYZ', '2025-01')).toBeUndefined()
  })

  test('an amount in dollars is empty when amount, currency or day is unknown', () => {
    expect(inDollars('', 'EUR', '2025-01-01')).toBe('')
    expect(inDollars('10', '', '2025-01-01')).toBe('')
    expect(inDollars('10', 'EUR', '')).toBe('')
    expect(inDollars('10', 'USD', '2025-01-01')).toBe('10.00')
  })
})

test.each([
  ['0.125', 2, '0.13'],
  ['-0.125', 2, '-0.13'],
  ['-0.004', 2, '0.00'],
  ['99.5', 0, '100'],
  ['9007199254740993.5', 1, '9007199254740993.5'],
])('the exact decimal %s with %i decimals is %s', (text, digits, expected) => {
  expect(rounded(fractionOf(text), digits)).toBe(expected)
})

test.each(['', '1,5', '1e5', 'abc', '1.'])('the text "%s" is no plain decimal', (text) => {
  expect(() => fractionOf(text)).toThrow(RangeError)
})
