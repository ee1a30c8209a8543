import { addDays, addMonths } from '../values/dates.ts'
import { type Money, roundedShare, roundingStep } from '../values/money.ts'
import { type ContractPeriod, type Months, termMonths } from './acv.ts'

/** One contract year, counted from the contract's start; the last may be shorter. */
export interface SchedulePart {
  /** From 1; 0 stands for the whole of a contract that has no certain place in time. */
  contractYear: number
  start: string | null
  /** The last day that belongs to it. */
  end: string | null
  months: string | null
  /** Months from the contract's start to the end of this part, over the period's denominator. */
  share: Months
}

const fullYear = termMonths({ numerator: 12n, denominator: 1n })

/** Contract years of a period, without gap or overlap. Every line of a contract shares them. */
export function scheduleParts(period: ContractPeriod): SchedulePart[] {
  const { start, endExclusive, months } = period
  if (start === null || endExclusive === null || months === null) return [wholeContract(months)]
  const { numerator, denominator } = months
  const year = 12n * denominator
  const parts: SchedulePart[] = []
  let from = start
  let covered = 0n
  for (let contractYear = 1; covered < numerator; contractYear++) {
    const isFull = covered + year <= numerator
    const reached = isFull ? covered + year : numerator
    // Each year is counted from the start itself: from 29 February, stepping year by year would
    // stay on the 28th after the first.
    const until = reached === numerator ? endExclusive : addMonths(start, 12 * contractYear)
    parts.push({
      contractYear,
      start: from,
      end: addDays(until, -1),
      months: isFull ? fullYear : termMonths({ numerator: reached - covered, denominator }),
      share: { numerator: reached, denominator },
    })
    from = until
    covered = reached
  }
  return parts
}

function wholeContract(months: Months | null): SchedulePart {
  const share = months ?? { numerator: 0n, denominator: 1n }
  return { contractYear: 0, start: null, end: null, months: null, share }
}

/**
 * Amount of each part of the period's schedule. Running totals are rounded, not amounts, so that
 * the amounts add up to `value` exactly and no year carries the roundings of all others.
 */
export function spread(
  value: Money,
  parts: readonly SchedulePart[],
  { months }: ContractPeriod,
  minorUnit: number,
): Money[] {
  if (months === null || parts.length === 1) return [value]
  const step = roundingStep(value, minorUnit)
  let before = 0n
  return parts.map(({ share }) => {
    const total = roundedShare(value, share.numerator, months.numerator, step)
    const amount = total - before
    before = total
    return amount
  })
}
