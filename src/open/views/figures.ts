import { sql } from 'kysely'
import { itemColumns, readFigures } from '../../report/queries/groups.ts'
import type { PeriodGroup } from '../../report/report-data.ts'
import type { Figure } from '../answers.ts'
import { drillTo } from '../choice.ts'
import type { Chosen, Expression, Query } from '../rows/filters.ts'
import type { Source } from '../rows/source.ts'

/** At which rates `mart.referral` converts. */
export const rateOfDeals =
  'Deals are converted at the rate of the day they closed; those that are open today at that of the expected close, but no later than today.'
/** At which rates the marts of contracts convert. */
export const rateOfContracts =
  'Contracts are converted at the rate of the day they were signed, else started, else registered.'

/** How the rows of a figure are chosen and grouped; all in one group without a label. */
export interface Grouping {
  readonly where?: Expression
  readonly label?: Expression
  readonly position?: Expression
  readonly period?: Expression
}

/** Sums the rows of a source once for several figures; `keys` are the columns that they tell apart. */
export function sumRows<Name extends string>(
  query: Query,
  source: Pick<Source, 'rows'>,
  keys: readonly string[],
  groupings: Readonly<Record<Name, Grouping>>,
): Promise<Record<Name, PeriodGroup[]>> {
  const figures = Object.entries<Grouping>(groupings).map(([name, grouping]) => {
    const { where = sql`true`, label = sql`''`, position = sql`0`, period = sql`''` } = grouping
    return [
      name,
      sql`
        select ${period} as period, ${label} as label, ${position} as position, ${itemColumns}
        from sums where ${where}`,
    ]
  })
  return readFigures(query, { keys, rows: source.rows }, Object.fromEntries(figures))
}

/** Returns groups as figures, each with the list behind it. */
export function toFigures(
  groups: readonly PeriodGroup[],
  set: string,
  parametersOf: (label: string) => Readonly<Record<string, string>>,
): Figure[] {
  return groups.map(({ label, count, amounts }) => ({
    label,
    count,
    amounts,
    drill: drillTo(set, parametersOf(label)),
  }))
}

/** Returns the one group of a figure under a name; an empty one where there is none. */
export function toFigure([group]: readonly PeriodGroup[], label: string, drill: string): Figure {
  const amounts = group?.amounts ?? { converted: null, unconverted: [], by_currency: [] }
  return { label, count: group?.count ?? 0, amounts, drill }
}

/** Orders figures by their converted amount, then by their number, largest first. */
export function bySize(one: Figure, other: Figure): number {
  const size = ({ amounts }: Figure) => Number(amounts.converted ?? 0)
  return size(other) - size(one) || other.count - one.count
}

/** Says what the chosen periods filter by; nothing without one. */
export function periodNote({ periods }: Chosen, sentence: string): string[] {
  return periods.length > 0 ? [sentence] : []
}

/** Says at which rates amounts are converted; nothing where one currency is shown as it is. */
export function ratesNote({ choice }: Chosen, sentence: string): string[] {
  return choice.currency === null ? [sentence] : []
}

/** Says which time is shown where no period was chosen, as the sources have it. */
export function recentNote({ periods }: Chosen): string[] {
  return periods.length > 0 ? [] : ['Without a period, the two years up to the day that is shown.']
}
