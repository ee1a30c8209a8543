import { type RawBuilder, sql } from 'kysely'
import {
  formatOf,
  referralTables,
  type StageTable,
  type Surrogate,
  surrogates,
} from '../load/staging/stage-tables.ts'
import type { StagedRows } from '../transform/staged-rows.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../warehouse/tables.generated.ts'
import type { Comparison, Difference } from './explanation.ts'

/** Tables of the star with rows of one referral, and its customers. */
const comparedTables = [
  { target: 'dw.dim_referral', stage: 'stg.dim_referral' },
  { target: 'dw.dim_customer', stage: 'stg.dim_customer' },
  ...referralTables.filter(({ target }) => target.startsWith('dw.')),
] as const

type Compared = (typeof comparedTables)[number]

/** A row by its column, each value as PostgreSQL writes it. */
type TextRow = Readonly<Record<string, string | null>>

/** Referral whose rows are compared. */
export interface ReferralKey {
  readonly partner_account_key: number
  readonly referral_key: number
}

/** Compares recomputed rows with those of the star, value by value, and reports what differs. */
export async function compareStar(
  query: Kysely<Database>,
  key: ReferralKey,
  rows: StagedRows,
): Promise<Comparison> {
  const differences: Difference[] = []
  let compared = 0
  let values = 0
  for (const table of comparedTables) {
    const plan = planOf(table)
    const expected = await readExpected(query, plan, rows[table.stage])
    const stored = new Map(
      (await readStored(query, plan, key, expected)).map((row) => [rowName(plan, row), row]),
    )
    for (const row of expected) {
      const name = rowName(plan, row)
      const other = stored.get(name)
      stored.delete(name)
      compared += 1
      values += plan.columns.length
      differences.push(...differencesOf(plan.target, name, plan.columns, row, other))
    }
    for (const name of stored.keys()) differences.push(surplus(plan.target, name))
    compared += stored.size
  }
  return { rows: compared, values, differences }
}

/** What is read of a table, and how its rows are told apart. */
interface Plan {
  readonly target: TableName
  readonly stage: StageTable
  /** Staged columns that the star has too, or the dimension that it names. */
  readonly columns: readonly string[]
  /** Staged columns that tell the rows of one referral apart. */
  readonly key: readonly string[]
  readonly found: readonly (readonly [column: string, surrogate: Surrogate])[]
}

function planOf({ target, stage }: Compared): Plan {
  const { natural, shared } = formatOf(stage)
  const inStar: readonly string[] = tables[target].columns
  const found = Object.entries<Surrogate>(surrogates).filter(
    ([column, surrogate]) =>
      inStar.includes(column) &&
      column !== ownKey(target) &&
      Object.keys(surrogate.natural).every((name) => natural.includes(name)),
  )
  const named = found.flatMap(([, surrogate]) => Object.keys(surrogate.natural))
  const columns = [...new Set([...named, ...shared])]
  const ofRow = tables[target].key.flatMap((column): string[] => {
    const surrogate = found.find(([name]) => name === column)?.[1]
    return surrogate === undefined ? [column] : Object.keys(surrogate.natural)
  })
  const key = target === 'dw.dim_customer' ? ['profile_hash'] : ofRow
  return { target, stage, columns, key: key.filter((name) => columns.includes(name)), found }
}

/** Surrogate key that a dimension has as its own. */
function ownKey(target: TableName): string {
  return `${target.replace('dw.dim_', '')}_key`
}

/** The recomputed rows as PostgreSQL writes their values: it rounds instants, and pads amounts. */
async function readExpected(
  query: Kysely<Database>,
  { stage, columns }: Plan,
  rows: readonly object[],
): Promise<TextRow[]> {
  if (rows.length === 0) return []
  const json = JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  const { rows: read } = await sql<TextRow>`
    select ${sql.join(columns.map((name) => asText(sql.ref(`staged.${name}`), name)))}
    from jsonb_populate_recordset(null::${sql.table(stage)}, ${json}::jsonb) staged`.execute(query)
  return read
}

async function readStored(
  query: Kysely<Database>,
  { target, columns, found }: Plan,
  { partner_account_key, referral_key }: ReferralKey,
  expected: readonly TextRow[],
): Promise<TextRow[]> {
  const sources = new Map<string, RawBuilder<unknown>>()
  for (const [column, { natural }] of found) {
    for (const [staged, known] of Object.entries(natural)) {
      sources.set(staged, sql.ref(`${column}_of.${known}`))
    }
  }
  const joins = found.map(
    ([column, { dimension, key }]) => sql`
      left join ${sql.table(dimension)} as ${sql.ref(`${column}_of`)}
        on ${sql.ref(`${column}_of.${key}`)} = ${sql.ref(`stored.${column}`)}`,
  )
  const profiles = expected.map(({ profile_hash }) => profile_hash)
  const isWanted =
    target === 'dw.dim_customer'
      ? sql`stored.profile_hash::text = any(${profiles}::text[])`
      : sql`stored.referral_key = ${referral_key}`
  const { rows } = await sql<TextRow>`
    select ${sql.join(
      columns.map((name) => asText(sources.get(name) ?? sql.ref(`stored.${name}`), name)),
    )}
    from ${sql.table(target)} stored ${sql.join(joins, sql` `)}
    where stored.partner_account_key = ${partner_account_key} and ${isWanted}`.execute(query)
  return rows
}

function asText(value: RawBuilder<unknown>, name: string): RawBuilder<unknown> {
  return sql`${value}::text as ${sql.id(name)}`
}

/** Such as `registration_no 1, line_no 2`; empty for the only row of a referral. */
function rowName({ key }: Plan, row: TextRow): string {
  return key.map((column) => `${column} ${row[column]}`).join(', ')
}

function differencesOf(
  table: string,
  row: string,
  columns: readonly string[],
  expected: TextRow,
  stored: TextRow | undefined,
): Difference[] {
  if (stored === undefined) return [absence(table, row)]
  return columns.flatMap((column) =>
    differenceOf({ table, row, column, expected: expected[column], warehouse: stored[column] }),
  )
}

/** Returns what differs between a recomputed value and the stored one: nothing, or the one difference. */
export function differenceOf({
  table,
  row,
  column,
  expected = null,
  warehouse = null,
}: {
  readonly table: string
  readonly row: string
  readonly column: string
  readonly expected: string | null | undefined
  readonly warehouse: string | null | undefined
}): Difference[] {
  if (expected === warehouse) return []
  const text =
    `${placeOf(`${table}.${column}`, row)}: expected ${expected ?? 'no value'}, ` +
    `the warehouse has ${warehouse ?? 'no value'}.`
  return [{ table, row, column, expected, warehouse, text }]
}

/** Difference of a row that the warehouse lacks. */
export function absence(table: string, row: string): Difference {
  const text = `${placeOf(table, row)}: expected a row, the warehouse has none.`
  return { table, row, column: null, expected: 'a row', warehouse: null, text }
}

function surplus(table: string, row: string): Difference {
  const text = `${placeOf(table, row)}: expected no such row, the warehouse has one.`
  return { table, row, column: null, expected: null, warehouse: 'a row', text }
}

function placeOf(place: string, row: string): string {
  return row === '' ? place : `${place} of ${row}`
}
