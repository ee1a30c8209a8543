import { addDays, addMonths, daysBetween, monthsApart } from '../values/dates.ts'
import {
  divideRounded,
  fitsMoney,
  formatFixed,
  type Money,
  roundedShare,
  roundingStep,
} from '../values/money.ts'

export type AcvStatus =
  | 'ok'
  | 'term_inferred'
  | 'missing_value'
  | 'unknown_term'
  | 'missing_end_date'
  | 'perpetual_no_start'
  | 'missing_start_date'
  | 'invalid_period'
  | 'implausible_term'

export interface ContractTerms {
  /** 'Perpetual' or 'Finite' in that spelling; any other text is an undocumented term. */
  term: string | null
  start: string | null
  /** As reported: the last day, or the anniversary on which the contract would be renewed. */
  end: string | null
}

/** An exact number of months. */
export interface Months {
  numerator: bigint
  denominator: bigint
}

export interface ContractPeriod {
  status: Exclude<AcvStatus, 'missing_value'>
  isPerpetual: boolean
  /** Null, as `endExclusive` is, when the contract has no certain place in time. */
  start: string | null
  endExclusive: string | null
  /** Null when the length is unknown, and with it every amount per year. */
  months: Months | null
}

/** Microsoft deems a perpetual contract to end six years after its start. */
const perpetualMonths = 72
const termMonthsMax = 1200n
const perpetualLength: Months = { numerator: BigInt(perpetualMonths), denominator: 1n }

/**
 * Span of a contract, with the first reason that applies when it has none. Nothing is guessed: an
 * unknown term is not perpetual, and no other date replaces a missing start.
 */
export function contractPeriod({ term, start, end }: ContractTerms): ContractPeriod {
  if (term === 'Perpetual') {
    return {
      status: start === null ? 'perpetual_no_start' : 'ok',
      isPerpetual: true,
      start,
      endExclusive: start === null ? null : addMonths(start, perpetualMonths),
      months: perpetualLength,
    }
  }
  if (end === null) return unknownPeriod(term === 'Finite' ? 'missing_end_date' : 'unknown_term')
  if (start === null) return unknownPeriod('missing_start_date')
  if (end < start) return unknownPeriod('invalid_period')
  const endExclusive = exclusiveEnd(start, end)
  const months = monthsBetween(start, endExclusive)
  if (months.numerator > termMonthsMax * months.denominator) {
    return unknownPeriod('implausible_term')
  }
  const status = term === 'Finite' ? 'ok' : 'term_inferred'
  return { status, isPerpetual: false, start, endExclusive, months }
}

function unknownPeriod(status: ContractPeriod['status']): ContractPeriod {
  return { status, isPerpetual: false, start: null, endExclusive: null, months: null }
}

// One year is typed as 2024-01-01..2024-12-31 by some and as 2024-01-01..2025-01-01 by others. An
// end that lies whole months after the start is taken for the day after; both are 12 months then.
function exclusiveEnd(start: string, end: string): string {
  const months = monthsApart(start, end)
  return months >= 1 && addMonths(start, months) === end ? end : addDays(end, 1)
}

/** Whole months counted from `start`, then the share of the month begun. */
function monthsBetween(start: string, end: string): Months {
  let whole = monthsApart(start, end)
  let reached = addMonths(start, whole)
  if (reached > end) {
    whole -= 1
    reached = addMonths(start, whole)
  }
  if (reached === end) return { numerator: BigInt(whole), denominator: 1n }
  const daysInMonth = daysBetween(reached, addMonths(start, whole + 1))
  const numerator = BigInt(whole * daysInMonth + daysBetween(reached, end))
  return { numerator, denominator: BigInt(daysInMonth) }
}

/**
 * Annual contract value: the value spread evenly over the term, or the whole value when the term is
 * shorter than a year, since the customer committed to no more. Null when the length is unknown.
 */
export function annualContractValue(
  value: Money,
  { months }: ContractPeriod,
  minorUnit: number,
): Money | null {
  if (months === null) return null
  const year = 12n * months.denominator
  return months.numerator <= year ? value : perYear(value, months, minorUnit)
}

/**
 * Value per year at the rate of the term, also below a year: six months of 4,000 give 8,000. Null
 * when the length is unknown, or when the rate of a few days has too many digits to be stored.
 */
export function annualizedValue(
  value: Money,
  { months }: ContractPeriod,
  minorUnit: number,
): Money | null {
  if (months === null) return null
  const rate = perYear(value, months, minorUnit)
  return fitsMoney(rate) ? rate : null
}

function perYear(value: Money, months: Months, minorUnit: number): Money {
  const step = roundingStep(value, minorUnit)
  return roundedShare(value, 12n * months.denominator, months.numerator, step)
}

/** Months with four decimals, for people to read; amounts come from the exact fraction. */
export function termMonths({ numerator, denominator }: Months): string {
  return formatFixed(divideRounded(numerator * 10_000n, denominator), 4)
}
