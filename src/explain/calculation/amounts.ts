import type { ContractPeriod } from '../../transform/contract/acv.ts'
import type { Registration } from '../../transform/rows/fact-registration.ts'
import {
  formatMoney,
  type Money,
  roundedShare,
  roundingStep,
} from '../../transform/values/money.ts'
import type { AmountExplained } from '../explanation.ts'
import { monthsFactor, stepText, unrounded } from './arithmetic.ts'

/** Column that holds an amount, what it is, and the amount as the transform computes it. */
export interface Result {
  readonly column: string
  readonly label: string
  readonly amount: string | null
}

/** What an amount per year is computed from. */
export interface Basis {
  readonly value: Money | null
  readonly period: ContractPeriod
  /** Decimals of the currency. */
  readonly minorUnit: number
}

/** An amount that is stored as it was received. */
export function received(result: Result, path: string): AmountExplained {
  const why = result.amount === null ? `${path} has no value.` : `As received in ${path}.`
  return { ...result, formula: null, unrounded: null, rounded_to: null, why }
}

/** An amount that adds up or subtracts exact amounts. */
export function summed(result: Result, formula: string, why: string): AmountExplained {
  const shown = result.amount === null ? null : formula
  return { ...result, formula: shown, unrounded: null, rounded_to: null, why }
}

/** Explains an annual contract value: the value over the term, the whole value up to a year. */
export function annual(result: Result, basis: Basis): AmountExplained {
  const { value, period } = basis
  if (value === null || period.months === null) return missing(result, basis)
  const { numerator, denominator } = period.months
  if (numerator > 12n * denominator) {
    return perYear(result, basis, 'The value spread evenly over the term, for twelve months.')
  }
  const why =
    numerator === 12n * denominator
      ? 'The term is a year, so the annual value is the value.'
      : 'The term is shorter than a year, so the annual value is the whole value: the customer ' +
        'committed to no more.'
  return { ...result, formula: formatMoney(value), unrounded: null, rounded_to: null, why }
}

/** Explains the value per year at the rate of the term, also below a year. */
export function annualized(result: Result, basis: Basis): AmountExplained {
  const { value, period } = basis
  if (value === null || period.months === null) return missing(result, basis)
  if (result.amount === null) {
    const why = 'The rate of so short a term has more digits than are stored.'
    return { ...perYear(result, basis, why), unrounded: null, rounded_to: null }
  }
  return perYear(result, basis, 'What twelve months bring at the rate of the term.')
}

/** Explains the part of a contract's amount that falls to a line. */
export function allocated(
  result: Result,
  total: Money | null,
  { weights, index, minorUnit }: Share,
): AmountExplained {
  if (total === null) {
    const why = 'The contract has no such amount to share.'
    return { ...result, formula: null, unrounded: null, rounded_to: null, why }
  }
  if (weights.length === 1) {
    const why = 'The only line takes all of the contract.'
    return { ...result, formula: formatMoney(total), unrounded: null, rounded_to: null, why }
  }
  const sum = added(weights)
  const reached = added(weights.slice(0, index + 1))
  const step = roundingStep(total, minorUnit)
  const before = index === 0 ? 0n : roundedShare(total, reached - (weights[index] ?? 0n), sum, step)
  const whole = `${formatMoney(total)} × ${formatMoney(reached)} ÷ ${formatMoney(sum)}`
  return {
    ...result,
    formula: index === 0 ? whole : `${whole} − ${formatMoney(before)}`,
    unrounded: unrounded(total * reached - before * sum, sum),
    rounded_to: stepText(step),
    why:
      index === 0
        ? 'The share of the line, rounded.'
        : 'What the lines so far have together, less what the lines before have, so that all lines add ' +
          'up to the contract.',
  }
}

/** Weights of all lines, and the place of one among them. */
export interface Share {
  readonly weights: readonly bigint[]
  readonly index: number
  readonly minorUnit: number
}

/** How the lines share the contract, in a sentence. */
export function allocationRule(
  { lines, hasForeignLine }: Pick<Registration, 'lines' | 'hasForeignLine'>,
  isByValue: boolean,
): string {
  if (lines.length === 0) {
    return 'The registration has no lines: one of number 0 stands for the whole contract.'
  }
  if (lines.length === 1) return 'The only line takes all of the contract.'
  if (isByValue) return 'The lines share the contract in proportion to their values.'
  return hasForeignLine
    ? 'The lines share the contract in equal parts, because one has another currency.'
    : 'The lines share the contract in equal parts, because their values are all zero or missing, or differ in sign.'
}

function perYear(result: Result, { value, period, minorUnit }: Basis, why: string) {
  const { months } = period
  if (value === null || months === null) throw new Error('no basis for an amount per year')
  return {
    ...result,
    formula: `${formatMoney(value)} × 12 ÷ ${monthsFactor(months)}`,
    unrounded: unrounded(value * 12n * months.denominator, months.numerator),
    rounded_to: stepText(roundingStep(value, minorUnit)),
    why,
  }
}

function missing(result: Result, { value }: Basis): AmountExplained {
  const why = value === null ? 'There is no value.' : 'The length of the contract is unknown.'
  return { ...result, formula: null, unrounded: null, rounded_to: null, why }
}

function added(parts: readonly bigint[]): bigint {
  return parts.reduce((left, right) => left + right, 0n)
}
