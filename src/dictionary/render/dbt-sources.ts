import {
  type ColumnEntry,
  type Dictionary,
  descriptionOf,
  keyWithinAccount,
  type TableEntry,
  tablesOf,
  withoutSchema,
} from '../dictionary.ts'
import { joinComment } from '../lineage.ts'
import { lateHours } from './data-contract.ts'

const header = `# Sources for dbt 1.10 and later: put this file under models/ of a dbt project.
# Written by \`cosell docs\` from the comments and keys of the database: change those instead.
`

/** Tests for dbt, beside the constraints of the database and the checks of every load. */
interface ColumnTests {
  readonly isUnique: boolean
  readonly isNeverNull: boolean
  readonly pointsTo: { readonly table: string; readonly column: string } | null
  readonly values: readonly string[]
}

/** Unique columns that the catalog does not name: views have no keys, and those of facts are longer. */
const singleKeys = [
  'dw.fact_registration.registration_key',
  'dw.fact_registration_solution.registration_line_key',
  'mart.referral.referral_key',
  'mart.expiring_referral.referral_key',
  'mart.registration.registration_key',
  'mart.acv_line.registration_line_key',
  'mart.load_status.partner_account_key',
]

/** Columns whose values we set, so that no new one can arrive from the source. */
const closedLists: Readonly<Record<string, readonly string[]>> = {
  'dw.dim_solution.item_kind': ['Solution', 'Offer'],
  'dw.dim_tag.tag_group': ['Industry', 'Product', 'Service', 'Attribute', 'Target', 'Incentive'],
  'dw.fact_referral.closed_at_basis': ['source', 'observed', 'estimated'],
  'mart.data_quality.severity': ['info', 'warn', 'error'],
}

/** Rates come from files, so their currencies may be unknown. */
const unchecked = 'dw.fx_rate'

/** Renders the `sources.yml` of dbt: tables, columns, types, meanings, tests and freshness. */
export function dbtSources(dictionary: Dictionary): string {
  const sources = dictionary.schemas.filter(({ name }) => ['dw', 'mart'].includes(name))
  return [
    header,
    'version: 2',
    '',
    'sources:',
    ...sources.flatMap(({ name, meaning }) => [
      `  - name: ${name}`,
      `    schema: ${name}`,
      `    description: ${quoted(meaning)}`,
      '    tables:',
      ...tablesOf(dictionary, name).flatMap((table) => tableLines(dictionary, table)),
    ]),
    '',
  ].join('\n')
}

function tableLines(dictionary: Dictionary, table: TableEntry): string[] {
  const { name, columns } = table
  return [
    `      - name: ${withoutSchema(name)}`,
    `        description: ${quoted(descriptionOf(table))}`,
    ...(name === 'mart.load_status' ? freshness : []),
    '        columns:',
    ...columns.flatMap((column) => columnLines(column, testsOf(dictionary, table, column))),
  ]
}

// dbt takes the latest instant that it finds here, but the account that waits longest decides. Its
// instant moves with every run, also without new referrals, so a night without a run shows.
const freshness = [
  '        config:',
  '          freshness:',
  `            warn_after: {count: ${lateHours}, period: hour}`,
  `            error_after: {count: ${lateHours + 24}, period: hour}`,
  '          loaded_at_field: (select min(published_at) from mart.load_status where is_active)',
]

function columnLines(column: ColumnEntry, tests: ColumnTests): string[] {
  const { isUnique, isNeverNull, pointsTo, values } = tests
  const listed = [
    ...(isUnique ? ['unique'] : []),
    ...(isNeverNull ? ['not_null'] : []),
    ...(pointsTo === null
      ? []
      : [
          'relationships:',
          '    arguments:',
          `      to: source('dw', '${withoutSchema(pointsTo.table)}')`,
          `      field: ${pointsTo.column}`,
        ]),
    ...(values.length === 0
      ? []
      : ['accepted_values:', '    arguments:', `      values: ${JSON.stringify(values)}`]),
  ]
  return [
    `          - name: ${column.name}`,
    `            description: ${quoted(joinComment(column))}`,
    `            data_type: ${column.type}`,
    ...(listed.length === 0 ? [] : ['            data_tests:']),
    ...listed.map((line) => `              ${line.startsWith(' ') ? line : `- ${line}`}`),
  ]
}

function testsOf(
  { relationships }: Dictionary,
  table: TableEntry,
  { name }: ColumnEntry,
): ColumnTests {
  const full = `${table.name}.${name}`
  const isOnlyKey = [keyWithinAccount(table), ...table.uniques].some(
    (key) => key.length === 1 && key[0] === name,
  )
  const isUnique = isOnlyKey || singleKeys.includes(full)
  const relationship = relationships.find(
    ({ from, fromColumn }) => from === table.name && fromColumn === name && from !== unchecked,
  )
  return {
    isUnique,
    isNeverNull: isUnique,
    pointsTo:
      relationship === undefined ? null : { table: relationship.to, column: relationship.toColumn },
    values: closedLists[full] ?? [],
  }
}

/** Quotes a string as JSON, which is YAML too. */
function quoted(text: string): string {
  return JSON.stringify(text)
}
