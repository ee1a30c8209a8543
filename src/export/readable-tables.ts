import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { columnTypeOf } from './column-type.ts'
import type { ExportColumn } from './table-writer.ts'

export interface ReadableTable {
  /** Qualified by its schema, such as mart.referral. */
  readonly name: string
  readonly isOfPeople: boolean
  readonly columns: readonly ExportColumn[]
}

/** Tables and views with people and their free text; `bi_access` has sign-in names. */
const people = [
  'mart.bi_access',
  'pii.contact',
  'pii.contact_change',
  'pii.referral_change',
  'pii.referral_text',
  'pii.seller',
]
/** Hundreds of millions of rows in a large warehouse, of which a reader wants those of one day. */
const onlyWhenNamed = 'mart.pipeline_as_of'

export interface TableChoice {
  /** Names with or without schema; empty for all. */
  readonly tables: readonly string[]
  readonly withPeople: boolean
}

/**
 * Returns the tables to export, by name: the marts that the current role may read, and with
 * `withPeople` those of people.
 *
 * @throws CosellError `configuration` when the role may read no mart, or no people though they are
 * asked for; `usage` for an unknown table.
 */
export async function readTables(
  query: Kysely<Database>,
  { tables, withPeople }: TableChoice,
): Promise<ReadableTable[]> {
  const readable = await readReadable(query)
  const marts = readable.filter(({ isOfPeople }) => !isOfPeople)
  if (marts.length === 0) throw await noMart(query)
  const ofPeople = readable.filter(({ isOfPeople }) => isOfPeople)
  if (withPeople && ofPeople.length < people.length) throw await noPeople(query)
  const offered = withPeople ? readable : marts
  if (tables.length === 0) return offered.filter(({ name }) => name !== onlyWhenNamed)
  const strangers = tables.filter((wanted) => !offered.some(({ name }) => isNamed(name, wanted)))
  if (strangers.length > 0) throw unknownTable(strangers, offered)
  return offered.filter(({ name }) => tables.some((wanted) => isNamed(name, wanted)))
}

function isNamed(name: string, wanted: string): boolean {
  return name === wanted || name.slice(name.indexOf('.') + 1) === wanted
}

async function readReadable(query: Kysely<Database>): Promise<ReadableTable[]> {
  interface Found {
    readonly name: string
    readonly columns: readonly { readonly name: string; readonly type: string }[]
  }
  const { rows } = await sql<Found>`
    select
      schema.nspname || '.' || relation.relname as name,
      (
        select
          jsonb_agg(
            jsonb_build_object(
              'name', attribute.attname,
              'type', format_type(attribute.atttypid, attribute.atttypmod)
            )
            order by attribute.attnum
          )
        from pg_catalog.pg_attribute attribute
        where attribute.attrelid = relation.oid
          and attribute.attnum > 0
          and not attribute.attisdropped
      ) as columns
    from pg_catalog.pg_class relation
    join pg_catalog.pg_namespace schema on schema.oid = relation.relnamespace
    where (
        (schema.nspname = 'mart' and relation.relkind = 'v')
        or schema.nspname || '.' || relation.relname = any(${people}::text[])
      )
      and has_schema_privilege(schema.oid, 'usage')
      and has_table_privilege(relation.oid, 'select')
    order by schema.nspname collate "C", relation.relname collate "C"`.execute(query)
  return rows.map(({ name, columns }) => ({
    name,
    isOfPeople: people.includes(name),
    columns: columns.map((column) => ({ ...column, stored: columnTypeOf(column.type) })),
  }))
}

async function roleOf(query: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ name: string }>`select current_user as name`.execute(query)
  return rows[0]?.name ?? ''
}

async function noMart(query: Kysely<Database>): Promise<CosellError> {
  const role = await roleOf(query)
  const text =
    `cosell export: expected marts that role ${role} may read, got none. Put the login into ` +
    `cosell_bi (grant cosell_bi to "${role}"), or run \`cosell migrate\` where there is no warehouse yet.`
  return new CosellError('export.no_mart', text)
}

async function noPeople(query: Kysely<Database>): Promise<CosellError> {
  const role = await roleOf(query)
  const text =
    `cosell export --people: expected a login that may read ${people.join(', ')}, got role ${role}. ` +
    'Use a login in cosell_pii, or leave out --people.'
  return new CosellError('export.no_people', text)
}

function unknownTable(
  strangers: readonly string[],
  offered: readonly ReadableTable[],
): CosellError {
  const names = offered.map(({ name }) => name).join(', ')
  const ofPeople = strangers.some((wanted) => people.some((name) => isNamed(name, wanted)))
  const advice = ofPeople ? ' Tables of people take --people as well.' : ''
  const text = `cosell export --table: expected one of ${names}; got ${strangers.join(', ')}.${advice}`
  return new CosellError('export.unknown_table', text)
}
