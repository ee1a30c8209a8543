import { type Kysely, type QueryExecutorProvider, type RawBuilder, sql } from 'kysely'

interface KeyColumn {
  readonly schema_name: string
  readonly table_name: string
  readonly column_name: string
  readonly sequence_name: string
  readonly may_set: boolean
}

/** A key whose sequence is about to give numbers that the table has already. */
export interface LateSequence extends KeyColumn {
  readonly largest: number
}

/** Advisory lock of a database: of two that set a sequence, the later one looks again. */
const lockKey = 4_206_010_302

/**
 * Sets each sequence behind the largest key of its table, as far as the role may, and returns those that it
 * set. Logical replication copies rows and no sequences, and a restore of data alone may leave them at
 * their start: without this the next run would meet its own keys.
 */
export async function advanceSequences<Schema>(
  db: Kysely<Schema>,
): Promise<readonly LateSequence[]> {
  const late = (await readLateSequences(db)).filter(({ may_set }) => may_set)
  if (late.length === 0) return []
  return db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(lockKey)})`.execute(transaction)
    const still = (await readLateSequences(transaction)).filter(({ may_set }) => may_set)
    for (const { sequence_name, largest } of still) {
      await sql`select setval(${sequence_name}::regclass, ${largest})`.execute(transaction)
    }
    return still
  })
}

/** Returns the keys of our tables whose sequences are behind them, of those that the role may read. */
export async function readLateSequences(
  db: QueryExecutorProvider,
): Promise<readonly LateSequence[]> {
  const columns = await readKeyColumns(db)
  if (columns.length === 0) return []
  const selects: RawBuilder<unknown>[] = columns.map(
    ({ schema_name, table_name, column_name, sequence_name, may_set }) => sql`
      select
        ${schema_name}::text as schema_name,
        ${table_name}::text as table_name,
        ${column_name}::text as column_name,
        ${sequence_name}::text as sequence_name,
        ${may_set}::boolean as may_set,
        max(${sql.ref(column_name)})::bigint as largest,
        coalesce(pg_sequence_last_value(${sequence_name}::regclass), 0) as given
      from ${sql.table(`${schema_name}.${table_name}`)}`,
  )
  const { rows } = await sql<LateSequence>`
    select schema_name, table_name, column_name, sequence_name, may_set, largest
    from (${sql.join(selects, sql` union all `)}) as sequences
    where largest > given
    order by schema_name, table_name
  `.execute(db)
  return rows
}

/** Columns whose sequence and table the role may read. */
async function readKeyColumns(db: QueryExecutorProvider): Promise<readonly KeyColumn[]> {
  const { rows } = await sql<KeyColumn>`
    select *, has_sequence_privilege(sequence_name, 'update') as may_set
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
  `.execute(db)
  return rows
}
