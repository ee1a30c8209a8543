import { appVersion } from '../../version.ts'
import type { Connection } from '../connection.ts'
import {
  type ColumnEntry,
  type Dictionary,
  descriptionOf,
  keyWithinAccount,
  type SchemaEntry,
  type TableEntry,
  withoutSchema,
} from '../dictionary.ts'
import { toYaml, type YamlValue } from './yaml.ts'

const header = `# Data contract in the Open Data Contract Standard 3.1.
# Written by \`cosell docs\` from the comments, types and keys of the database: change those instead.
`

/** Schemas that readers may rely on. */
export const contractedSchemas = ['mart', 'dw'] as const

/** Hours after which a load is late: a day and two hours. */
export const lateHours = 26

/**
 * Renders the data contract of one schema: its tables with their grain, and of each column meaning,
 * type, keys and where it comes from.
 */
export function dataContract(
  dictionary: Dictionary,
  schemaName: (typeof contractedSchemas)[number],
  connection: Connection,
): string {
  const schema = dictionary.schemas.find(({ name }) => name === schemaName)
  if (schema === undefined) throw new Error(`the dictionary has no schema ${schemaName}`)
  return `${header}${toYaml(contractOf(dictionary, schema, connection))}`
}

function contractOf(
  dictionary: Dictionary,
  { name, meaning, tables }: SchemaEntry,
  connection: Connection,
): YamlValue {
  return {
    apiVersion: 'v3.1.0',
    kind: 'DataContract',
    id: `cosell-${name}`,
    name: `cosell ${name}`,
    version: appVersion,
    status: 'active',
    domain: 'co-sell',
    description: {
      purpose: meaning,
      usage: 'Each publish is one transaction: readers see the state before or after it.',
      limitations:
        'Amounts of several currencies do not add up; group by the currency beside them.',
    },
    servers: [{ server: 'warehouse', type: 'postgres', ...placeOf(connection), schema: name }],
    roles: [{ role: 'cosell_bi', access: 'read' }],
    schema: tables.map((table) => tableOf(dictionary, table)),
    ...(name === 'mart' ? freshness : {}),
  }
}

const freshness = {
  slaProperties: [
    {
      property: 'freshness',
      value: lateHours,
      unit: 'h',
      element: 'load_status.published_at',
      description: 'Every account is published each night.',
    },
  ],
}

function placeOf({ server, database }: Connection) {
  const [, host = server, port = '5432'] = /^\[?(.*?)\]?:(\d+)$/.exec(server) ?? []
  return { host, port: Number(port), database }
}

function tableOf(dictionary: Dictionary, table: TableEntry): YamlValue {
  const { name, isView, grain, columns } = table
  const rule = qualityRules[name]
  return {
    name: withoutSchema(name),
    physicalType: isView ? 'view' : 'table',
    logicalType: 'object',
    description: descriptionOf(table),
    dataGranularityDescription: grain,
    properties: columns.map((column) => propertyOf(dictionary, table, column)),
    ...(rule === undefined ? {} : { quality: [{ type: 'sql', ...rule, mustBe: 0 }] }),
  }
}

/** A sentence that a table holds, and a query that counts the rows which do not. */
interface QualityRule {
  readonly description: string
  readonly query: string
}

const within = ['created', 'returned', 'moved_in', 'grew', 'shrank', 'moved_out', 'won', 'lost']
const flows = ['opening', ...within, 'dropped', 'missing']

/** What no check inside a publish holds, because it reads whole marts. */
const qualityRules: Readonly<Record<string, QualityRule>> = {
  'mart.pipeline_movement': {
    description: 'Opening, movements and closing add up exactly.',
    query:
      'select count(*) from mart.pipeline_movement where ' +
      `${flows.map((flow) => `${flow}_amount`).join(' + ')} <> closing_amount or ` +
      `${flows.map((flow) => `${flow}_reporting_amount`).join(' + ')} <> closing_reporting_amount`,
  },
}

function propertyOf(
  { relationships }: Dictionary,
  table: TableEntry,
  { name, type, isNullable, meaning, lineage }: ColumnEntry,
): YamlValue {
  const position = table.key.indexOf(name) + 1
  const isUnique = [keyWithinAccount(table), ...table.uniques].some(
    (key) => key.length === 1 && key[0] === name,
  )
  const targets = relationships.filter(
    ({ from, fromColumn }) => from === table.name && fromColumn === name,
  )
  return {
    name,
    ...logicalTypeOf(type),
    physicalType: type,
    description: meaning,
    ...(isNullable === false ? { required: true } : {}),
    ...(isUnique ? { unique: true } : {}),
    ...(position > 0 ? { primaryKey: true, primaryKeyPosition: position } : {}),
    ...(lineage.paths.length > 0 ? { transformSourceObjects: lineage.paths } : {}),
    ...(targets.length > 0
      ? {
          relationships: targets.map(({ to, toColumn }) => ({
            to: `${withoutSchema(to)}.${toColumn}`,
          })),
        }
      : {}),
  }
}

type LogicalType = {
  readonly logicalType: string
  readonly logicalTypeOptions?: Readonly<Record<string, YamlValue>>
}

/** What tools compare values by; instants say that they have a zone, which days have not. */
function logicalTypeOf(type: string): LogicalType {
  if (type.endsWith('[]')) return { logicalType: 'array' }
  if (type.startsWith('numeric')) return { logicalType: 'number' }
  switch (type) {
    case 'smallint':
    case 'integer':
    case 'bigint':
      return { logicalType: 'integer' }
    case 'double precision':
      return { logicalType: 'number', logicalTypeOptions: { format: 'f64' } }
    case 'boolean':
      return { logicalType: 'boolean' }
    case 'date':
      return { logicalType: 'date' }
    case 'timestamptz':
      return {
        logicalType: 'timestamp',
        logicalTypeOptions: { timezone: true, defaultTimezone: 'Etc/UTC' },
      }
    case 'jsonb':
      return { logicalType: 'object' }
    default:
      return { logicalType: 'string' }
  }
}
