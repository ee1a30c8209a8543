import { type QueryExecutorProvider, sql } from 'kysely'

type Db = QueryExecutorProvider

/** Clears the column comments of a replaced view, so that its columns can inherit new ones. */
export function clearComments(db: Db, name: string): Promise<void> {
  return runAll(
    db,
    sql`
      select format('comment on column mart.%I.%I is null', c.relname, a.attname) as statement
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      where c.relnamespace = 'mart'::regnamespace and c.relname = ${name}
        and col_description(c.oid, a.attnum) is not null
    `,
  )
}

/** Gives each column without a comment the comment of the column of the same name it comes from. */
export function inheritComments(db: Db, name: string): Promise<void> {
  return runAll(
    db,
    sql`
      select distinct on (a.attnum)
        format('comment on column mart.%I.%I is %L', c.relname, a.attname, source.description)
          as statement
      from pg_class c
      join pg_rewrite w on w.ev_class = c.oid
      join pg_depend d
        on d.classid = 'pg_rewrite'::regclass
        and d.objid = w.oid
        and d.refclassid = 'pg_class'::regclass
        and d.refobjid <> c.oid
      join pg_attribute b on b.attrelid = d.refobjid and b.attnum = d.refobjsubid
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and a.attname = b.attname
      join pg_class base on base.oid = b.attrelid
      join pg_description source
        on source.objoid = b.attrelid
        and source.classoid = 'pg_class'::regclass
        and source.objsubid = b.attnum
      where c.relnamespace = 'mart'::regnamespace and c.relname = ${name}
        and col_description(c.oid, a.attnum) is null
      -- A view of ours has the words already; a fact is nearer than a dimension.
      order by
        a.attnum,
        case
          when base.relkind = 'v' then 0
          when base.relname ~ '^(fact|bridge)_' then 1
          when base.relname ~ '^dim_' then 2
          else 3
        end,
        base.relname
    `,
  )
}

/** Runs the statements that a query returns, in one go. */
export async function runAll(
  db: Db,
  query: ReturnType<typeof sql<{ statement: string }>>,
): Promise<void> {
  const { rows } = await query.execute(db)
  const text = rows.map((row) => row.statement).join(';\n')
  if (text !== '') await sql.raw(text).execute(db)
}
