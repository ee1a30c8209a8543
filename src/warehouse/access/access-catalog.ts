import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import {
  type GrantTarget,
  groups,
  madeFunctions,
  madeTables,
  madeViews,
  schemaNames,
} from './roles.ts'

/** One right to an object; that of a single column as `select (email)`. */
export interface HeldRight {
  /** Role, or `public`. */
  readonly grantee: string
  readonly right: string
  readonly is_grantable: boolean
}

/** A schema or an object that cosell made, with its owner and the rights to it. */
export interface AccessObject extends GrantTarget {
  readonly owner: string
  /** The owner keeps its rights when the object goes to `cosell_owner`. */
  readonly is_owner_in_group: boolean
  /** The role of the connection has the owner's rights. */
  readonly may_alter: boolean
  /** Rights of all roles but the owner. */
  readonly held: readonly HeldRight[]
  readonly is_row_secured: boolean
  readonly policies: readonly string[]
  readonly has_account: boolean
}

/** Facts of the server, its database and its roles that the statements depend on. */
export interface AccessRoles {
  /** `server_version_num`. */
  readonly version: number
  readonly role: string
  readonly database: string
  readonly is_superuser: boolean
  readonly may_make_roles: boolean
  readonly may_alter_database: boolean
  /** The role may hand objects to `cosell_owner`. */
  readonly may_give: boolean
  readonly existing: readonly string[]
  /** Members of `cosell_pii` have the rights of `cosell_bi`. */
  readonly is_pii_in_bi: boolean
  readonly may_owner_create: boolean
}

export interface AccessCatalog extends AccessRoles {
  readonly objects: readonly AccessObject[]
  /** `row_level_security` of etl.setting. */
  readonly isRowSecured: boolean
}

/** Statements that belong in one transaction. */
export interface AccessStep {
  readonly statements: readonly string[]
  /** The role of the connection is expected to be allowed to run them. */
  readonly mayRun: boolean
}

/**
 * Oids of the roles that own what cosell made: the owner of the ledger of migrations, which is the
 * last to go to `cosell_owner`, and that group. An object of ours in other hands was replaced.
 */
export const ownersOfMade = sql`(
  select c.relowner
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'etl'
  where c.relname = 'migration'
  union
  select r.oid from pg_roles r where r.rolname = ${groups.owner}
)`

/** Right to act as another role by SET ROLE, in the words of pg_has_role. */
export const setRight = sql`
  case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end`

/**
 * Relation of what cosell made: by the name under which it was made, of the kind that it had, and in
 * the hands of its owners. Columns: oid, kind, schema_name, object_name, of_table, owner, acl,
 * is_row_secured. Without the views of `mart` and their functions it reads the catalog alone.
 */
export function madeObjects(marts: 'with marts' | 'without marts') {
  const named = [
    ...madeTables.map((name) => ['table', ...name.split('.')]),
    ...madeViews.map((name) => ['view', ...name.split('.')]),
  ]
  const column = (no: number) => sql`${named.map((parts) => parts[no] ?? '')}::text[]`
  const listedMarts =
    marts === 'with marts'
      ? sql`union all select 'view', 'mart', view_name from etl.mart_view`
      : sql``
  // A function that was granted to nobody is everyone's.
  const functions =
    marts === 'with marts'
      ? sql`
    union all
    select p.oid, 'function', n.nspname,
      quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')', null, p.proowner,
      coalesce(p.proacl, acldefault('f', p.proowner)), false
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'mart'
    where p.proname = any (${[...madeFunctions]}::text[]) and p.proowner in ${ownersOfMade}`
      : sql``
  return sql`(
    with relation as (
      select c.oid, named.kind, n.nspname, c.relname, c.relowner, c.relacl, c.relrowsecurity
      from (
        select * from unnest(${column(0)}, ${column(1)}, ${column(2)})
          as listed (kind, schema_name, object_name)
        ${listedMarts}
      ) named
      join pg_namespace n on n.nspname = named.schema_name
      join pg_class c on c.relnamespace = n.oid and c.relname = named.object_name
      where c.relkind in ('r', 'p', 'v') and (c.relkind = 'v') = (named.kind = 'view')
        and c.relowner in ${ownersOfMade}
    )
    select n.oid, 'schema' as kind, n.nspname::text as schema_name, '' as object_name,
      null as of_table, n.nspowner as owner, n.nspacl as acl, false as is_row_secured
    from pg_namespace n
    where n.nspname in (${sql.join([...schemaNames])}) and n.nspowner in ${ownersOfMade}
    union all
    select oid, kind, nspname, relname, null, relowner, relacl, relrowsecurity from relation
    union all
    select s.oid, 'sequence', n.nspname, quote_ident(s.relname),
      relation.nspname || '.' || relation.relname, s.relowner, s.relacl, false
    from relation
    join pg_depend d
      on d.classid = 'pg_class'::regclass
      and d.refclassid = 'pg_class'::regclass
      and d.refobjid = relation.oid
      and d.deptype in ('a', 'i')
    join pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_namespace n on n.oid = s.relnamespace
    ${functions}
  )`
}

/** Whether the schema has come so far that rights can be granted. */
export async function hasMadeObjects(db: QueryExecutorProvider): Promise<boolean> {
  const { rows } = await sql<{ is_there: boolean }>`
    select to_regclass('etl.mart_view') is not null as is_there`.execute(db)
  return rows[0]?.is_there === true
}

/** Returns owners, rights and policies as they are; null before the first migration. */
export async function readAccessCatalog<Schema>(db: Kysely<Schema>): Promise<AccessCatalog | null> {
  if (!(await hasMadeObjects(db))) return null
  return {
    ...(await readRoles(db)),
    objects: await readObjects(db),
    isRowSecured: await isRowSecured(db),
  }
}

/** Returns true when row-level security is switched on. */
export async function isRowSecured<Schema>(db: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql<{ is_on: boolean }>`
    select setting_value = 'on' as is_on from etl.setting
    where setting_name = 'row_level_security'`.execute(db)
  return rows[0]?.is_on === true
}

/** Reads the roles; it needs no schema of ours. */
async function readRoles(db: QueryExecutorProvider): Promise<AccessRoles> {
  const { rows } = await sql<AccessRoles>`
    select
      current_setting('server_version_num')::integer as version,
      current_user::text as role,
      current_database()::text as database,
      me.rolsuper as is_superuser,
      me.rolsuper or me.rolcreaterole as may_make_roles,
      pg_has_role(d.datdba, 'usage') as may_alter_database,
      me.rolsuper or coalesce(pg_has_role(owner.oid, ${setRight}), false) as may_give,
      to_json(array(
        select r.rolname::text from pg_roles r
        where r.rolname in (${sql.join(Object.values(groups))})
      )) as existing,
      coalesce(pg_has_role(pii.oid, bi.oid, 'usage'), false) as is_pii_in_bi,
      coalesce(has_database_privilege(owner.oid, d.oid, 'create'), false) as may_owner_create
    from pg_roles me
    join pg_database d on d.datname = current_database()
    left join pg_roles owner on owner.rolname = ${groups.owner}
    left join pg_roles bi on bi.rolname = ${groups.bi}
    left join pg_roles pii on pii.rolname = ${groups.pii}
    where me.rolname = current_user`.execute(db)
  const roles = rows[0]
  if (roles === undefined) throw new CosellError('access.no_row', 'No row of one select.')
  return roles
}

/** Reads what cosell made; it needs etl.mart_view. */
export async function readObjects(db: QueryExecutorProvider): Promise<AccessObject[]> {
  const { rows } = await sql<AccessObject>`
    select
      made.kind,
      made.schema_name as schema,
      made.object_name as name,
      made.of_table as table,
      owner.rolname::text as owner,
      owner.rolsuper
        or coalesce(pg_has_role(owner.oid, to_regrole(${groups.owner}), 'usage'), false)
        as is_owner_in_group,
      pg_has_role(owner.oid, 'usage') as may_alter,
      coalesce((
        select json_agg(json_build_object(
          'grantee', coalesce(grantee.rolname, 'public'),
          'right', lower(acl.privilege_type) || coalesce(' (' || quote_ident(a.attname) || ')', ''),
          'is_grantable', acl.is_grantable
        ))
        from (
          select null::name as attname, made.acl
          union all
          select attname, attacl from pg_attribute
          where attrelid = made.oid and made.kind in ('table', 'view') and attacl is not null
        ) a
        cross join aclexplode(a.acl) acl
        left join pg_roles grantee on grantee.oid = acl.grantee
        where acl.grantee <> made.owner
      ), '[]') as held,
      made.is_row_secured,
      to_json(array(
        select p.polname::text from pg_policy p where p.polrelid = made.oid
      )) as policies,
      made.kind = 'table' and exists (
        select from pg_attribute a
        where a.attrelid = made.oid and a.attname = 'partner_account_key' and not a.attisdropped
      ) as has_account
    from ${madeObjects('with marts')} made
    join pg_roles owner on owner.oid = made.owner
    order by made.schema_name, made.object_name collate "C"`.execute(db)
  return rows
}
