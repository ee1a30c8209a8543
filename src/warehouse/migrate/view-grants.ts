import { type QueryExecutorProvider, sql } from 'kysely'
import { runAll } from './view-comments.ts'

type Db = QueryExecutorProvider

/** Drops a view, when it is there, and keeps who was granted what until it is created again. */
export async function dropView(db: Db, name: string): Promise<void> {
  await sql`
    insert into etl.mart_grant (view_name, column_name, grantee, privilege, is_grantable)
    select ${name}, given.column_name, coalesce(r.rolname, 'public'), given.privilege_type,
      bool_or(given.is_grantable)
    from (${grantsOf(name)}) given
    left join pg_roles r on r.oid = given.grantee
    group by given.column_name, coalesce(r.rolname, 'public'), given.privilege_type
    on conflict (view_name, column_name, grantee, privilege) do nothing
  `.execute(db)
  await sql`update etl.mart_view set definition_digest = '' where view_name = ${name}`.execute(db)
  await sql`drop view if exists ${sql.table(`mart.${name}`)}`.execute(db)
}

/** Rights to a view and its columns, but for those of its owner. */
function grantsOf(name: string) {
  return sql`
    select '' as column_name, acl.grantee, acl.privilege_type, acl.is_grantable
    from pg_class c
    cross join aclexplode(c.relacl) acl
    where c.relnamespace = 'mart'::regnamespace and c.relname = ${name}
      and acl.grantee <> c.relowner
    union all
    select a.attname, acl.grantee, acl.privilege_type, acl.is_grantable
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid
    cross join aclexplode(a.attacl) acl
    where c.relnamespace = 'mart'::regnamespace and c.relname = ${name}
      and acl.grantee <> c.relowner
  `
}

/** Gives back what `dropView` kept, and only that, whatever the default privileges are. */
export async function restoreGrants(db: Db, name: string): Promise<void> {
  const { rows: entries } = await sql`
    select from etl.mart_view where view_name = ${name} and definition_digest = ''
  `.execute(db)
  if (entries.length === 0) return
  await runAll(
    db,
    sql`
      select distinct format('revoke all on mart.%I from %s', ${name}::text,
        coalesce(quote_ident(r.rolname), 'public')) as statement
      from (${grantsOf(name)}) given
      left join pg_roles r on r.oid = given.grantee
      where given.column_name = ''
    `,
  )
  await runAll(
    db,
    sql`
      select format('grant %s%s on mart.%I to %s%s', g.privilege,
        case when g.column_name <> '' then format(' (%I)', g.column_name) end,
        g.view_name,
        case when g.grantee = 'public' then 'public' else quote_ident(g.grantee) end,
        case when g.is_grantable then ' with grant option' end) as statement
      from etl.mart_grant g
      where g.view_name = ${name}
        and (g.grantee = 'public' or exists (select from pg_roles r where r.rolname = g.grantee))
        and (g.column_name = '' or exists (
          select from pg_attribute a
          join pg_class c on c.oid = a.attrelid and c.relnamespace = 'mart'::regnamespace
          where c.relname = g.view_name and a.attname = g.column_name))
    `,
  )
  await sql`delete from etl.mart_grant where view_name = ${name}`.execute(db)
}
