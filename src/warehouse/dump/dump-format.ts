import { sql } from 'kysely'
import type { Kysely } from '../connection/database.ts'
import type { Database } from '../tables.generated.ts'

// A dump is gzip of lines: the header as JSON, then for each table its COPY statement, its rows as COPY
// text and `\.`, and the trailer as JSON. PostgreSQL escapes a backslash, so no row is that line.

export const endOfRows = '\\.'

export interface DumpHeader {
  readonly cosell_dump: 1
  readonly made_at: string
  /** Version of cosell that wrote it. */
  readonly version: string
  /** Migrations of its schema, in order; rows go into a schema with the same ones alone. */
  readonly migrations: readonly string[]
  readonly tables: readonly DumpedTable[]
}

export interface DumpedTable {
  readonly table: string
  readonly columns: readonly string[]
}

/** The end of a dump, by which one that was cut off is known. */
export interface DumpTrailer {
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>
}

export const copyText = ({ table, columns }: DumpedTable) => `copy ${table} (${columns.join(', ')})`

/**
 * The tables that hold what was loaded, with their stored columns. Left out are staging, which is
 * disposable, and what a migration makes: its own ledger and that of the views.
 */
export async function readDumpedTables(query: Kysely<Database>): Promise<DumpedTable[]> {
  const { rows } = await sql<DumpedTable>`
    select c.oid::regclass::text as table,
      array_agg(quote_ident(a.attname) order by a.attnum)::text[] as columns
    from pg_class c
    join pg_attribute a
      on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relkind = 'r'
      and c.relnamespace::regnamespace::text in ('etl', 'raw', 'pii', 'dw')
      and c.oid <> all (array[
        'etl.migration', 'etl.migration_lock', 'etl.mart_view', 'etl.mart_grant']::regclass[])
    group by c.oid
    order by 1`.execute(query)
  return rows
}

/** Migrations that the schema has, in order. */
export async function readMigrations(query: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from etl.migration order by name`.execute(query)
  return rows.map(({ name }) => name)
}
