import { type AcvStatus, termMonths } from '../../transform/contract/acv.ts'
import type { Registration } from '../../transform/rows/fact-registration.ts'
import type { PeriodExplained } from '../explanation.ts'
import { monthsText } from './arithmetic.ts'

/** Explains the span of a contract, and the rule that decided its status. */
export function explainPeriod(registration: Registration): PeriodExplained {
  const { period, value } = registration
  const { months, start, endExclusive } = period
  return {
    acv_status: value === null ? 'missing_value' : period.status,
    why: `${value === null ? 'The contract has no value. ' : ''}${statusRule(registration)}`,
    is_perpetual: period.isPerpetual,
    start_date: start,
    end_exclusive_date: endExclusive,
    end_why: endRule(registration),
    months: months === null ? null : monthsText(months),
    months_fraction: months === null ? null : `${months.numerator}/${months.denominator}`,
    term_months: months === null ? null : termMonths(months),
  }
}

function statusRule({ period, term, startDate, endDate }: Registration): string {
  const sentences: Readonly<Record<Exclude<AcvStatus, 'missing_value'>, string>> = {
    ok: period.isPerpetual
      ? 'The term is Perpetual and the start is known: the contract counts as six years from its start.'
      : 'The term is Finite, and start and end are known.',
    term_inferred: `The term is ${term}, neither Finite nor Perpetual; start and end are known, so it counts as finite.`,
    unknown_term: `The term is ${term}, neither Finite nor Perpetual, and there is no end, so the length is unknown.`,
    missing_end_date: 'The term is Finite, and there is no end, so the length is unknown.',
    perpetual_no_start:
      'The term is Perpetual: the contract counts as six years, but without a start it has no place in time.',
    missing_start_date:
      'There is no start, and no other date replaces it, so the length is unknown.',
    invalid_period: `The end ${endDate} lies before the start ${startDate}, so the length is unknown.`,
    implausible_term: 'The contract is longer than 1,200 months, which is taken for a slip.',
  }
  return sentences[period.status]
}

function endRule({ period, endDate }: Registration): string | null {
  const { endExclusive, isPerpetual } = period
  if (endExclusive === null) return null
  if (isPerpetual) {
    const ignored = endDate === null ? '' : ` The end as received, ${endDate}, is ignored.`
    return `Six years after the start.${ignored}`
  }
  return endExclusive === endDate
    ? 'The end lies whole months after the start, so it is taken for the day after the contract.'
    : `The end ${endDate} is the last day of the contract.`
}
