import type { Catalog } from '../read-catalog.ts'
import {
  columnsMartOf,
  type Formula,
  type Measure,
  measureFolders,
  measureFormats,
  snapshotColumns,
  type Test,
  whereOf,
} from './measure.ts'

/** What a column has to be, in words of PostgreSQL's types. */
const kinds = {
  number: /^(?:numeric|bigint|integer|smallint|double precision)/,
  text: /^(?:text|character)/,
  flag: /^boolean$/,
  day: /^date$/,
  any: /./,
} as const
type Kind = keyof typeof kinds

/**
 * Finds what is wrong with measures, held against the catalog: unknown marts, columns, formats,
 * folders and measures, columns of another type, amounts without their currency. Each sentence
 * begins with the measure's name.
 */
export function problemsOfMeasures(measures: readonly Measure[], catalog: Catalog): string[] {
  const types = new Map(
    catalog.relations.map(({ name, columns }) => [
      name,
      new Map(columns.map((column) => [column.name, column.type])),
    ]),
  )
  const columnProblem = (mart: string, column: string, kind: Kind): string[] => {
    const columns = types.get(`mart.${mart}`)
    if (columns === undefined) return [`expected a mart, got ${mart}`]
    const type = columns.get(column)
    if (type === undefined) return [`expected a column of mart.${mart}, got ${column}`]
    return kinds[kind].test(type)
      ? []
      : [`expected a column of kind ${kind}, got mart.${mart}.${column} ${type}`]
  }
  const problemsOf = (measure: Measure): string[] => {
    const { name, mart, formula, format, folder, day, currency, snapshot, question } = measure
    const source = columnsMartOf(measure)
    const isTwice = measures.filter((other) => other.name === name).length > 1
    return [
      ...(isTwice ? ['expected a name of its own'] : []),
      ...(measureFormats.includes(format) ? [] : [`expected a known format, got ${format}`]),
      ...(measureFolders.includes(folder) ? [] : [`expected a known folder, got ${folder}`]),
      ...(measure.description.endsWith('.') ? [] : ['expected a description in sentences']),
      ...(question.endsWith('?') ? [] : ['expected a question']),
      ...formulaProblems(measure),
      ...Object.entries(whereOf(measure)).flatMap(([column, test]) =>
        columnProblem(source, column, kindOf(test)),
      ),
      ...(day === undefined ? [] : columnProblem(source, day, 'day')),
      ...(currency === undefined ? [] : columnProblem(source, currency, 'text')),
      ...(snapshot === undefined ? [] : columnProblem(mart, snapshot, 'day')),
      ...(snapshot === undefined ? [] : snapshotColumns(snapshot)).flatMap((column) =>
        columnProblem(mart, column, 'any'),
      ),
      ...(needsCurrency(formula) === (currency !== undefined)
        ? []
        : ['expected a currency beside an amount in currency_code, and beside no other column']),
    ]
  }
  const formulaProblems = ({ name, mart, formula }: Measure): string[] => {
    switch (formula.kind) {
      case 'rows':
        return types.has(`mart.${mart}`) ? [] : [`expected a mart, got ${mart}`]
      case 'ratio':
        return [formula.above, formula.below].flatMap((part) => {
          const found = measures.find((other) => other.name === part)
          if (found === undefined) return [`expected a measure, got ${part}`]
          if (found.formula.kind === 'ratio') return [`expected no ratio of ratios, got ${part}`]
          return found.mart === mart && part !== name
            ? []
            : [`expected a measure of mart.${mart}, got ${part} of mart.${found.mart}`]
        })
      case 'weighted':
        return [
          ...columnProblem(mart, formula.weight, 'number'),
          ...columnProblem(mart, formula.key, 'number'),
          ...columnProblem(formula.of, formula.key, 'number'),
          ...columnProblem(formula.of, formula.column, 'number'),
        ]
      case 'sum':
        return [
          ...columnProblem(mart, formula.column, 'number'),
          ...Object.values(formula.span ?? {}).flatMap((column) =>
            columnProblem(mart, column, 'day'),
          ),
        ]
      case 'median':
        return columnProblem(mart, formula.column, 'number')
      default:
        return columnProblem(mart, formula.column, 'any')
    }
  }
  return measures.flatMap((measure) =>
    problemsOf(measure).map((problem) => `${measure.name}: ${problem}`),
  )
}

function kindOf(test: Test): Kind {
  if (test === true) return 'flag'
  if (typeof test === 'string' || Array.isArray(test)) return 'text'
  return 'from' in test ? 'number' : 'any'
}

/** Amounts beside a currency; those in the reporting currency have one currency by themselves. */
function needsCurrency(formula: Formula): boolean {
  if (formula.kind === 'ratio' || formula.kind === 'rows') return false
  return /_amount$/.test(formula.column) && !/_reporting_amount$/.test(formula.column)
}
