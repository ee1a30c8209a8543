import { sql } from 'kysely'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'

export interface CatalogColumn {
  readonly name: string
  readonly type: string
  /** Null for a view: PostgreSQL does not know whether its columns can be null. */
  readonly isNullable: boolean | null
  readonly comment: string
}

export interface ForeignKey {
  readonly columns: readonly string[]
  /** Table, qualified by its schema. */
  readonly target: string
  readonly targetColumns: readonly string[]
  /** False for one that is declared only, which PostgreSQL 18 offers. */
  readonly isEnforced: boolean
}

/** One table or view as the database describes it. */
export interface CatalogRelation {
  readonly schema: string
  /** Qualified by its schema, such as dw.fact_referral. */
  readonly name: string
  readonly isView: boolean
  readonly comment: string
  readonly columns: readonly CatalogColumn[]
  /** Columns of the primary key, in its order; empty for a view. */
  readonly key: readonly string[]
  readonly uniques: readonly (readonly string[])[]
  readonly foreignKeys: readonly ForeignKey[]
}

/** One function that returns rows. */
export interface CatalogFunction {
  readonly schema: string
  /** Qualified by its schema. */
  readonly name: string
  readonly comment: string
  readonly arguments: readonly TypedName[]
  readonly columns: readonly TypedName[]
}

export interface TypedName {
  readonly name: string
  readonly type: string
}

export interface Catalog {
  /** Meaning of each schema, by name, in the order of `schemas`. */
  readonly schemas: Readonly<Record<string, string>>
  readonly relations: readonly CatalogRelation[]
  readonly functions: readonly CatalogFunction[]
}

/** Schemas of readers, then of operators. Staging is not for queries. */
const schemas = ['mart', 'dw', 'etl', 'raw', 'pii'] as const
/** Tables of Kysely, which neither readers nor operators need. */
const hidden = ['migration', 'migration_lock']

/** Reads tables, views, columns and functions of the migrated database: facts first, then by name. */
export async function readCatalog(query: Kysely<Database>): Promise<Catalog> {
  const described = await sql<{ name: string; comment: string }>`
    select
      n.nspname as name,
      coalesce(obj_description(n.oid, 'pg_namespace'), '') as comment
    from pg_catalog.pg_namespace n
    where n.nspname = any(${schemas})
    order by array_position(${schemas}::text[], n.nspname::text)`.execute(query)
  const { rows } = await sql<CatalogRelation>`
    select
      n.nspname as schema,
      n.nspname || '.' || c.relname as name,
      c.relkind = 'v' as "isView",
      coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
      ${columnsOf} as columns,
      coalesce((${keysOf('p')}) -> 0, '[]') as key,
      coalesce((${keysOf('u')}), '[]') as uniques,
      ${foreignKeysOf} as "foreignKeys"
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(${schemas}) and c.relkind in ('r', 'v') and c.relname <> all(${hidden})
    order by
      array_position(${schemas}::text[], n.nspname::text),
      array_position(array['fact', 'bridge', 'dim'], split_part(c.relname, '_', 1)),
      c.relname collate "C"
  `.execute(query)
  const functions = await sql<CatalogFunction>`
    select
      n.nspname as schema,
      n.nspname || '.' || p.proname as name,
      coalesce(obj_description(p.oid, 'pg_proc'), '') as comment,
      coalesce(jsonb_agg(parameter.typed_name order by parameter.position)
        filter (where parameter.mode = 'i'), '[]') as arguments,
      coalesce(jsonb_agg(parameter.typed_name order by parameter.position)
        filter (where parameter.mode = 't'), '[]') as columns
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    cross join lateral (
      select
        one.position,
        one.mode,
        jsonb_build_object('name', one.name, 'type', format_type(one.type, null)) as typed_name
      from unnest(p.proargnames, p.proargmodes, p.proallargtypes) with ordinality
        as one (name, mode, type, position)
    ) parameter
    where n.nspname = any(${schemas}) and p.proretset
    group by n.nspname, p.oid, p.proname
    order by array_position(${schemas}::text[], n.nspname::text), p.proname collate "C", p.oid
  `.execute(query)
  return {
    schemas: Object.fromEntries(described.rows.map(({ name, comment }) => [name, comment])),
    relations: rows,
    functions: functions.rows,
  }
}

const columnsOf = sql`(
  select
    jsonb_agg(
      jsonb_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'isNullable', case when c.relkind = 'r' then not a.attnotnull end,
        'comment', coalesce(col_description(c.oid, a.attnum), '')
      )
      order by a.attnum
    )
  from pg_catalog.pg_attribute a
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
)`

/** Lists of column names, one for each constraint of the kind. */
function keysOf(kind: 'p' | 'u') {
  return sql`
    select jsonb_agg(${namesOf('k.conrelid', 'k.conkey')} order by k.conname)
    from pg_catalog.pg_constraint k
    where k.conrelid = c.oid and k.contype = ${sql.lit(kind)}`
}

const foreignKeysOf = sql`coalesce((
  select
    jsonb_agg(
      jsonb_build_object(
        'columns', ${namesOf('k.conrelid', 'k.conkey')},
        'target', tn.nspname || '.' || t.relname,
        'targetColumns', ${namesOf('k.confrelid', 'k.confkey')},
        -- A column since 18: named in a query it would fail before.
        'isEnforced', coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
      )
      order by k.conname
    )
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class t on t.oid = k.confrelid
  join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
  where k.conrelid = c.oid and k.contype = 'f'
), '[]')`

function namesOf(relation: 'k.conrelid' | 'k.confrelid', positions: 'k.conkey' | 'k.confkey') {
  return sql`(
    select jsonb_agg(a.attname order by p.position)
    from unnest(${sql.ref(positions)}) with ordinality as p (attnum, position)
    join pg_catalog.pg_attribute a on a.attrelid = ${sql.ref(relation)} and a.attnum = p.attnum
  )`
}
