import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { openDatabase } from '../src/warehouse/connection/database.ts'
import { startEmbedded } from '../src/warehouse/embedded/embedded.ts'
import { migrate } from '../src/warehouse/migrate/migrate.ts'

interface CatalogColumn {
  table_name: string
  table_comment: string | null
  column_name: string
  data_type: string
  is_nullable: boolean
  is_generated: boolean
  key_position: number | null
}

interface Table {
  name: string
  comment: string
  columns: CatalogColumn[]
}

/** Columns wider than a double holds: they stay text, and are only compared. */
const hashes = ['row_hash', 'tracked_hash']
const typeNames: Record<string, string> = {
  boolean: 'boolean',
  smallint: 'number',
  integer: 'number',
  // Keys come from sequences and stay far below 2^53.
  bigint: 'number',
  numeric: 'string',
  date: 'string',
  text: 'string',
  'timestamp with time zone': 'string',
  jsonb: 'unknown',
}

/** Returns the text of `src/warehouse/tables.generated.ts`, from the catalog of a migrated database. */
export async function deriveWarehouse<Schema>(db: Kysely<Schema>): Promise<string> {
  const tables = groupByTable(await readCatalog(db))
  return [
    header,
    ...tables.map(interfaceText),
    databaseText(tables),
    tablesText(tables),
    'export type TableName = keyof typeof tables\n',
  ].join('\n')
}

const header = `/**
 * Row types, columns and keys of every table, derived from the migrated catalog.
 * Written by \`npm run schema\`; change a migration instead of this file.
 *
 * Numbers that a double cannot hold (money, hashes), days (\`2026-03-31\`) and instants (UTC, up to
 * six fraction digits, \`Z\`) are strings.
 */
import type { Generated } from 'kysely'
`

async function readCatalog<Schema>(db: Kysely<Schema>): Promise<CatalogColumn[]> {
  // The ledger of migrations is Kysely's own table: no load reads or writes it.
  const { rows } = await sql<CatalogColumn>`
    select
      n.nspname || '.' || c.relname as table_name,
      obj_description(c.oid, 'pg_class') as table_comment,
      a.attname as column_name,
      format_type(a.atttypid, null) as data_type,
      not a.attnotnull as is_nullable,
      a.atthasdef or a.attidentity <> '' as is_generated,
      array_position(k.conkey, a.attnum) as key_position
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
    where c.relkind = 'r'
      and n.nspname in ('raw', 'etl', 'stg', 'dw', 'pii')
      and c.relname not in ('migration', 'migration_lock')
    order by
      array_position(array['raw', 'pii', 'etl', 'stg', 'dw'], n.nspname::text),
      c.relname collate "C",
      a.attnum
  `.execute(db)
  return rows
}

function groupByTable(columns: CatalogColumn[]): Table[] {
  const tables = new Map<string, Table>()
  for (const column of columns) {
    const table = tables.get(column.table_name)
    if (table !== undefined) table.columns.push(column)
    else
      tables.set(column.table_name, {
        name: column.table_name,
        comment: column.table_comment ?? '',
        columns: [column],
      })
  }
  return [...tables.values()]
}

function interfaceText(table: Table): string {
  const columns = table.columns.map((column) => `  ${column.column_name}: ${typeText(column)}`)
  const comment = commentText(table.comment)
  return `${comment}export interface ${typeName(table.name)} {\n${columns.join('\n')}\n}\n`
}

function commentText(comment: string): string {
  if (comment === '') return ''
  if (comment.length <= 92) return `/** ${comment} */\n`
  const lines = ['']
  for (const word of comment.split(/\s+/)) {
    const line = lines.at(-1) ?? ''
    if (line.length + word.length + 4 > 100) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return `/**\n${lines.map((line) => ` * ${line}\n`).join('')} */\n`
}

function typeText(column: CatalogColumn): string {
  const base = hashes.includes(column.column_name) ? 'string' : typeNames[column.data_type]
  if (base === undefined) {
    throw new Error(
      `${column.table_name}.${column.column_name}: expected one of ` +
        `${Object.keys(typeNames).join(', ')}, got ${column.data_type}`,
    )
  }
  const nullable = column.is_nullable && base !== 'unknown' ? `${base} | null` : base
  return column.is_generated ? `Generated<${nullable}>` : nullable
}

function databaseText(tables: Table[]): string {
  const lines = tables.map((table) => `  '${table.name}': ${typeName(table.name)}`)
  return `export interface Database {\n${lines.join('\n')}\n}\n`
}

function tablesText(tables: Table[]): string {
  const entries = tables.map((table) => {
    const names = table.columns.map((column) => column.column_name)
    return `  '${table.name}': {\n${listText('columns', names)}${listText('key', keyOf(table))}  },\n`
  })
  return `export const tables = {\n${entries.join('')}} as const\n`
}

/** Key columns in the order of the constraint, not of the table; empty for staging. */
function keyOf(table: Table): string[] {
  return table.columns
    .filter((column) => column.key_position !== null)
    .sort((a, b) => Number(a.key_position) - Number(b.key_position))
    .map((column) => column.column_name)
}

/** Returns a list wrapped at 100 columns, as many values a line as fit. */
function listText(name: string, values: string[]): string {
  const quoted = values.map((value) => `'${value}'`)
  const line = `    ${name}: [${quoted.join(', ')}],`
  if (line.length <= 100) return `${line}\n`
  const lines: string[] = []
  let current = '     '
  for (const value of quoted) {
    if (current.length + value.length + 2 > 100) {
      lines.push(current)
      current = '     '
    }
    current += ` ${value},`
  }
  return `    ${name}: [\n${[...lines, current].join('\n')}\n    ],\n`
}

function typeName(table: string): string {
  return table
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

/** Migrates a throw-away server and rewrites `src/warehouse/tables.generated.ts` from its catalog. */
async function rewrite(): Promise<void> {
  const file = fileURLToPath(new URL('../src/warehouse/tables.generated.ts', import.meta.url))
  const home = await mkdtemp(path.join(tmpdir(), 'cosell-schema-'))
  // The server of a root user runs as another account, which must be able to enter the folder.
  await chmod(home, 0o755)
  const server = await startEmbedded({ home, path: process.env.PATH ?? '' })
  try {
    const warehouse = await openDatabase(server.url)
    await migrate(warehouse.query)
    await writeFile(file, await deriveWarehouse(warehouse.query))
    await warehouse.close()
  } finally {
    await server.stop()
    await rm(home, { recursive: true, force: true })
  }
  process.stdout.write(`wrote ${path.relative(process.cwd(), file)}\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await rewrite()
