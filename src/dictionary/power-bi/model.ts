import {
  type ColumnEntry,
  type Dictionary,
  descriptionOf,
  keyWithinAccount,
  type TableEntry,
  tablesOf,
  withoutSchema,
} from '../dictionary.ts'
import { filtersNeeded } from '../measures/describe-measures.ts'
import { additivityOf, columnsMartOf, type Measure } from '../measures/measure.ts'
import { measureDax } from '../measures/measure-dax.ts'
import { dimensionKeyOf } from '../relationships.ts'
import { activated, type ModelWay, reachableFrom, type Way } from './ways.ts'

/** Semantic model of Power BI, before it is written as TMDL. */
export interface Model {
  readonly tables: readonly ModelTable[]
  readonly measures: readonly ModelMeasure[]
  readonly ways: readonly ModelWay[]
  /** Condition on the rows of each table, by name, for readers who see some accounts alone. */
  readonly permissions: Readonly<Record<string, string>>
}

export interface ModelTable {
  readonly name: string
  readonly schema: string
  readonly description: string
  readonly isHidden: boolean
  readonly isDateTable: boolean
  readonly columns: readonly ModelColumn[]
}

export interface ModelColumn {
  readonly name: string
  readonly description: string
  readonly dataType: 'int64' | 'decimal' | 'double' | 'string' | 'boolean' | 'dateTime'
  readonly formatString: string | null
  readonly isHidden: boolean
  readonly isKey: boolean
  readonly sortByColumn: string | null
}

export interface ModelMeasure {
  readonly name: string
  readonly description: string
  readonly expression: string
  readonly formatString: string
  readonly displayFolder: string
}

/** Table that the measures stand in. */
export const measureTable = 'Key measures'
/** Mart of one day, which a parameter chooses: all days are too many to import. */
export const dayMart = { name: 'pipeline_as_of', column: 'snapshot_date' } as const

const calendar = 'dim_date'
const account = { table: 'dim_partner_account', column: 'partner_account_key' } as const
const access = 'bi_access'

const measureFormats: Readonly<Record<Measure['format'], string>> = {
  count: '#,0',
  weight: '#,0.00',
  amount: '#,0.00',
  share: '0.0%',
  days: '#,0.0',
  hours: '#,0.0',
  moment: 'yyyy-mm-dd hh:nn',
}

const columnFormats: Readonly<Record<ModelColumn['dataType'], string | null>> = {
  int64: '0',
  decimal: '#,0.00',
  double: '#,0.00####',
  string: null,
  boolean: null,
  dateTime: 'yyyy-mm-dd hh:nn',
}

/** Columns that sort others of their table. */
const sortedBy: Readonly<Record<string, string>> = {
  stage_label: 'stage_sort',
  day_name: 'day_of_week',
  month_name: 'month_number',
}

/** Builds the model of the marts and the star, with the measures. */
export function powerBiModel(dictionary: Dictionary, measures: readonly Measure[]): Model {
  const sources = (['dw', 'mart'] as const).flatMap((schema) =>
    tablesOf(dictionary, schema).map((table) => ({ schema, table })),
  )
  const ways = waysOf(dictionary, measures)
  const isActive = (mart: string, column: string) =>
    ways.some((way) => way.from === mart && way.fromColumn === column && way.isActive)
  return {
    tables: sources.map(({ schema, table }) => modelTable(schema, table)),
    measures: measures.map((measure) => ({
      name: measure.name,
      description: describe(measure, measures),
      expression: measureDax(measure, measures, isActive),
      formatString: measureFormats[measure.format],
      displayFolder: measure.folder,
    })),
    ways,
    permissions: permissionsOf(
      sources.map(({ table }) => table),
      ways,
    ),
  }
}

function describe(measure: Measure, all: readonly Measure[]): string {
  const needs = filtersNeeded(measure, all)
  const additivity = additivityOf(measure)
  return [
    measure.description,
    ...(needs.includes('currency_code') ? ['Blank while several currencies are in view.'] : []),
    ...(measure.snapshot === undefined ? [] : ['Of several days the last in view counts.']),
    additivity === 'nothing' ? 'Does not add up.' : `Adds up over ${additivity}.`,
    `Example: ${measure.question}`,
  ].join(' ')
}

function modelTable(schema: string, table: TableEntry): ModelTable {
  const name = withoutSchema(table.name)
  const key = keyWithinAccount(table)
  const names = new Set(table.columns.map((column) => column.name))
  return {
    name,
    schema,
    description: descriptionOf(table),
    isHidden: name === access,
    isDateTable: name === calendar,
    columns: table.columns
      .filter((column) => column.name !== 'row_hash')
      .map((column) => modelColumn(column, key, names)),
  }
}

function modelColumn(
  { name, type, meaning }: ColumnEntry,
  key: readonly string[],
  names: ReadonlySet<string>,
): ModelColumn {
  const dataType = dataTypeOf(name, type)
  const sort = sortedBy[name]
  const isInstantOfDay = name.endsWith('_at') && names.has(name.replace(/_at$/, '_date'))
  return {
    name,
    description: meaning,
    dataType,
    formatString: type === 'date' ? 'yyyy-mm-dd' : columnFormats[dataType],
    isHidden: /_(?:key|sort|run_id)$/.test(name) || isInstantOfDay,
    isKey: key.length === 1 && key[0] === name,
    sortByColumn: sort !== undefined && names.has(sort) ? sort : null,
  }
}

/** Amounts are fixed decimals, which hold their four decimals exactly. */
function dataTypeOf(name: string, type: string): ModelColumn['dataType'] {
  if (/^(?:bigint|integer|smallint)$/.test(type)) return 'int64'
  if (type.startsWith('numeric')) {
    return name.endsWith('_amount') || type.endsWith(',4)') ? 'decimal' : 'double'
  }
  if (type === 'double precision') return 'double'
  if (type === 'boolean') return 'boolean'
  return /^(?:date|timestamp)/.test(type) ? 'dateTime' : 'string'
}

/** Ways that measures need, then those of the star, then those of marts to its dimensions. */
function waysOf(dictionary: Dictionary, measures: readonly Measure[]): ModelWay[] {
  const weights = measures.flatMap(({ mart, formula }): Way[] =>
    formula.kind === 'weighted'
      ? [{ from: mart, fromColumn: formula.key, to: formula.of, toColumn: formula.key }]
      : [],
  )
  const star = dictionary.relationships
    .toSorted((one, other) => Number(other.isActive) - Number(one.isActive))
    .map(({ from, fromColumn, to, toColumn }) => ({
      from: withoutSchema(from),
      fromColumn,
      to: withoutSchema(to),
      toColumn,
    }))
  return activated([...weights, ...star, ...martWays(dictionary, measures)])
}

function martWays(dictionary: Dictionary, measures: readonly Measure[]): Way[] {
  const dimensions = new Map(
    tablesOf(dictionary, 'dw')
      .filter(({ name }) => name.startsWith('dw.dim_'))
      .map(({ name, key }) => [key[0] ?? '', withoutSchema(name)]),
  )
  return tablesOf(dictionary, 'mart')
    .map((table) => ({ mart: withoutSchema(table.name), columns: table.columns }))
    .filter(({ mart }) => mart !== access)
    .flatMap(({ mart, columns }) => {
      // The day that most measures are cut by is the active one.
      const uses = ({ name }: ColumnEntry) =>
        measures.filter((measure) => columnsMartOf(measure) === mart && measure.day === name).length
      return columns
        .toSorted((one, other) => uses(other) - uses(one))
        .flatMap((column): Way[] => {
          const toColumn = dimensionKeyOf(column)
          const to = dimensions.get(toColumn)
          return to === undefined ? [] : [{ from: mart, fromColumn: column.name, to, toColumn }]
        })
    })
}

/**
 * Conditions that show a reader the accounts that `bi_access` gives to their sign-in name. Filters
 * on accounts reach most tables along ways; the others have their own condition.
 */
function permissionsOf(
  tables: readonly TableEntry[],
  ways: readonly ModelWay[],
): Record<string, string> {
  const ofAccount = tables
    .filter(({ columns }) => columns.some(({ name }) => name === account.column))
    .map(({ name }) => withoutSchema(name))
  const alone = ofAccount.filter(
    (table) =>
      table === account.table ||
      (table !== access && !reachableFrom(table, ways).has(account.table)),
  )
  const isMine = (table: string) =>
    `CONTAINS ( ${access}, ${access}[role_name], USERPRINCIPALNAME (), ` +
    `${access}[${account.column}], ${table}[${account.column}] )`
  return {
    [access]: `${access}[role_name] = USERPRINCIPALNAME ()`,
    ...Object.fromEntries(alone.map((table) => [table, isMine(table)])),
  }
}
