import {
  columnsMartOf,
  type Formula,
  isZeroWithoutUpper,
  type Measure,
  partsOf,
  type Test,
  whereOf,
} from './measure.ts'

/** Today by UTC, as in the marts. */
const today = "(now() at time zone 'utc')::date"

/**
 * Returns a measure as an aggregate of SQL over `measureSource`; `all` has the measures of a ratio.
 * Empty (NULL) when it has no rows, and when several currencies or snapshot days are in view.
 */
export function measureSql(measure: Measure, all: readonly Measure[]): string {
  const { formula, currency, snapshot } = measure
  if (formula.kind === 'ratio') {
    const [above, below] = partsOf(measure, all).map((part) => measureSql(part, all))
    const upper = isZeroWithoutUpper(measure, all) ? `coalesce(${above}, 0)` : `(${above})`
    return `${upper}::numeric / nullif(${below}, 0)`
  }
  const filter = filterOf(measure)
  const value = `${aggregate(formula)}${filter}`
  const single = [
    ...(currency === undefined ? [] : [`min(${currency})${filter} = max(${currency})${filter}`]),
    // Of all rows in view: a group that has what is asked for on an older day alone stays empty.
    ...(snapshot === undefined ? [] : [`min(${snapshot}) = max(${snapshot})`]),
  ]
  return single.length === 0 ? value : `case when ${single.join(' and ')} then ${value} end`
}

/** Returns what follows FROM: the mart, or for weights the mart joined to the one of the amounts. */
export function measureSource(measure: Measure): string {
  const mart = `mart.${measure.mart}`
  const { formula } = measure
  if (formula.kind !== 'weighted') return mart
  return `${mart} join mart.${columnsMartOf(measure)} using (partner_account_key, ${formula.key})`
}

function aggregate(formula: Exclude<Formula, { kind: 'ratio' }>): string {
  switch (formula.kind) {
    case 'rows':
      return 'count(*)'
    case 'distinct':
      return `count(distinct ${formula.column})`
    case 'median':
      return `percentile_cont(0.5) within group (order by ${formula.column})`
    case 'weighted':
      return `sum(${formula.weight} * ${formula.column})`
    default:
      return `${formula.kind}(${formula.column})`
  }
}

function filterOf(measure: Measure): string {
  const { formula } = measure
  const conditions = Object.entries(whereOf(measure)).map(conditionOf)
  if (formula.kind === 'sum' && formula.span !== undefined) {
    conditions.push(`${formula.span.from} <= ${today}`, `${formula.span.until} > ${today}`)
  }
  return conditions.length === 0 ? '' : ` filter (where ${conditions.join(' and ')})`
}

function conditionOf([column, test]: [string, Test]): string {
  if (test === true) return column
  if (typeof test === 'string') return `${column} = ${quoted(test)}`
  if ('isGiven' in test) return `${column} is not null`
  if ('from' in test) return `${column} between ${test.from} and ${test.to}`
  return `${column} in (${test.map(quoted).join(', ')})`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
