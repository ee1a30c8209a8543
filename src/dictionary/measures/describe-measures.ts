import { type Dictionary, rowOf, type TableEntry, tablesOf } from '../dictionary.ts'
import { additivityOf, type Measure, measureFolders, partsOf } from './measure.ts'
import { measureSource, measureSql } from './measure-sql.ts'

/** A measure as documents show it. */
export interface MeasureEntry {
  readonly name: string
  readonly description: string
  readonly question: string
  /** Mart, qualified by its schema. */
  readonly mart: string
  /** What a row of the mart stands for, without "One row per". */
  readonly grain: string
  readonly format: Measure['format']
  /** Day by which calendars cut it; null where the mart has none. */
  readonly day: string | null
  /** What it may be added up over. */
  readonly addsUpOver: string
  /** Columns to filter to one value, without which it is empty. */
  readonly needs: readonly string[]
  /** Statement that computes it over all rows. */
  readonly sql: string
  readonly dax: string
}

export interface MeasureFolder {
  readonly name: string
  readonly measures: readonly MeasureEntry[]
}

/** Describes measures by folder; `dax` has the expression of each, by name. */
export function describeMeasures(
  measures: readonly Measure[],
  dictionary: Dictionary,
  dax: ReadonlyMap<string, string>,
): MeasureFolder[] {
  const marts = new Map(tablesOf(dictionary, 'mart').map((table) => [table.name, table]))
  const entryOf = (measure: Measure): MeasureEntry => {
    const mart = `mart.${measure.mart}`
    return {
      name: measure.name,
      description: measure.description,
      question: measure.question,
      mart,
      grain: grainOf(marts.get(mart)),
      format: measure.format,
      day: measure.day ?? null,
      addsUpOver: additivityOf(measure),
      needs: filtersNeeded(measure, measures),
      sql: `select ${measureSql(measure, measures)}\nfrom ${measureSource(measure)}`,
      dax: dax.get(measure.name) ?? '',
    }
  }
  return measureFolders.map((name) => ({
    name,
    measures: measures.filter(({ folder }) => folder === name).map(entryOf),
  }))
}

/** Names the columns to filter to one value; a ratio needs those of its parts. */
export function filtersNeeded(measure: Measure, all: readonly Measure[]): string[] {
  const columns = partsOf(measure, all).flatMap(({ currency, snapshot }) => [currency, snapshot])
  return [...new Set(columns.filter((column) => column !== undefined))]
}

function grainOf(table: TableEntry | undefined): string {
  return table === undefined ? '' : rowOf(table)
}
