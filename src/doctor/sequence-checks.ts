import { type RawBuilder, sql } from 'kysely'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type CheckResult, failed } from './check-result.ts'

interface KeyColumn {
  readonly schema_name: string
  readonly table_name: string
  readonly column_name: string
  readonly sequence_name: string
}

/** A key whose sequence is about to give numbers that the table has already. */
interface LateSequence extends KeyColumn {
  readonly largest: number
}

/**
 * Checks that the sequences of surrogate keys are not behind their tables. Logical replication
 * copies rows and no sequences, and a restore of data alone may leave them at the start.
 */
export async function checkSequences(query: Kysely<Database>): Promise<CheckResult> {
  return judgeSequences(await readLateSequences(query))
}

/** Returns the result of the check. */
function judgeSequences(late: readonly LateSequence[]): CheckResult {
  const check = 'sequences'
  if (late.length === 0) {
    return { check, status: 'ok', detail: 'new keys come after the largest ones' }
  }
  const names = late.map(
    ({ schema_name, table_name, largest }) => `${schema_name}.${table_name} has key ${largest}`,
  )
  const statements = late.map(
    ({ schema_name, table_name, column_name, sequence_name }) =>
      `select setval('${sequence_name}', max(${column_name})) from ${schema_name}.${table_name};`,
  )
  return failed(
    check,
    `sequences are behind their tables: ${names.join(', ')}`,
    `Let the owner of the tables run: ${statements.join(' ')}`,
  )
}

/** Columns whose sequence and table the role may read. */
async function readKeyColumns(query: Kysely<Database>): Promise<readonly KeyColumn[]> {
  const { rows } = await sql<KeyColumn>`
    select *
    from (
      select
        n.nspname as schema_name,
        c.relname as table_name,
        a.attname as column_name,
        pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) as sequence_name
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      where a.attidentity <> '' and c.relkind in ('r', 'p') and n.nspname in ('etl', 'raw', 'pii', 'dw')
        and has_schema_privilege(n.oid, 'usage')
        and has_column_privilege(c.oid, a.attnum, 'select')
    ) as key_columns
    where has_sequence_privilege(sequence_name, 'usage, select')
    order by schema_name, table_name
  `.execute(query)
  return rows
}

async function readLateSequences(query: Kysely<Database>): Promise<readonly LateSequence[]> {
  const columns = await readKeyColumns(query)
  if (columns.length === 0) return []
  const selects: RawBuilder<unknown>[] = columns.map(
    ({ schema_name, table_name, column_name, sequence_name }) => sql`
      select
        ${schema_name}::text as schema_name,
        ${table_name}::text as table_name,
        ${column_name}::text as column_name,
        ${sequence_name}::text as sequence_name,
        max(${sql.ref(column_name)})::bigint as largest,
        coalesce(pg_sequence_last_value(${sequence_name}::regclass), 0) as given
      from ${sql.table(`${schema_name}.${table_name}`)}`,
  )
  const { rows } = await sql<LateSequence>`
    select schema_name, table_name, column_name, sequence_name, largest
    from (${sql.join(selects, sql` union all `)}) as sequences
    where largest > given
    order by schema_name, table_name
  `.execute(query)
  return rows
}
