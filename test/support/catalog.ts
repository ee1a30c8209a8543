import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/warehouse/tables.generated.ts'

/** Names, definitions and comments of the objects in our schemas. */
export async function readCatalog(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    with ours as (
      select c.oid, c.oid::regclass::text as name, c.relkind, c.relpersistence, c.reloptions
      from pg_class c
      where c.relnamespace::regnamespace::text in ('raw', 'etl', 'stg', 'dw', 'pii', 'mart')
    )
    select concat_ws(' ', name, relkind, relpersistence, reloptions, obj_description(ours.oid, 'pg_class'))
      as line
    from ours where relkind in ('r', 'v', 'i', 'S')
    union all
    select concat_ws(' ', name, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
      a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid), col_description(ours.oid, a.attnum))
    from ours
    join pg_attribute a on a.attrelid = ours.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = ours.oid and d.adnum = a.attnum
    where relkind in ('r', 'v')
    union all
    select concat_ws(' ', name, k.conname, pg_get_constraintdef(k.oid))
    from ours join pg_constraint k on k.conrelid = ours.oid
    order by 1
  `.execute(db)
  return rows.map((row) => row.line)
}
