import {
  annualContractValue,
  annualizedValue,
  type ContractPeriod,
  type ContractTerms,
  contractPeriod,
  type Months,
  termMonths,
} from '../transform/contract/acv.ts'
import { scheduleParts, spread } from '../transform/contract/schedule.ts'
import { addDays } from '../transform/values/dates.ts'
import { formatFixed, type Money, parseMoney } from '../transform/values/money.ts'
import type { ContractExample, EdgeCase } from './dictionary.ts'

interface Contract {
  readonly title: string
  readonly explanation: string
  readonly value: string
  readonly currency: string
  readonly minorUnit: number
  readonly term: 'Finite' | 'Perpetual'
  readonly start: string
  readonly end: string | null
}

const contracts: readonly Contract[] = [
  {
    title: 'Three years',
    explanation: 'The usual case: the value over the months, times twelve.',
    value: '36000',
    currency: 'USD',
    minorUnit: 2,
    term: 'Finite',
    start: '2025-01-01',
    end: '2027-12-31',
  },
  {
    title: 'The same three years, typed up to the anniversary',
    explanation:
      'Some people type the last day, others the day on which the contract would be renewed. Both ' +
      'mean three years, and both get the same annual value.',
    value: '36000',
    currency: 'USD',
    minorUnit: 2,
    term: 'Finite',
    start: '2025-01-01',
    end: '2028-01-01',
  },
  {
    title: 'Two and a half years',
    explanation:
      'The last contract year is short and gets its share. Every full year shows the annual value.',
    value: '50000',
    currency: 'EUR',
    minorUnit: 2,
    term: 'Finite',
    start: '2025-07-01',
    end: '2027-12-31',
  },
  {
    title: 'Perpetual',
    explanation:
      'Microsoft spreads a contract without end over six years from its start. A sixth of the value ' +
      'is no whole number of cents here, so the years differ by a cent and still add up.',
    value: '100000',
    currency: 'USD',
    minorUnit: 2,
    term: 'Perpetual',
    start: '2025-03-15',
    end: null,
  },
  {
    title: 'Less than a year',
    explanation:
      'The customer committed to six months and no more: the annual value is the whole value, not ' +
      'twice as much. What a year would bring at this rate stands beside it as the annualized amount.',
    value: '24000',
    currency: 'USD',
    minorUnit: 2,
    term: 'Finite',
    start: '2025-01-01',
    end: '2025-06-30',
  },
  {
    title: 'From a leap day',
    explanation:
      'A contract from 29 February has its anniversary on the 28th in years without a 29th. Months ' +
      'are counted from the start itself, so leap years do not matter to the amounts.',
    value: '40000',
    currency: 'USD',
    minorUnit: 2,
    term: 'Finite',
    start: '2024-02-29',
    end: '2028-02-28',
  },
  {
    title: 'A currency without minor unit',
    explanation:
      'Yen have no decimals, so no year has any. Rounding the running total instead of each year ' +
      'makes the years add up to the last yen.',
    value: '1000000',
    currency: 'JPY',
    minorUnit: 0,
    term: 'Finite',
    start: '2025-04-01',
    end: '2028-03-31',
  },
]

type ReportedTerms = ContractTerms & { readonly reported: string; readonly reason: string }

const edgeCaseValue = '60000'
const edgeCases: readonly ReportedTerms[] = [
  {
    reported: 'perpetual, without start',
    reason: 'six years, wherever they lie',
    term: 'Perpetual',
    start: null,
    end: null,
  },
  {
    reported: 'perpetual, with an end',
    reason: 'the end is ignored, and reported as a finding',
    term: 'Perpetual',
    start: '2025-01-01',
    end: '2026-12-31',
  },
  {
    reported: 'no term, 2025-01-01 to 2026-12-31',
    reason: 'both dates are there, so it is read as finite',
    term: null,
    start: '2025-01-01',
    end: '2026-12-31',
  },
  {
    reported: 'no term, no end',
    reason: 'it might be perpetual, or not',
    term: null,
    start: '2025-01-01',
    end: null,
  },
  {
    reported: 'finite, without end',
    reason: 'its length is not known',
    term: 'Finite',
    start: '2025-01-01',
    end: null,
  },
  {
    reported: 'finite, without start',
    reason: 'the day of signing does not stand in for it',
    term: 'Finite',
    start: null,
    end: '2026-12-31',
  },
  {
    reported: 'finite, ends before it starts',
    reason: 'one of the two is wrong',
    term: 'Finite',
    start: '2025-01-01',
    end: '2024-12-31',
  },
  {
    reported: 'finite, one day',
    reason: 'less than a year: the whole value',
    term: 'Finite',
    start: '2025-01-01',
    end: '2025-01-01',
  },
]

/** Returns contracts with incomplete or unusual terms, and the result of the rule for each. */
export function edgeCaseExamples(): EdgeCase[] {
  const value = moneyOf(edgeCaseValue)
  return edgeCases.map(({ reported, reason, ...terms }) => {
    const period = contractPeriod(terms)
    const acv = annualContractValue(value, period, 2)
    return {
      reported,
      reason,
      status: period.status,
      acv: acv === null ? null : amountText(acv, 2),
    }
  })
}

/** Returns worked examples of the ACV rule, computed by the rule itself. */
export function contractExamples(): ContractExample[] {
  return contracts.map(exampleOf)
}

function exampleOf(contract: Contract): ContractExample {
  const { title, explanation: lesson, currency, minorUnit, term, start, end } = contract
  const value = moneyOf(contract.value)
  const period = contractPeriod({ term, start, end })
  const acv = annualContractValue(value, period, minorUnit)
  const annualized = annualizedValue(value, period, minorUnit)
  const { months, endExclusive } = period
  if (months === null || endExclusive === null || acv === null || annualized === null) {
    throw new Error(`the example "${title}" has no annual value: ${period.status}`)
  }
  const amount = (money: Money) => amountText(money, minorUnit)
  return {
    title,
    explanation: lesson,
    currency,
    value: amount(value),
    term,
    start,
    end,
    lastDay: addDays(endExclusive, -1),
    months: monthsText(months),
    acv: amount(acv),
    annualized: amount(annualized),
    sum: calculationText(amount(value), months, amount(acv)),
    years: yearsOf(value, period, minorUnit),
  }
}

function yearsOf(value: Money, period: ContractPeriod, minorUnit: number) {
  const parts = scheduleParts(period)
  const amounts = spread(value, parts, period, minorUnit)
  return parts.map(({ contractYear, start, end, months }, index) => ({
    year: contractYear,
    start: start ?? '',
    end: end ?? '',
    months: withoutTrailingZeros(months ?? ''),
    amount: amountText(amounts[index] ?? 0n, minorUnit),
  }))
}

function calculationText(value: string, months: Months, acv: string): string {
  if (months.numerator < 12n * months.denominator) {
    return `${monthsText(months)} months are less than a year: the whole value, ${acv}`
  }
  return `${value} × 12 ÷ ${monthsText(months)} = ${acv}`
}

function moneyOf(text: string): Money {
  const parsed = parseMoney(text)
  if (!parsed.ok) throw new Error(`${text} is not an amount: ${parsed.why}`)
  return parsed.value
}

function monthsText(months: Months): string {
  return withoutTrailingZeros(termMonths(months))
}

/** Removes the zeros at the end of the decimals. */
function withoutTrailingZeros(decimal: string): string {
  return decimal.replace(/\.?0+$/, '')
}

/** Formats an amount with the currency's decimals and grouped thousands. */
function amountText(money: Money, minorUnit: number): string {
  const [whole = '0', decimals = ''] = formatFixed(money, 4).split('.')
  const grouped = BigInt(whole).toLocaleString('en-US')
  return minorUnit === 0 ? grouped : `${grouped}.${decimals.slice(0, minorUnit)}`
}
