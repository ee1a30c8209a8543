import {
  columnsMartOf,
  type Formula,
  isZeroWithoutUpper,
  type Measure,
  snapshotColumns,
  type Test,
  whereOf,
} from './measure.ts'

/** Table and column of the calendar in the model. */
const calendar = { table: 'dim_date', day: 'date_day' } as const

/**
 * Returns a measure as an expression of DAX over tables named as their marts; `all` has the measures
 * of a ratio. `isActive` tells whether the way from a column to the calendar is the active one. Blank
 * when it has no rows, and when several currencies are in view; of several snapshot days the last in
 * view counts.
 */
export function measureDax(
  measure: Measure,
  all: readonly Measure[],
  isActive: (mart: string, column: string) => boolean,
): string {
  const { mart, formula, day, snapshot } = measure
  if (formula.kind === 'ratio') {
    const upper = isZeroWithoutUpper(measure, all) ? `[${formula.above}] + 0` : `[${formula.above}]`
    return `DIVIDE ( ${upper}, [${formula.below}] )`
  }
  const source = columnsMartOf(measure)
  const variables: string[] = []
  const filters = Object.entries(whereOf(measure)).map(([column, test]) =>
    kept(conditionOf(columnOf(source, column), test)),
  )
  if (snapshot !== undefined) {
    variables.push(`VAR LastDay =\n${indented(lastDay(mart, snapshot))}`)
    filters.push(`${columnOf(mart, snapshot)} = LastDay`)
  }
  if (formula.kind === 'sum' && formula.span !== undefined) {
    const { from, until } = formula.span
    variables.push(
      `VAR ReportDay = MIN ( MAX ( ${columnOf(calendar.table, calendar.day)} ), UTCTODAY () )`,
    )
    filters.push(
      `REMOVEFILTERS ( ${calendar.table} )`,
      kept(`NOT ISBLANK ( ${columnOf(mart, from)} ) && ${columnOf(mart, from)} <= ReportDay`),
      kept(`${columnOf(mart, until)} > ReportDay`),
    )
  } else if (day !== undefined && !isActive(source, day)) {
    const to = columnOf(calendar.table, calendar.day)
    filters.push(`USERELATIONSHIP ( ${columnOf(source, day)}, ${to} )`)
  }
  const value = guarded(measure, aggregate(mart, formula))
  if (filters.length === 0) return value
  const calculation = calculate(value, filters)
  if (variables.length === 0) return calculation
  return `${variables.join('\n')}\nRETURN\n${indented(calculation)}`
}

/**
 * Last day of a snapshot by the filters on days alone: a stage that has no deals on it is blank,
 * and does not show those of an older day.
 */
function lastDay(mart: string, snapshot: string): string {
  return calculate(`MAX ( ${columnOf(mart, snapshot)} )`, [
    `REMOVEFILTERS ( ${mart} )`,
    `VALUES ( ${columnOf(calendar.table, calendar.day)} )`,
    ...snapshotColumns(snapshot).map((column) => `FILTERS ( ${columnOf(mart, column)} )`),
  ])
}

function calculate(value: string, filters: readonly string[]): string {
  return `CALCULATE (\n${indented([value, ...filters].join(',\n'))}\n)`
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}

function aggregate(mart: string, formula: Exclude<Formula, { kind: 'ratio' }>): string {
  switch (formula.kind) {
    case 'rows':
      return `COUNTROWS ( ${mart} )`
    case 'distinct':
      return `DISTINCTCOUNTNOBLANK ( ${columnOf(mart, formula.column)} )`
    case 'weighted': {
      const amount = `RELATED ( ${columnOf(formula.of, formula.column)} )`
      return `SUMX ( ${mart}, ${columnOf(mart, formula.weight)} * ${amount} )`
    }
    default:
      return `${formula.kind.toUpperCase()} ( ${columnOf(mart, formula.column)} )`
  }
}

function guarded(measure: Measure, value: string): string {
  const { mart, formula, currency } = measure
  if (currency === undefined) return value
  // Filters do not run from the weights to the amounts, so the currencies of the weights are counted.
  if (formula.kind === 'weighted') {
    const currencies = `SUMMARIZE ( ${mart}, ${columnOf(formula.of, currency)} )`
    return `IF ( COUNTROWS ( ${currencies} ) = 1, ${value} )`
  }
  return `IF ( HASONEVALUE ( ${columnOf(mart, currency)} ), ${value} )`
}

/** A condition beside the filters of a report on the same column, as in SQL, not in place of them. */
function kept(condition: string): string {
  return `KEEPFILTERS ( ${condition} )`
}

function conditionOf(column: string, test: Test): string {
  if (test === true) return `${column} = TRUE ()`
  if (typeof test === 'string') return `${column} = ${quoted(test)}`
  if ('isGiven' in test) return `NOT ISBLANK ( ${column} )`
  // A missing value is 0 in a comparison.
  if ('from' in test) {
    return `NOT ISBLANK ( ${column} ) && ${column} >= ${test.from} && ${column} <= ${test.to}`
  }
  return `${column} IN { ${test.map(quoted).join(', ')} }`
}

function columnOf(table: string, column: string): string {
  return `${table}[${column}]`
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}
