import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { madeObjects, setRight } from '../warehouse/access/access-catalog.ts'
import { joinStatements, type Membership } from '../warehouse/access/grant-statements.ts'
import { groups, maintainSince, rightsOf } from '../warehouse/access/roles.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type CheckResult, failed } from './check-result.ts'

const check = 'rights'

interface TableRights {
  readonly schema_name: string
  readonly table_name: string
  readonly kind: 'table' | 'sequence'
  /** Table of a sequence. */
  readonly of_table: string | null
  readonly may_use_schema: boolean
  readonly is_owner: boolean
  /** Row-level security applies to the role, and no policy shows it all rows. */
  readonly is_row_secured: boolean
  /** Rights to the table that the role has. */
  readonly held: readonly string[]
}

interface RoleRights extends Membership {
  readonly database: string
  readonly may_create: boolean
  readonly has_group: boolean
  readonly is_in_group: boolean
  readonly has_owner_group: boolean
  /** The role is in `cosell_owner`, with its rights or without. */
  readonly is_owner_member: boolean
  /** The role can act as the owner of the schema. */
  readonly may_migrate: boolean
}

/** A table or sequence with the rights of a loader that the role is missing. */
interface TableCheck extends TableRights {
  readonly missing: readonly string[]
}

const tableRights = ['select', 'insert', 'update', 'delete', 'truncate'] as const
const maintain = 'maintain'

/**
 * Checks that the role of the connection can load into the existing tables and create those that
 * are missing; reports the rights that it lacks.
 */
export async function checkRights(
  query: Kysely<Database>,
  isPending: boolean,
): Promise<CheckResult> {
  const answer = await sql<RoleRights>`
    select
      current_user as role,
      current_database() as database,
      has_database_privilege(current_database(), 'create') as may_create,
      current_setting('server_version_num')::integer as version,
      me.rolinherit as is_inheriting,
      loader.oid is not null as has_group,
      coalesce(pg_has_role(loader.oid, 'member'), false) as is_member,
      coalesce(pg_has_role(loader.oid, 'usage'), false) as is_in_group,
      owner.oid is not null as has_owner_group,
      coalesce(pg_has_role(owner.oid, 'member'), false) as is_owner_member,
      me.rolsuper or coalesce((
        select pg_has_role(c.relowner, ${setRight})
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'etl'
        where c.relname = 'migration'
      ), false) as may_migrate
    from pg_roles me
    left join pg_roles loader on loader.rolname = ${groups.loader}
    left join pg_roles owner on owner.rolname = ${groups.owner}
    where me.rolname = current_user
  `.execute(query)
  const role = answer.rows[0]
  if (role === undefined) throw new CosellError('preflight.no_row', 'No row of one select.')
  const found = await readTableRights(query, role.version)
  return checkRole(role, found.map(compareRights(role)), isPending)
}

function compareRights(setting: { readonly version: number }) {
  return (table: TableRights): TableCheck => {
    const granted = {
      kind: table.kind,
      schema: table.schema_name,
      name: table.table_name,
      table: table.of_table,
    }
    const wanted = rightsOf(groups.loader, granted, { ...setting, isRowSecured: false })
    return { ...table, missing: wanted.filter((right) => !table.held.includes(right)) }
  }
}

async function readTableRights(query: Kysely<Database>, version: number): Promise<TableRights[]> {
  // The right to analyze what others own came with PostgreSQL 17.
  const known = version >= maintainSince ? [...tableRights, maintain] : tableRights
  const held = known.map(
    (right) =>
      sql`case when has_table_privilege(c.oid, ${sql.lit(right)}) then ${sql.lit(right)} end`,
  )
  const { rows } = await sql<TableRights>`
    select
      made.schema_name,
      made.object_name as table_name,
      made.kind,
      made.of_table,
      has_schema_privilege(c.relnamespace, 'usage') as may_use_schema,
      pg_has_role(c.relowner, 'usage') as is_owner,
      row_security_active(c.oid) and not exists (
        select from pg_policy p
        where p.polrelid = c.oid and p.polpermissive and p.polcmd = '*'
          and pg_get_expr(p.polqual, p.polrelid) = 'true'
          and exists (
            select from unnest(p.polroles) r
            where case when r = 0 then true else pg_has_role(r, 'usage') end
          )
      ) as is_row_secured,
      case
        when c.relkind <> 'S' then array_remove(array[${sql.join(held)}], null)
        when has_sequence_privilege(c.oid, 'usage') then array['usage']
        else '{}'
      end as held
    from ${madeObjects('without marts')} made
    join pg_class c on c.oid = made.oid
    where made.kind in ('table', 'sequence')
    order by made.schema_name, made.object_name
  `.execute(query)
  return rows
}

function checkRole(
  rights: RoleRights,
  found: readonly TableCheck[],
  isPending: boolean,
): CheckResult {
  const { role, database, may_create } = rights
  if (found.length === 0) {
    if (may_create) return { check, status: 'ok', detail: 'may create the schemas' }
    return failed(
      check,
      `role "${role}" may not create schemas in database "${database}"`,
      `Let the owner of the database run: grant create on database "${database}" to "${role}";`,
    )
  }
  const lacks = [
    ...missingSchemaRights(found),
    ...missingTableRights(found),
    ...missingRowAccess(found),
  ]
  if (lacks.length > 0) {
    return failed(check, `role "${role}" lacks ${lacks.join('; ')}`, grantRemedy(rights))
  }
  const foreign = found.filter((table) => !table.is_owner)
  if (foreign.length === 0) return { check, status: 'ok', detail: 'owns the tables' }
  if (isPending && !rights.may_migrate) {
    const statement = joinStatements(groups.owner, asOwner(rights))
    return failed(
      check,
      `role "${role}" cannot migrate: it does not own ${nameTables(foreign)}`,
      `Run \`cosell migrate\` as a member of ${groups.owner} or another owner of the tables, then ` +
        'continue with this role' +
        (rights.has_owner_group ? `; or let an administrator run: ${statement}` : '.'),
    )
  }
  return checkAnalyzing(rights, foreign)
}

/** Loads succeed without this right, but are planned for the tables as they were. */
function checkAnalyzing(rights: RoleRights, foreign: readonly TableCheck[]): CheckResult {
  const isOld = rights.version < maintainSince
  const stale = foreign.filter(
    ({ kind, missing }) => (isOld && kind === 'table') || missing.includes(maintain),
  )
  if (stale.length === 0) return { check, status: 'ok', detail: 'has all that loading needs' }
  return {
    check,
    status: 'warn',
    detail: `role "${rights.role}" may not analyze ${nameTables(stale)}: big loads can take much longer`,
    remedy: isOld
      ? 'PostgreSQL 17 has a right for it; until then, let a member ' +
        `of ${groups.owner} run the initial load.`
      : grantRemedy(rights),
  }
}

function missingSchemaRights(found: readonly TableCheck[]): string[] {
  const closed = new Set(found.filter((t) => !t.may_use_schema).map((t) => t.schema_name))
  return closed.size === 0 ? [] : [`usage on schema ${[...closed].join(', ')}`]
}

function missingTableRights(found: readonly TableCheck[]): string[] {
  return [...tableRights, 'usage'].flatMap((right) => {
    const affected = found.filter((table) => table.missing.includes(right))
    return affected.length === 0 ? [] : [`${right} on ${nameTables(affected)}`]
  })
}

/** Rows that a policy hides would be treated as missing and inserted again. */
function missingRowAccess(found: readonly TableRights[]): string[] {
  const secured = found.filter((table) => table.is_row_secured)
  return secured.length === 0 ? [] : [`sight of all rows of ${nameTables(secured)} (row security)`]
}

function nameTables(found: readonly TableRights[]): string {
  const names = found.map((table) => `${table.schema_name}.${table.table_name}`)
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more tables`
}

/** The same login as a member of the owners' group. */
function asOwner(rights: RoleRights): Membership {
  return { ...rights, is_member: rights.is_owner_member }
}

function grantRemedy(rights: RoleRights): string {
  const { has_group, is_in_group, is_member, is_owner_member } = rights
  if (is_owner_member && !is_member) {
    return `Let an administrator run: ${joinStatements(groups.owner, asOwner(rights))}`
  }
  const join = joinStatements(groups.loader, rights)
  if (has_group && !is_in_group) return `Let an administrator run: ${join}`
  const migrate =
    `Let the owner of the tables run \`cosell migrate\`, which gives the group ${groups.loader} its ` +
    'rights, or prints what an administrator has to run for it'
  return is_in_group ? `${migrate}.` : `${migrate}; then: ${join}`
}
