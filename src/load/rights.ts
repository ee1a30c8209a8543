import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { type Database, tables } from '../warehouse.ts'
import type { Kysely } from './database.ts'
import { type Verdict, wrong } from './verdict.ts'

const check = 'rights'

interface TableRights {
  readonly schema_name: string
  readonly table_name: string
  readonly may_use_schema: boolean
  readonly is_owner: boolean
  readonly may_analyze: boolean
  readonly is_row_secured: boolean
  /** Rights that the role does not have, of those that the loader uses. */
  readonly lacking: readonly string[]
}

interface RoleRights {
  readonly role: string
  readonly database: string
  readonly may_create: boolean
}

const schemas = [...new Set(Object.keys(tables).map((name) => name.split('.')[0] ?? ''))]
const rightsUsed = ['select', 'insert', 'update', 'delete'] as const

/**
 * Whether the role of the connection can load into the tables that there are, and make those that
 * are missing: what it needs for a run, told by what it lacks.
 */
export async function judgeRights(query: Kysely<Database>, isPending: boolean): Promise<Verdict> {
  const whose = await sql<RoleRights>`
    select
      current_user as role,
      current_database() as database,
      has_database_privilege(current_database(), 'create') as may_create
  `.execute(query)
  const role = whose.rows[0]
  if (role === undefined) throw new CosellError('bug', 'preflight.no_row', 'No row of one select.')
  return judgeRole(role, await readTableRights(query), isPending)
}

async function readTableRights(query: Kysely<Database>): Promise<TableRights[]> {
  const lacking = rightsUsed.map(
    (right) =>
      sql`case when not has_table_privilege(c.oid, ${sql.lit(right)}) then ${sql.lit(right)} end`,
  )
  const { rows } = await sql<TableRights>`
    select
      n.nspname as schema_name,
      c.relname as table_name,
      has_schema_privilege(n.oid, 'usage') as may_use_schema,
      pg_has_role(c.relowner, 'usage') as is_owner,
      -- The right to analyze what others own came with PostgreSQL 17.
      pg_has_role(c.relowner, 'usage')
        or case
          when current_setting('server_version_num')::integer >= 170000
            then has_table_privilege(c.oid, ${'maintain'}::text)
          else false
        end as may_analyze,
      row_security_active(c.oid) as is_row_secured,
      array_remove(array[
        ${sql.join(lacking)},
        case
          when n.nspname = 'stg' and not has_table_privilege(c.oid, 'truncate') then 'truncate'
        end
      ], null) as lacking
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in (${sql.join(schemas)}) and c.relkind in ('r', 'p')
    order by n.nspname, c.relname
  `.execute(query)
  return rows
}

function judgeRole(
  { role, database, may_create }: RoleRights,
  found: readonly TableRights[],
  isPending: boolean,
): Verdict {
  if (found.length === 0) {
    if (may_create) return { check, status: 'ok', detail: 'may create the schemas' }
    return wrong(
      check,
      `role "${role}" may not create schemas in database "${database}"`,
      `Let the owner of the database run: grant create on database "${database}" to "${role}";`,
    )
  }
  const lacks = [...lackedSchemas(found), ...lackedRights(found), ...hiddenRows(found)]
  if (lacks.length > 0) {
    const secured = found.some((table) => table.is_row_secured)
    return wrong(check, `role "${role}" lacks ${lacks.join('; ')}`, grants(role, secured))
  }
  const foreign = found.filter((table) => !table.is_owner)
  if (foreign.length === 0) return { check, status: 'ok', detail: 'owns the tables' }
  if (isPending) {
    return wrong(
      check,
      `role "${role}" cannot migrate: it does not own ${several(foreign)}`,
      'Run `cosell migrate` as the role that owns the tables, then go on with this one.',
    )
  }
  const stale = found.filter((table) => !table.may_analyze)
  if (stale.length === 0) return { check, status: 'ok', detail: 'has all that loading needs' }
  return {
    check,
    status: 'warn',
    detail: `role "${role}" may not analyze ${several(stale)}: big loads can take much longer`,
    remedy: `Let the tables belong to "${role}", or, from PostgreSQL 17 on, grant it maintain on them.`,
  }
}

function lackedSchemas(found: readonly TableRights[]): string[] {
  const closed = new Set(found.filter((t) => !t.may_use_schema).map((t) => t.schema_name))
  return closed.size === 0 ? [] : [`usage on schema ${[...closed].join(', ')}`]
}

function lackedRights(found: readonly TableRights[]): string[] {
  return [...rightsUsed, 'truncate'].flatMap((right) => {
    const without = found.filter((table) => table.lacking.includes(right))
    return without.length === 0 ? [] : [`${right} on ${several(without)}`]
  })
}

/** Rows that a policy hides would be taken for missing and inserted again. */
function hiddenRows(found: readonly TableRights[]): string[] {
  const secured = found.filter((table) => table.is_row_secured)
  return secured.length === 0 ? [] : [`sight of all rows of ${several(secured)} (row security)`]
}

function several(found: readonly TableRights[]): string {
  const names = found.map((table) => `${table.schema_name}.${table.table_name}`)
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more tables`
}

function grants(role: string, isSecured: boolean): string {
  const all = schemas.join(', ')
  const bypass = isSecured ? ` alter role "${role}" bypassrls;` : ''
  return (
    `Let the owner of the tables run: grant usage on schema ${all} to "${role}"; grant ` +
    `${rightsUsed.join(', ')} on all tables in schema ${all} to "${role}"; grant truncate on all ` +
    `tables in schema stg to "${role}";${bypass}`
  )
}
