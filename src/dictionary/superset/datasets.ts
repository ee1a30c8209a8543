import {
  type ColumnEntry,
  type Dictionary,
  descriptionOf,
  tablesOf,
  withoutSchema,
} from '../dictionary.ts'
import { joinComment } from '../lineage.ts'
import { filtersNeeded } from '../measures/describe-measures.ts'
import { columnsMartOf, type Measure } from '../measures/measure.ts'
import { measureSource, measureSql } from '../measures/measure-sql.ts'
import type { YamlValue } from '../render/yaml.ts'
import { stableId } from '../stable-id.ts'

/** Formats of d3 by format of a measure; a moment is shown as the database gives it. */
const formats: Readonly<Record<Measure['format'], string | null>> = {
  count: ',d',
  weight: ',.2f',
  amount: ',.2f',
  share: '.1%',
  days: ',.1f',
  hours: ',.1f',
  moment: null,
}

/** Returns the format of d3 in which a measure is shown; null for a moment. */
export function formatOf({ format }: Measure): string | null {
  return formats[format]
}

/** One dataset of Superset: a mart, or for weights the mart joined to that of the amounts. */
export interface Dataset {
  /** Name of the mart, without its schema. */
  readonly name: string
  readonly id: string
  readonly yaml: YamlValue
}

/** Returns a dataset for every mart, with its columns and the measures over it as metrics. */
export function supersetDatasets(
  dictionary: Dictionary,
  measures: readonly Measure[],
  databaseId: string,
): Dataset[] {
  // Whom the accounts are shown to is for Power BI alone, and names people.
  const marts = tablesOf(dictionary, 'mart').filter(({ name }) => name !== 'mart.bi_access')
  const columnsOf = (mart: string) =>
    marts.find(({ name }) => name === `mart.${mart}`)?.columns ?? []
  return marts.map((mart): Dataset => {
    const name = withoutSchema(mart.name)
    const own = measures.filter((measure) => measure.mart === name)
    const joined = own.find((measure) => columnsMartOf(measure) !== name)
    const further = joined === undefined ? [] : columnsOf(columnsMartOf(joined))
    const names = new Set(mart.columns.map((column) => column.name))
    const columns = [...mart.columns, ...further.filter((column) => !names.has(column.name))]
    const day = own.find((measure) => measure.day !== undefined)?.day
    const id = stableId(`superset dataset ${name}`)
    return {
      name,
      id,
      yaml: {
        table_name: name,
        // Without it an upgrade does not find the dataset that it replaces.
        schema: 'mart',
        description: descriptionOf(mart),
        ...(day === undefined ? {} : { main_dttm_col: day }),
        // A join makes a virtual dataset: the amounts are in the other mart.
        ...(joined === undefined ? {} : { sql: `select * from ${measureSource(joined)}` }),
        filter_select_enabled: true,
        uuid: id,
        metrics: own.map((measure) => metric(measure, measures)),
        columns: columns.map(columnYaml),
        version: '1.0.0',
        database_uuid: databaseId,
      },
    }
  })
}

function metric(measure: Measure, all: readonly Measure[]): YamlValue {
  const format = formatOf(measure)
  const needs = filtersNeeded(measure, all)
  const needed = needs.length === 0 ? '' : ` Needs one value of ${needs.join(' and ')}.`
  return {
    metric_name: measure.name,
    verbose_name: measure.name,
    expression: measureSql(measure, all),
    description: `${measure.description}${needed} Answers: ${measure.question}`,
    ...(format === null ? {} : { d3format: format }),
  }
}

function columnYaml(column: ColumnEntry): YamlValue {
  const isTime = column.type === 'date' || column.type === 'timestamptz'
  return {
    column_name: column.name,
    is_dttm: isTime,
    is_active: true,
    type: column.type.toUpperCase(),
    groupby: true,
    filterable: true,
    description: joinComment(column),
  }
}
