import { describe, expect, test } from 'vitest'
import {
  annualContractValue,
  annualizedValue,
  contractPeriod,
  termMonths,
} from '../../../src/transform/contract/acv.ts'
import { formatMoney, type Money, parseMoney } from '../../../src/transform/values/money.ts'
import {
  dateOf,
  Exact,
  oracleContract,
  type RandomContract,
  randomContract,
  roundLike,
  seededRandom,
  termsOf,
  toDecimal,
  toMoney,
} from '../../support/exact-oracle.ts'

describe('the period of a contract', () => {
  test.each([
    ['Finite 2024-01-01..2026-12-31', 'ok', 'both dates'],
    ['Finite 2024-01-01..2024-01-01', 'ok', 'one day'],
    ['Finite 2024-01-01..-', 'missing_end_date', 'no end'],
    ['Finite -..2026-12-31', 'missing_start_date', 'no start'],
    ['Finite -..-', 'missing_end_date', 'neither: the end is asked for first'],
    ['Finite 2026-12-31..2024-01-01', 'invalid_period', 'ends before it starts'],
    ['Finite 2024-01-02..2024-01-01', 'invalid_period', 'ends the day before it starts'],
    ['Finite 2024-01-01..2123-12-31', 'ok', 'a hundred years by the last day'],
    ['Finite 2024-01-01..2124-01-01', 'ok', 'a hundred years by the anniversary'],
    ['Finite 2024-01-01..2124-01-02', 'implausible_term', 'more than that'],
    ['Perpetual 2024-01-01..-', 'ok', 'a start is all it needs'],
    ['Perpetual 2024-01-01..2026-12-31', 'ok', 'a reported end is ignored'],
    ['Perpetual 2024-01-01..2020-01-01', 'ok', 'even one before the start'],
    ['Perpetual -..-', 'perpetual_no_start', 'no start'],
    ['Perpetual -..2026-12-31', 'perpetual_no_start', 'an end is no start'],
    ['- 2024-01-01..2026-12-31', 'term_inferred', 'no term, but both dates'],
    ['- 2024-01-01..-', 'unknown_term', 'no term and no end'],
    ['- -..2026-12-31', 'missing_start_date', 'no term and no start'],
    ['- -..-', 'unknown_term', 'nothing at all'],
    ['- 2024-01-02..2024-01-01', 'invalid_period', 'no term, dates reversed'],
    ['- 2024-01-01..2150-01-01', 'implausible_term', 'no term and too long'],
    ['Rolling 2024-01-01..2026-12-31', 'term_inferred', 'an unknown term with both dates'],
    ['Rolling 2024-01-01..-', 'unknown_term', 'it is not taken as perpetual'],
    ['Rolling -..2026-12-31', 'missing_start_date', 'an unknown term without start'],
    ['Rolling 2024-01-02..2024-01-01', 'invalid_period', 'an unknown term, dates reversed'],
    ['perpetual 2024-01-01..-', 'unknown_term', 'spelling is settled before'],
  ])('contractPeriod of %s is %s: %s', (text, status) => {
    const terms = termsOf(text)
    const period = contractPeriod(terms)
    const isPlaced = status === 'ok' || status === 'term_inferred'
    expect(period.status).toBe(status)
    expect(period.isPerpetual).toBe(terms.term === 'Perpetual')
    expect(period.start).toBe(isPlaced ? terms.start : null)
    expect(period.endExclusive !== null).toBe(isPlaced)
    expect(period.months !== null).toBe(isPlaced || status === 'perpetual_no_start')
  })

  test.each([
    ['Finite 2024-01-01..2024-12-31', '12.0000', '2025-01-01', 'a year by its last day'],
    ['Finite 2024-01-01..2025-01-01', '12.0000', '2025-01-01', 'a year by its anniversary'],
    ['Finite 2023-03-01..2024-02-29', '12.0000', '2024-03-01', 'the last day is a leap day'],
    ['Finite 2024-02-29..2025-02-28', '12.0000', '2025-02-28', 'anniversary of a leap day'],
    ['Finite 2024-02-29..2025-02-27', '12.0000', '2025-02-28', 'last day, from a leap day'],
    ['Finite 2024-02-29..2025-03-01', '12.0690', '2025-03-02', '2 of 29 days, to 29 March'],
    ['Finite 2024-01-31..2024-02-29', '1.0000', '2024-02-29', 'a month from the 31st'],
    ['Finite 2024-01-31..2024-02-28', '1.0000', '2024-02-29', 'its last day'],
    ['Finite 2024-01-01..2024-01-31', '1.0000', '2024-02-01', 'a calendar month'],
    ['Finite 2024-01-01..2024-01-01', '0.0323', '2024-01-02', 'one day of 31'],
    ['Finite 2023-02-01..2023-02-01', '0.0357', '2023-02-02', 'one day of 28'],
    ['Finite 2024-01-15..2025-03-20', '14.1935', '2025-03-21', '14 months and 6 of 31 days'],
    ['Finite 2024-01-01..2025-01-02', '12.0645', '2025-01-03', 'a year and two days'],
    ['Finite 2024-01-01..2024-12-30', '11.9677', '2024-12-31', 'a day short of a year'],
    ['Finite 2024-01-01..2099-12-31', '912.0000', '2100-01-01', 'to the end of the calendar'],
    ['Perpetual 2024-02-29..-', '72.0000', '2030-02-28', 'no leap day to end on'],
    ['Perpetual 2022-02-28..-', '72.0000', '2028-02-28', 'the 28th, though there is a 29th'],
    ['Perpetual 2025-12-31..2026-01-01', '72.0000', '2031-12-31', 'whatever end was reported'],
  ])('contractPeriod of %s has %s months, until %s: %s', (text, months, endExclusive) => {
    const period = contractPeriod(termsOf(text))
    expect(period.months && termMonths(period.months)).toBe(months)
    expect(period.endExclusive).toBe(endExclusive)
  })
})

/** Decimals of the currency. */
const [yen, dollar, dinar] = [0, 2, 3]
const most = '999999999999999.9999'
const sixthOfMost = '166666666666666.6667'

describe('annual contract value', () => {
  test.each<[string, number, string, string | null, string | null, string]>([
    ['36000', dollar, 'Finite 2024-01-01..2026-12-31', '12000', '12000', 'three years'],
    ['100000', dollar, 'Finite 2024-01-01..2026-12-31', '33333.33', '33333.33', 'cents'],
    ['100000', dollar, 'Perpetual 2024-01-01..-', '16666.67', '16666.67', 'six years'],
    ['100000', yen, 'Perpetual 2024-01-01..-', '16667', '16667', 'no decimals'],
    ['100000', dinar, 'Perpetual 2024-01-01..-', '16666.667', '16666.667', 'three decimals'],
    ['100000.5', yen, 'Perpetual 2024-01-01..-', '16666.8', '16666.8', 'finer than a yen'],
    ['0.0007', dollar, 'Perpetual 2024-01-01..-', '0.0001', '0.0001', 'finer than a cent'],
    ['-100000', dollar, 'Perpetual 2024-01-01..-', '-16666.67', '-16666.67', 'a credit'],
    ['0', dollar, 'Perpetual 2024-01-01..-', '0', '0', 'zero is known'],
    ['0.03', dollar, 'Finite 2024-01-01..2025-12-31', '0.02', '0.02', 'half a cent goes up'],
    ['-0.03', dollar, 'Finite 2024-01-01..2025-12-31', '-0.02', '-0.02', 'and down below zero'],
    ['120000', dollar, 'Finite 2024-01-01..2024-12-31', '120000', '120000', 'by the last day'],
    ['120000', dollar, 'Finite 2024-01-01..2025-01-01', '120000', '120000', 'by anniversary'],
    ['100000', dollar, 'Finite 2024-01-01..2025-06-30', '66666.67', '66666.67', '18 months'],
    ['100000', dollar, 'Finite 2024-01-15..2025-03-20', '84545.45', '84545.45', '440/31 months'],
    ['4000', dollar, 'Finite 2024-01-01..2024-06-30', '4000', '8000', 'half a year not doubled'],
    ['3000', dollar, 'Finite 2024-01-01..2024-01-31', '3000', '36000', 'one month'],
    ['3000', dollar, 'Finite 2024-01-01..2024-01-01', '3000', '1116000', 'invoiced for one day'],
    ['1000', dollar, 'Finite 2024-01-01..2024-12-30', '1000', '1002.7', 'a day short of a year'],
    ['36000', dollar, 'Rolling 2024-01-01..2026-12-31', '12000', '12000', 'inferred as finite'],
    ['100000', dollar, 'Perpetual -..-', '16666.67', '16666.67', 'a sixth also without start'],
    ['100000', dollar, 'Finite 2024-01-01..-', null, null, 'no end, no guess'],
    ['100000', dollar, 'Finite -..2026-12-31', null, null, 'no start, no guess'],
    ['0', dollar, '- 2024-01-01..-', null, null, 'unknown, even of zero'],
    ['100000', dollar, 'Finite 2024-01-02..2024-01-01', null, null, 'dates reversed'],
    ['100000', dollar, 'Finite 2024-01-01..2150-01-01', null, null, 'over a hundred years'],
    [most, dollar, 'Perpetual 2024-01-01..-', sixthOfMost, sixthOfMost, 'all nineteen digits'],
    [`-${most}`, dollar, 'Perpetual -..-', `-${sixthOfMost}`, `-${sixthOfMost}`, 'and below zero'],
    [most, dollar, 'Finite 2024-01-01..2024-06-30', most, null, 'a rate too long to be stored'],
  ])(
    'annualContractValue of %s with %i decimals, %s: %s a year, rate %s: %s',
    (value, minorUnit, text, acv, rate) => {
      const period = contractPeriod(termsOf(text))
      expect(format(annualContractValue(money(value), period, minorUnit))).toBe(acv)
      expect(format(annualizedValue(money(value), period, minorUnit))).toBe(rate)
    },
  )

  test('annualContractValue agrees with decimals and a day-by-day calendar on 100,000 contracts', () => {
    const random = seededRandom(1)
    const failures: unknown[] = []
    for (let count = 0; count < 100_000 && failures.length === 0; count++) {
      const contract = randomContract(random)
      if (!agreesWithOracle(contract)) failures.push(contract)
    }
    expect(failures).toEqual([])
  })

  test('contractPeriod is equal for an end on the last day and on the anniversary', () => {
    const random = seededRandom(2)
    const differing: unknown[] = []
    for (let count = 0; count < 20_000; count++) {
      const { terms } = randomContract(random)
      const { endExclusive } = oracleContract({ ...terms, term: 'Perpetual' })
      const [byLastDay, byAnniversary] = [endExclusive - 1, endExclusive].map((end) =>
        contractPeriod({ term: 'Finite', start: terms.start, end: dateOf(end) }),
      )
      const isSame = byLastDay?.endExclusive === byAnniversary?.endExclusive
      if (!isSame || byLastDay?.months?.numerator !== 72n) differing.push(terms)
    }
    expect(differing).toEqual([])
  })
})

function agreesWithOracle({ terms, value, minorUnit }: RandomContract): boolean {
  const { endExclusive, numerator, denominator } = oracleContract(terms)
  const exact = toDecimal(value)
  const rate = roundLike(exact, exact.times(12 * denominator).div(numerator), minorUnit)
  const acv = numerator > 12 * denominator ? rate : exact
  const period = contractPeriod(terms)
  return (
    period.status === 'ok' &&
    period.endExclusive === dateOf(endExclusive) &&
    period.months !== null &&
    termMonths(period.months) === new Exact(numerator).div(denominator).toFixed(4) &&
    annualContractValue(value, period, minorUnit) === toMoney(acv) &&
    annualizedValue(value, period, minorUnit) === (rate.abs().lt('1e15') ? toMoney(rate) : null)
  )
}

function money(text: string): Money {
  const parsed = parseMoney(text)
  if (!parsed.ok) throw new Error(`${text} is ${parsed.why}`)
  return parsed.value
}

function format(amount: Money | null): string | null {
  return amount === null ? null : formatMoney(amount)
}
