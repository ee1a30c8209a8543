import type { Connection } from '../connection.ts'
import { stableId } from '../stable-id.ts'
import {
  dayMart,
  type Model,
  type ModelColumn,
  type ModelMeasure,
  type ModelTable,
  measureTable,
} from './model.ts'

/** Name of the role that shows a reader their accounts alone. */
export const accountRole = 'Accounts of the reader'

/** Renders the files of a semantic model in TMDL, by their names below its definition folder. */
export function tmdlFiles(model: Model, connection: Connection): Record<string, string> {
  const names = [measureTable, ...model.tables.map(({ name }) => name)]
  return {
    'database.tmdl': document(['database', ['compatibilityLevel: 1600']]),
    'model.tmdl': document(
      [
        'model Model',
        [
          'culture: en-US',
          'defaultPowerBIDataSourceVersion: powerBI_V3',
          'discourageImplicitMeasures',
          'sourceQueryCulture: en-US',
        ],
      ],
      // Otherwise Desktop makes a hidden calendar for each of the days.
      ['annotation __PBI_TimeIntelligenceEnabled = 0', []],
      ...names.map((name): Block => [`ref table ${quoted(name)}`, []]),
      [`ref role ${quoted(accountRole)}`, []],
    ),
    'expressions.tmdl': document(...parameters(connection)),
    'relationships.tmdl': document(
      ...model.ways.map(
        ({ from, fromColumn, to, toColumn, isActive }): Block => [
          `relationship ${quoted(`${from} ${fromColumn}`)}`,
          [
            ...(isActive ? [] : ['isActive: false']),
            `fromColumn: ${from}.${fromColumn}`,
            `toColumn: ${to}.${toColumn}`,
          ],
        ],
      ),
    ),
    [`roles/${accountRole}.tmdl`]: document([
      `role ${quoted(accountRole)}`,
      [
        'modelPermission: read',
        ...Object.entries(model.permissions).map(
          ([table, condition]) => `tablePermission ${quoted(table)} = ${condition}`,
        ),
      ],
    ]),
    [`tables/${measureTable}.tmdl`]: measuresFile(model.measures),
    ...Object.fromEntries(
      model.tables.map((table) => [`tables/${table.name}.tmdl`, tableFile(table)]),
    ),
  }
}

/** An object and what stands in it; a list is an object in turn. */
type Block = readonly [head: string, body: readonly (string | Block)[]]

function document(...blocks: readonly Block[]): string {
  return `${blocks.map((block) => lines(block, 0).join('\n')).join('\n\n')}\n`
}

function lines([head, body]: Block, depth: number): string[] {
  return [
    ...indented(head, depth),
    ...body.flatMap((part) =>
      typeof part === 'string' ? indented(part, depth + 1) : ['', ...lines(part, depth + 1)],
    ),
  ]
}

function indented(text: string, depth: number): string[] {
  return text.split('\n').map((line) => `${'\t'.repeat(depth)}${line}`)
}

/** An object with its description before it, as TMDL has it. */
function described(description: string, head: string): string {
  return `/// ${description.replaceAll(/\s*\n\s*/g, ' ')}\n${head}`
}

function parameters({ server, database }: Connection): Block[] {
  const parameter = (name: string, description: string, value: string, meta: string): Block => [
    described(description, `expression ${name} = ${value} meta [IsParameterQuery=true, ${meta}]`),
    [`lineageTag: ${stableId(`expression ${name}`)}`],
  ]
  const text = 'Type="Text", IsParameterQueryRequired=true'
  return [
    parameter('Server', 'Name and port of the warehouse.', mText(server), text),
    parameter('Database', 'Database of the warehouse.', mText(database), text),
    parameter(
      'PipelineDay',
      `Day of ${dayMart.name}; empty for today by UTC.`,
      'null',
      'Type="Date", IsParameterQueryRequired=false',
    ),
  ]
}

function measuresFile(measures: readonly ModelMeasure[]): string {
  const note = 'Note'
  return document([
    described(
      'Figures, ready to use, by folder. Each says what it needs.',
      `table '${measureTable}'`,
    ),
    [
      `lineageTag: ${stableId('measures')}`,
      ...measures.map(measureBlock),
      [
        `column ${note}`,
        [
          'dataType: string',
          'isHidden',
          `lineageTag: ${stableId('measures note')}`,
          'summarizeBy: none',
          `sourceColumn: ${note}`,
        ],
      ],
      [
        `partition '${measureTable}' = m`,
        ['mode: import', `source = #table(type table [${note} = text], {})`],
      ],
    ],
  ])
}

function measureBlock(measure: ModelMeasure): Block {
  const head = `measure ${quoted(measure.name)}`
  const isLong = measure.expression.includes('\n')
  const expression = isLong
    ? `${head} =\n${indented(measure.expression, 2).join('\n')}`
    : `${head} = ${measure.expression}`
  return [
    described(measure.description, expression),
    [
      `formatString: ${measure.formatString}`,
      `displayFolder: ${measure.displayFolder}`,
      `lineageTag: ${stableId(`measure ${measure.name}`)}`,
    ],
  ]
}

function tableFile(table: ModelTable): string {
  return document([
    described(table.description, `table ${quoted(table.name)}`),
    [
      ...(table.isHidden ? ['isHidden'] : []),
      ...(table.isDateTable ? ['dataCategory: Time'] : []),
      `lineageTag: ${stableId(`table ${table.name}`)}`,
      ...table.columns.map((column) => columnBlock(table.name, column)),
      [`partition ${quoted(table.name)} = m`, ['mode: import', source(table)]],
    ],
  ])
}

function columnBlock(table: string, column: ModelColumn): Block {
  return [
    described(column.description, `column ${column.name}`),
    [
      `dataType: ${column.dataType}`,
      ...(column.isHidden ? ['isHidden'] : []),
      ...(column.isKey ? ['isKey'] : []),
      ...(column.formatString === null ? [] : [`formatString: ${column.formatString}`]),
      `lineageTag: ${stableId(`column ${table}.${column.name}`)}`,
      'summarizeBy: none',
      `sourceColumn: ${column.name}`,
      ...(column.sortByColumn === null ? [] : [`sortByColumn: ${column.sortByColumn}`]),
    ],
  ]
}

/** Query of Power Query: the columns of the model, with amounts as fixed decimals. */
function source({ name, schema, columns }: ModelTable): string {
  const amounts = columns.filter(({ dataType }) => dataType === 'decimal')
  const list = columns.map((column) => mText(column.name)).join(', ')
  const types = amounts.map((column) => `{${mText(column.name)}, Currency.Type}`).join(', ')
  const day =
    'if PipelineDay = null then DateTime.Date(DateTimeZone.RemoveZone(DateTimeZone.UtcNow())) ' +
    'else PipelineDay'
  const steps = [
    'Source = PostgreSQL.Database(Server, Database, [CreateNavigationProperties = false])',
    `View = Source{[Schema = ${mText(schema)}, Item = ${mText(name)}]}[Data]`,
    ...(name === dayMart.name
      ? [`Day = ${day}`, `Rows = Table.SelectRows(View, each [${dayMart.column}] = Day)`]
      : ['Rows = View']),
    `Columns = Table.SelectColumns(Rows, {${list}})`,
    `Typed = Table.TransformColumnTypes(Columns, {${types}})`,
  ]
  const body = ['let', ...steps.map((step, no) => `\t${step}${no < steps.length - 1 ? ',' : ''}`)]
  return `source =\n${[...body, 'in', '\tTyped'].map((line) => `\t\t${line}`).join('\n')}`
}

/** A text of Power Query, in which `#(` begins an escape; on one line, as TMDL reads lines. */
function mText(text: string): string {
  const escaped = text
    .replaceAll('#(', '#(#)(')
    .replaceAll('"', '""')
    .replaceAll('\r', '#(cr)')
    .replaceAll('\n', '#(lf)')
  return `"${escaped}"`
}

/** Names other than plain words are quoted in TMDL. */
function quoted(name: string): string {
  return /^\w+$/.test(name) ? name : `'${name.replaceAll("'", "''")}'`
}
