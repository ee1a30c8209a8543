import { type QueryExecutorProvider, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { ownersOfMade, setRight } from '../access/access-catalog.ts'
import { joinStatement, joinStatements } from '../access/grant-statements.ts'
import { groups, schemaNames } from '../access/roles.ts'
import { lackOfVersion } from '../connection/requirements.ts'

interface TargetSchema {
  readonly name: string
  readonly owner: string
  /** The role of the connection made it, or one whose rights it has. */
  readonly is_own: boolean
  /** It holds more than the tables in which migrations are recorded. */
  readonly is_filled: boolean
}

/** What is in the database before migrate, and what the role of the connection may do there. */
export interface Target {
  readonly version: number
  readonly server_version: string
  readonly role: string
  readonly database: string
  readonly may_create: boolean
  /** Schemas with a name of ours. */
  readonly schemas: readonly TargetSchema[]
  /** Owner of the ledger of migrations; null when there is no such table. */
  readonly ledger_owner: string | null
  /** The role may read the ledger. */
  readonly may_read: boolean
  /** The role may act as the owner of the ledger. */
  readonly may_act: boolean
  readonly has_loader_group: boolean
  /** The role is in `cosell_loader`, with its rights or without. */
  readonly is_member: boolean
  readonly is_inheriting: boolean
}

/** Reads the catalog alone, which every login may. */
export async function readTarget(db: QueryExecutorProvider): Promise<Target> {
  const { rows } = await sql<Target>`
    select
      current_setting('server_version_num')::integer as version,
      current_setting('server_version') as server_version,
      current_user::text as role,
      current_database()::text as database,
      has_database_privilege(current_database(), 'create') as may_create,
      coalesce((
        select json_agg(json_build_object(
          'name', n.nspname,
          'owner', pg_get_userbyid(n.nspowner),
          'is_own', n.nspowner = me.oid or (not me.rolsuper and pg_has_role(n.nspowner, 'usage')),
          'is_filled', exists (
            select from pg_class c
            where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
              and c.oid is distinct from ledger.oid and c.relname <> 'migration_lock'
          ) or exists (select from pg_proc p where p.pronamespace = n.oid)
        ) order by n.nspname)
        from pg_namespace n
        where n.nspname in (${sql.join([...schemaNames])})
      ), '[]') as schemas,
      pg_get_userbyid(ledger.relowner)::text as ledger_owner,
      coalesce(
        has_schema_privilege(ledger.relnamespace, 'usage')
          and has_table_privilege(ledger.oid, 'select'),
        false
      ) as may_read,
      coalesce(me.rolsuper or pg_has_role(ledger.relowner, ${setRight}), false) as may_act,
      loader.oid is not null as has_loader_group,
      coalesce(pg_has_role(loader.oid, 'member'), false) as is_member,
      me.rolinherit as is_inheriting
    from pg_roles me
    left join (
      select c.oid, c.relowner, c.relnamespace
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'etl'
      where c.relname = 'migration' and c.relkind = 'r' and (
        select count(*) from pg_attribute a
        where a.attrelid = c.oid and a.attname in ('name', 'timestamp')
      ) = 2
    ) ledger on true
    left join pg_roles loader on loader.rolname = ${groups.loader}
    where me.rolname = current_user`.execute(db)
  const target = rows[0]
  if (target === undefined) throw new CosellError('access.no_row', 'No row of one select.')
  return target
}

/** @throws CosellError `configuration` when the server lacks what the views need. */
export function rejectOldServer({ version, server_version }: Target): void {
  const lack = lackOfVersion({ version: server_version, version_number: version })
  if (lack === undefined) return
  throw new CosellError(lack.code, `Database server: ${lack.detail}. ${lack.remedy}`)
}

/** @throws CosellError `configuration` when there is a ledger that the login may not read. */
export function rejectReader({ ledger_owner, may_read, ...target }: Target): void {
  if (ledger_owner === null || may_read) return
  const { role, is_member, has_loader_group } = target
  const ask = has_loader_group ? `in ${groups.loader}` : `that may load, such as "${ledger_owner}"`
  throw new CosellError(
    'database.forbidden',
    `Database: expected a login ${ask}, got "${role}", which may not read etl. ` +
      (is_member
        ? `It is in ${groups.loader} without its rights. Let an administrator run: ` +
          joinStatements(groups.loader, target)
        : 'Every command but doctor needs such a login; readers use dw and mart with a BI tool or ' +
          'SQL. Ask the operator for one to name in COSELL_DATABASE_URL, or for the report as a file.'),
  )
}

/**
 * Rejects a database in which schemas with names of ours were made by others. A first migration that
 * was cut off left no more than an empty ledger, or etl without it.
 *
 * @throws CosellError `configuration` that names them and their owners.
 */
export function rejectTakenSchemas(target: Target, applied: readonly string[]): void {
  if (applied.length > 0) return
  const hasLedger = target.ledger_owner !== null
  const taken = target.schemas.filter(
    ({ name, is_own, is_filled }) => name !== 'etl' || is_filled || !(hasLedger || is_own),
  )
  if (taken.length === 0) return
  throw new CosellError(
    'migrate.schema_taken',
    `Database "${target.database}": expected no schema named ${schemaNames.join(', ')}, got ` +
      `${taken.map(({ name, owner }) => `${name} of role "${owner}"`).join(', ')}. Nothing was ` +
      'created. Give cosell a database of its own (create database cosell) and name it in ' +
      'COSELL_DATABASE_URL.',
  )
}

/** @throws CosellError `configuration` when the login may not apply what is pending. */
export function rejectOtherRole(target: Target, pending: readonly string[]): void {
  const { role, database, ledger_owner: owner, may_act, may_create, version } = target
  const [first] = pending
  if (first === undefined || (owner === null ? may_create : may_act)) return
  const to = pending.length === 1 ? first : `${first} to ${pending.at(-1)}`
  const [expected, advice] =
    owner === null
      ? [
          `a login that may create schemas in database "${database}"`,
          `Let its owner run: grant create on database "${database}" to "${role}";`,
        ]
      : owner === groups.owner
        ? [
            `a login in ${groups.owner}`,
            `Let a member of ${groups.owner} run \`cosell migrate\`, or an administrator run: ` +
              `${joinStatement(groups.owner, role, version)};`,
          ]
        : [`the login "${owner}", which owns the schema`, `Let "${owner}" run \`cosell migrate\`.`]
  throw new CosellError(
    'migrate.not_owner',
    `To apply ${to}: expected ${expected}, got "${role}". ${advice}`,
  )
}

/**
 * Lets the rest of a transaction run as the owner of the ledger: what a migration makes belongs to
 * that role, whichever login runs it, and default privileges of the login do not apply.
 */
export async function actAsOwner(transaction: QueryExecutorProvider): Promise<void> {
  await sql`
    select set_config('role', r.rolname, true)
    from pg_class c
    join pg_roles r on r.oid = c.relowner
    where c.oid = to_regclass('etl.migration') and r.rolname <> current_user`.execute(transaction)
}

/** An object in `mart` that has the name of a view of ours and is none. */
export interface ForeignMart {
  readonly name: string
  readonly kind: string
  readonly owner: string
}

/** Returns those of `names` under which `mart` holds what cosell did not make. */
export async function readForeignMarts(
  db: QueryExecutorProvider,
  names: readonly string[],
): Promise<ForeignMart[]> {
  const { rows } = await sql<ForeignMart>`
    select c.relname::text as name, ${kindOfRelation} as kind,
      pg_get_userbyid(c.relowner)::text as owner
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'mart'
    where c.relname = any (${[...names]}::text[])
      and (
        c.relkind <> 'v'
        or c.relowner not in ${ownersOfMade}
        or not exists (select from etl.mart_view v where v.view_name = c.relname)
      )
    order by c.relname`.execute(db)
  return rows
}

/** Kind of a row of pg_class `c`, as a word. */
export const kindOfRelation = sql`
  case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
    when 'S' then 'sequence' else 'table' end`
