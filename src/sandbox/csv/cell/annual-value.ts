import { currencyOf } from '../../data/places.ts'
import { addMonths } from '../../instants.ts'
import { daysBetween, isoDay } from './days.ts'
import { fractionOf, rounded, times } from './decimal.ts'

/**
 * How the sandbox's Microsoft annualizes a contract. The real convention is not published; a test
 * chooses one and sees whether it is found out.
 */
export interface AcvConvention {
  /** Length of a year: days, or twelve calendar months. */
  readonly year: '365-days' | '365.25-days' | 'months'
  /** Whether the end date is the last day of the contract, and not the first day after it. */
  readonly isEndIncluded: boolean
  /** Whether a contract below one year counts with its value, and is not extrapolated. */
  readonly isCapped: boolean
  /** Whether the values of the solutions are annualized instead of the contract's. */
  readonly isOnSolutions: boolean
  /** Whether the column is in US dollars, and not in the currency of the contract. */
  readonly isInDollars: boolean
}

export const usualConvention: AcvConvention = {
  year: '365-days',
  isEndIncluded: false,
  isCapped: false,
  isOnSolutions: false,
  isInDollars: false,
}

const conventionWords = new Map<string, Partial<AcvConvention>>([
  ['365-days', { year: '365-days' }],
  ['365.25-days', { year: '365.25-days' }],
  ['months', { year: 'months' }],
  ['inclusive-end', { isEndIncluded: true }],
  ['capped', { isCapped: true }],
  ['solutions', { isOnSolutions: true }],
  ['usd', { isInDollars: true }],
])

/** Words that `conventionOf` knows. */
export const acvConventionWords: readonly string[] = [...conventionWords.keys()]

/** Reads `months,inclusive-end`; undefined when a word is unknown. */
export function conventionOf(text: string): AcvConvention | undefined {
  const chosen = text.split(',').map((word) => conventionWords.get(word.trim()))
  if (chosen.includes(undefined)) return undefined
  return Object.assign({ ...usualConvention }, ...chosen)
}

/** A contract, with days as YYYY-MM-DD and amounts as plain decimals; '' for what is not known. */
export interface Term {
  readonly value: string
  readonly currency: string
  readonly start: string
  readonly end: string
  readonly isPerpetual: boolean
}

/** Years that Microsoft spreads a perpetual contract over, as documented. */
const perpetualYears = 6n

/**
 * Returns the annual value in the minor unit of the contract's currency; '' when the value or the
 * term is not known, or has no day. A perpetual contract is spread over six years.
 */
export function annualValue(term: Term, convention: AcvConvention): string {
  if (term.value === '') return ''
  const value = fractionOf(term.value)
  const { minorDigits } = currencyOf(term.currency)
  if (term.isPerpetual) return rounded(times(value, 1n, perpetualYears), minorDigits)
  const years = yearsOf(term, convention)
  if (years === null) return ''
  const [numerator, denominator] = years
  const isShort = numerator < denominator
  return rounded(
    convention.isCapped && isShort ? value : times(value, denominator, numerator),
    minorDigits,
  )
}

/** Returns the length in years as a fraction; null when a day is missing or none lies between. */
function yearsOf({ start, end }: Term, convention: AcvConvention): [bigint, bigint] | null {
  if (start === '' || end === '') return null
  const days = daysBetween(start, end) + (convention.isEndIncluded ? 1 : 0)
  if (days <= 0) return null
  if (convention.year === '365-days') return [BigInt(days), 365n]
  if (convention.year === '365.25-days') return [BigInt(4 * days), 1461n]
  return calendarYears(Date.parse(start), days)
}

/** Returns whole months and the share of the next one, in years. */
function calendarYears(startMs: number, days: number): [bigint, bigint] {
  const start = isoDay(startMs)
  let months = 0
  while (daysTo(start, startMs, months + 1) <= days) months += 1
  const rest = days - daysTo(start, startMs, months)
  const length = daysTo(start, startMs, months + 1) - daysTo(start, startMs, months)
  return [BigInt(months * length + rest), BigInt(12 * length)]
}

function daysTo(start: string, startMs: number, months: number): number {
  return daysBetween(start, isoDay(addMonths(startMs, months)))
}
