import { type Kysely, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { codeOf } from '../connection/database.ts'
import type { AccessCatalog, AccessObject, AccessRoles, AccessStep } from './access-catalog.ts'
import { missingSteps } from './grant-statements.ts'
import { groups, schemaNames } from './roles.ts'

/** Advisory lock of a database: two processes that grant on one table at once fail. */
const lockKey = 4_206_010_301
/** Readers queue behind an ALTER that waits, so a step gives up early and is left for next time. */
const lockTimeoutMs = 1_000

/**
 * SQLSTATEs that leave a step undone without harm: no right to it, a table in use, another process
 * at the same step, and two that write one row of the catalog at once (XX000).
 */
const toleratedCodes = ['42501', '55P03', '40P01', '42710', '23505', 'XX000']

/**
 * Creates the groups and grants their rights as far as the role of the connection may. Returns the
 * statements that are still missing. When nothing is missing it only reads.
 */
export async function applyGrants<Schema>(db: Kysely<Schema>): Promise<string[]> {
  const tried = new Set<string>()
  // A round may grant what the next one needs, such as membership.
  for (;;) {
    const steps = await readMissingSteps(db)
    const runnable = steps.filter(
      ({ mayRun, statements }) => mayRun && !tried.has(statements.join()),
    )
    if (runnable.length === 0) return statementsOf(steps)
    for (const step of runnable) {
      tried.add(step.statements.join())
      await runStep(db, step).catch((error: unknown) => {
        if (!toleratedCodes.includes(codeOf(error))) throw error
      })
    }
  }
}

/** Returns the missing groups and rights as statements for an administrator; changes nothing. */
export async function missingGrants<Schema>(db: Kysely<Schema>): Promise<string[]> {
  return statementsOf(await readMissingSteps(db))
}

async function readMissingSteps<Schema>(db: Kysely<Schema>): Promise<AccessStep[]> {
  const catalog = await readAccessCatalog(db)
  return catalog === null ? [] : missingSteps(catalog)
}

function statementsOf(steps: readonly AccessStep[]): string[] {
  return steps.flatMap(({ statements }) => statements.map((statement) => `${statement};`))
}

/** Runs all statements of a step or none, in one message. */
export async function runStep<Schema>(db: Kysely<Schema>, step: AccessStep): Promise<void> {
  const text = [
    // A role may have a timeout that is meant for queries.
    'set local statement_timeout = 0',
    `select pg_advisory_xact_lock(${lockKey})`,
    `set local lock_timeout = ${lockTimeoutMs}`,
    ...step.statements,
  ].join(';\n')
  await sql.raw(text).execute(db)
}

/** Returns owners, rights and policies as they are; null before the first migration. */
export async function readAccessCatalog<Schema>(db: Kysely<Schema>): Promise<AccessCatalog | null> {
  const objects = await readObjects(db)
  if (!objects.some(({ schema, name }) => schema === 'etl' && name === 'setting')) return null
  return { ...(await readRoles(db)), objects, isRowSecured: await isRowSecured(db) }
}

/** Returns true when row-level security is switched on. */
export async function isRowSecured<Schema>(db: Kysely<Schema>): Promise<boolean> {
  const { rows } = await sql<{ is_on: boolean }>`
    select setting_value = 'on' as is_on from etl.setting
    where setting_name = 'row_level_security'`.execute(db)
  return rows[0]?.is_on === true
}

async function readRoles<Schema>(db: Kysely<Schema>): Promise<AccessRoles> {
  const { rows } = await sql<AccessRoles>`
    with ours as (
      select r.oid, r.rolname from pg_roles r where r.rolname in (${sql.join(Object.values(groups))})
    ), me as (
      select r.oid, r.rolsuper, r.rolcreaterole from pg_roles r where r.rolname = current_user
    )
    select
      current_setting('server_version_num')::integer as version,
      current_database()::text as database,
      me.rolsuper as is_superuser,
      me.rolsuper or me.rolcreaterole as may_make_roles,
      pg_has_role(d.datdba, 'usage') as may_alter_database,
      to_json(array(select o.rolname::text from ours o)) as existing,
      coalesce((
        select json_agg(json_build_array(o.rolname, member.rolname))
        from ours o
        join pg_roles member on member.oid <> o.oid and not member.rolsuper
          and pg_has_role(member.oid, o.oid, 'usage')
      ), '[]') as members,
      to_json(array(
        select o.rolname::text from ours o
        where pg_has_role(o.oid, 'member with admin option')
          or (me.rolcreaterole and current_setting('server_version_num')::integer < 160000)
      )) as administered,
      exists (
        select from ours o
        where o.rolname = ${groups.owner} and has_database_privilege(o.oid, d.oid, 'create')
      ) as may_owner_create
    from me
    join pg_database d on d.datname = current_database()`.execute(db)
  const roles = rows[0]
  if (roles === undefined) throw new CosellError('access.no_row', 'No row of one select.')
  return roles
}

async function readObjects<Schema>(db: Kysely<Schema>): Promise<AccessObject[]> {
  const { rows } = await sql<AccessObject>`
    with found as (
      select n.oid, 'schema' as kind, n.nspname as schema_name, '' as object_name,
        n.nspowner as owner, coalesce(n.nspacl, acldefault('n', n.nspowner)) as acl,
        false as is_row_secured
      from pg_namespace n
      union all
      select c.oid, case c.relkind when 'S' then 'sequence' when 'v' then 'view' else 'table' end,
        n.nspname, c.relname, c.relowner,
        coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)),
        c.relrowsecurity
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'S')
    )
    select
      f.kind,
      f.schema_name::text as schema,
      f.object_name::text as name,
      owner.rolname::text as owner,
      owner.rolsuper as is_owner_superuser,
      pg_has_role(f.owner, 'usage') as may_alter,
      coalesce((
        select json_object_agg(held.grantee, held.rights)
        from (
          select coalesce(r.rolname, 'public') as grantee,
            json_agg(distinct lower(acl.privilege_type)) as rights
          from aclexplode(f.acl) acl
          left join pg_roles r on r.oid = acl.grantee
          where acl.grantee <> f.owner
            and (acl.grantee = 0 or r.rolname in (${sql.join(Object.values(groups))}))
          group by 1
        ) held
      ), '{}') as grants,
      f.is_row_secured,
      to_json(array(select p.polname::text from pg_policy p where p.polrelid = f.oid)) as policies,
      f.kind = 'table' and exists (
        select from pg_attribute a
        where a.attrelid = f.oid and a.attname = 'partner_account_key' and not a.attisdropped
      ) as has_account
    from found f
    join pg_roles owner on owner.oid = f.owner
    where f.schema_name in (${sql.join([...schemaNames])})
    order by f.schema_name, f.object_name collate "C"`.execute(db)
  return rows
}
