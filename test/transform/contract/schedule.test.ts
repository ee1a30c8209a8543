import { describe, expect, test } from 'vitest'
import { annualContractValue, contractPeriod } from '../../../src/transform/contract/acv.ts'
import { scheduleParts, spread } from '../../../src/transform/contract/schedule.ts'
import { formatMoney, parseMoney, roundingStep } from '../../../src/transform/values/money.ts'
import {
  anniversary,
  dateOf,
  dayOf,
  oracleContract,
  type RandomContract,
  randomContract,
  roundLike,
  seededRandom,
  toDecimal,
  toMoney,
} from '../../support/exact-oracle.ts'

const finite = (start: string, end: string) => ({ term: 'Finite', start, end })

describe('contract years', () => {
  test.each([
    {
      terms: { term: 'Perpetual', start: '2024-02-29', end: null },
      years: [
        '1 2024-02-29..2025-02-27 12.0000',
        '2 2025-02-28..2026-02-27 12.0000',
        '3 2026-02-28..2027-02-27 12.0000',
        '4 2027-02-28..2028-02-28 12.0000',
        '5 2028-02-29..2029-02-27 12.0000',
        '6 2029-02-28..2030-02-27 12.0000',
      ],
      why: 'six years, counted from the leap day each time',
    },
    {
      terms: finite('2024-01-01', '2025-06-30'),
      years: ['1 2024-01-01..2024-12-31 12.0000', '2 2025-01-01..2025-06-30 6.0000'],
      why: 'the last year is as short as the contract leaves it',
    },
    {
      terms: finite('2024-01-01', '2025-01-02'),
      years: ['1 2024-01-01..2024-12-31 12.0000', '2 2025-01-01..2025-01-02 0.0645'],
      why: 'two days are a year of their own',
    },
    {
      terms: finite('2024-01-01', '2024-12-31'),
      years: ['1 2024-01-01..2024-12-31 12.0000'],
      why: 'one year by its last day',
    },
    {
      terms: finite('2024-01-01', '2025-01-01'),
      years: ['1 2024-01-01..2024-12-31 12.0000'],
      why: 'one year by its anniversary',
    },
    {
      terms: finite('2024-05-07', '2024-05-07'),
      years: ['1 2024-05-07..2024-05-07 0.0323'],
      why: 'one day',
    },
    {
      terms: { term: null, start: '2024-01-01', end: '2024-03-31' },
      years: ['1 2024-01-01..2024-03-31 3.0000'],
      why: 'an inferred term is placed like a finite one',
    },
  ])('scheduleParts of $terms.start..$terms.end: $why', ({ terms, years }) => {
    const parts = scheduleParts(contractPeriod(terms))
    expect(
      parts.map((part) => `${part.contractYear} ${part.start}..${part.end} ${part.months}`),
    ).toEqual(years)
  })

  test.each([
    { terms: { term: null, start: '2024-01-01', end: null }, why: 'unknown_term' },
    { terms: { term: 'Finite', start: '2024-01-01', end: null }, why: 'missing_end_date' },
    { terms: { term: 'Perpetual', start: null, end: null }, why: 'perpetual_no_start' },
    { terms: { term: 'Finite', start: null, end: '2024-01-01' }, why: 'missing_start_date' },
    { terms: finite('2024-01-02', '2024-01-01'), why: 'invalid_period' },
    { terms: finite('2001-01-01', '2150-01-01'), why: 'implausible_term' },
  ])('a contract without dates has its whole amount in year 0: $why', ({ terms, why }) => {
    const period = contractPeriod(terms)
    const parts = scheduleParts(period)
    expect(period.status).toBe(why)
    expect(parts).toMatchObject([{ contractYear: 0, start: null, end: null, months: null }])
    expect(spread(1_234_567n, parts, period, 2)).toEqual([1_234_567n])
  })
})

describe('spreading a value', () => {
  const perpetual = { term: 'Perpetual', start: '2024-01-01', end: null }
  test.each([
    {
      value: '100000.00',
      terms: perpetual,
      unit: 2,
      amounts: ['16666.67', '16666.66', '16666.67', '16666.67', '16666.66', '16666.67'],
      why: 'no year takes the rest of the others',
    },
    {
      value: '-100000.00',
      terms: perpetual,
      unit: 2,
      amounts: ['-16666.67', '-16666.66', '-16666.67', '-16666.67', '-16666.66', '-16666.67'],
      why: 'a credit mirrors a charge',
    },
    {
      value: '100',
      terms: perpetual,
      unit: 0,
      amounts: ['17', '16', '17', '17', '16', '17'],
      why: 'yen have no decimals',
    },
    {
      value: '10',
      terms: perpetual,
      unit: 3,
      amounts: ['1.667', '1.666', '1.667', '1.667', '1.666', '1.667'],
      why: 'dinars have three',
    },
    {
      value: '0.05',
      terms: perpetual,
      unit: 2,
      amounts: ['0.01', '0.01', '0.01', '0', '0.01', '0.01'],
      why: 'fewer cents than years',
    },
    {
      value: '0.0001',
      terms: perpetual,
      unit: 2,
      amounts: ['0', '0', '0.0001', '0', '0', '0'],
      why: 'a value finer than a cent keeps its decimals',
    },
    {
      value: '0',
      terms: perpetual,
      unit: 2,
      amounts: ['0', '0', '0', '0', '0', '0'],
      why: 'zero, every year',
    },
    {
      value: '999999999999999.9999',
      terms: finite('2024-01-01', '2026-12-31'),
      unit: 2,
      amounts: ['333333333333333.3333', '333333333333333.3333', '333333333333333.3333'],
      why: 'nineteen digits',
    },
    {
      value: '100000',
      terms: finite('2024-01-01', '2025-06-30'),
      unit: 2,
      amounts: ['66666.67', '33333.33'],
      why: 'a short last year gets its share',
    },
    {
      value: '3000',
      terms: finite('2024-01-01', '2024-01-01'),
      unit: 2,
      amounts: ['3000'],
      why: 'below a year the one amount is the annual value',
    },
  ])('scheduleAmounts of $value: $why', ({ value, terms, unit, amounts }) => {
    const parsed = parseMoney(value)
    const period = contractPeriod(terms)
    const spreadOut = parsed.ok ? spread(parsed.value, scheduleParts(period), period, unit) : []
    expect(spreadOut.map(formatMoney)).toEqual(amounts)
  })

  test('a renewal changes years to come and blends the amounts', () => {
    const before = contractPeriod(finite('2024-01-01', '2024-12-31'))
    const after = contractPeriod(finite('2024-01-01', '2025-12-31'))
    expect(spread(1_000_000n, scheduleParts(before), before, 2)).toEqual([1_000_000n])
    expect(spread(3_000_000n, scheduleParts(after), after, 2)).toEqual([1_500_000n, 1_500_000n])
  })

  test('schedules of 100,000 random contracts have exact sums, no gap and no overlap', () => {
    const random = seededRandom(3)
    const failures: unknown[] = []
    for (let count = 0; count < 100_000 && failures.length === 0; count++) {
      const contract = randomContract(random)
      const broken = brokenPromises(contract)
      if (broken.length > 0) failures.push({ ...contract, broken })
    }
    expect(failures).toEqual([])
  })
})

function brokenPromises({ terms, value, minorUnit }: RandomContract): string[] {
  const period = contractPeriod(terms)
  const parts = scheduleParts(period)
  const amounts = spread(value, parts, period, minorUnit)
  const oracle = oracleContract(terms)
  const exact = toDecimal(value)
  const acv = annualContractValue(value, period, minorUnit) ?? 0n
  const step = roundingStep(value, minorUnit)
  const broken: string[] = []
  const promise = (isKept: boolean, name: string) => isKept || broken.push(name)

  promise(amounts.reduce((sum, amount) => sum + amount, 0n) === value, 'sum')
  let next = oracle.start
  let total = exact.times(0)
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1
    const amount = amounts[index] ?? 0n
    promise(part.contractYear === index + 1, 'numbers')
    promise(part.start === dateOf(next), 'no gap or overlap')
    next = isLast ? oracle.endExclusive : anniversary(oracle.start, 12 * (index + 1))
    promise(dayOf(part.end ?? '') + 1 === next, 'last days')
    promise(isLast || part.months === '12.0000', 'full years before the last')

    const share = isLast
      ? exact
      : exact.times(12 * (index + 1) * oracle.denominator).div(oracle.numerator)
    const reached = roundLike(exact, share, minorUnit)
    promise(amount === toMoney(reached.minus(total)), 'amounts')
    total = reached
    const difference = amount > acv ? amount - acv : acv - amount
    promise(part.months !== '12.0000' || difference <= step, 'full years equal the ACV')
  }
  promise(parts.length === Math.ceil(oracle.numerator / oracle.denominator / 12), 'number of years')
  return broken
}
