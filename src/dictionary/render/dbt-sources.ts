import {
  type ColumnEntry,
  type Dictionary,
  type TableEntry,
  tablesOf,
  withoutSchema,
} from '../dictionary.ts'

const header = `# Sources for dbt 1.10 and later: put this file under models/ of a dbt project.
# Written by \`npm run docs\` from the comments and keys of the database: change those instead.
`

/** Tests for dbt, beside the constraints of the database and the checks of every load. */
interface ColumnTests {
  readonly isUnique: boolean
  readonly isNeverNull: boolean
  readonly pointsTo: { readonly table: string; readonly column: string } | null
  readonly values: readonly string[]
}

/** Unique columns of marts: views have no keys of their own. */
const martKeys = [
  'mart.referral.referral_key',
  'mart.expiring_referral.referral_key',
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
const account = 'partner_account_key'

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
  const { name, grain, notes, questions, columns } = table
  return [
    `      - name: ${withoutSchema(name)}`,
    `        description: ${quoted([grain, ...questions, notes].filter(Boolean).join(' '))}`,
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
  '            warn_after: {count: 26, period: hour}',
  '            error_after: {count: 50, period: hour}',
  '          loaded_at_field: (select min(published_at) from mart.load_status where is_active)',
]

function columnLines({ name, type, meaning }: ColumnEntry, tests: ColumnTests): string[] {
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
    `          - name: ${name}`,
    `            description: ${quoted(meaning)}`,
    `            data_type: ${type}`,
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
  const grain = table.key.filter((column) => column !== account)
  const isOnlyKey = [grain.length > 0 ? grain : table.key, ...table.uniques].some(
    (key) => key.length === 1 && key[0] === name,
  )
  const isUnique = isOnlyKey || martKeys.includes(full)
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
