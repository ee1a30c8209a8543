import { sql } from 'kysely'
import { madeObjects } from '../warehouse/access/access-catalog.ts'
import { groups, madeTables, madeViews, rightsOf, schemaNames } from '../warehouse/access/roles.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import { kindOfRelation } from '../warehouse/migrate/check-target.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { CheckResult } from './check-result.ts'

const check = 'other objects'

/** An object in our schemas that cosell did not make. */
interface OtherObject {
  readonly name: string
  readonly kind: string
  readonly owner: string
  /** It has the name of an object of ours, whose place it took. */
  readonly is_in_place: boolean
}

/** A right to one of our schemas that cosell did not give. */
interface SchemaRight {
  readonly schema: string
  readonly grantee: string
  readonly right: string
}

/** Names what others made in our schemas and were granted there; cosell leaves all of it alone. */
export async function checkOtherObjects(query: Kysely<Database>): Promise<CheckResult> {
  return describeOthers(await readOtherObjects(query), await readSchemaRights(query))
}

function describeOthers(
  objects: readonly OtherObject[],
  rights: readonly SchemaRight[],
): CheckResult {
  const name = ({ name, kind, owner }: OtherObject) => `${name} (${kind} of "${owner}")`
  const parts = [
    ...(objects.length === 0
      ? []
      : [`not made by cosell and left alone: ${objects.map(name).join(', ')}`]),
    ...(rights.length === 0
      ? []
      : [`rights to schemas that cosell did not give: ${byRight(rights).join(', ')}`]),
  ]
  if (parts.length === 0) return { check, status: 'ok', detail: 'all objects were made by cosell' }
  const detail = parts.join('; ')
  const replaced = objects.filter(({ is_in_place }) => is_in_place)
  if (replaced.length === 0) return { check, status: 'ok', detail }
  const owned = replaced.map(({ name, kind }) => `alter ${kind} ${name} owner to ${groups.owner};`)
  return {
    check,
    status: 'warn',
    detail,
    remedy:
      `${replaced.map(({ name }) => name).join(', ')} should be an object of cosell: rename or drop ` +
      'it and run `cosell migrate`. If it only changed hands, let an administrator run: ' +
      owned.join(' '),
  }
}

/** One phrase for each right and role, with all schemas. */
function byRight(rights: readonly SchemaRight[]): string[] {
  const schemas = new Map<string, string[]>()
  for (const { schema, grantee, right } of rights) {
    const key = `${right} on | to "${grantee}"`
    schemas.set(key, [...(schemas.get(key) ?? []), schema])
  }
  return [...schemas].map(([key, names]) => key.replace('|', () => names.join(', ')))
}

async function readOtherObjects(query: Kysely<Database>): Promise<OtherObject[]> {
  const { rows } = await sql<OtherObject>`
    with made as materialized (select oid, kind from ${madeObjects('with marts')} made)
    select n.nspname || '.' || quote_ident(c.relname) as name, ${kindOfRelation} as kind,
      pg_get_userbyid(c.relowner)::text as owner,
      n.nspname || '.' || c.relname = any (${[...madeTables, ...madeViews]}::text[])
        or (n.nspname = 'mart' and c.relname in (select view_name from etl.mart_view))
        as is_in_place
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in (${sql.join([...schemaNames])})
      and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and c.oid not in (select oid from made where kind <> 'function')
      -- A sequence goes with the table that it numbers.
      and not (c.relkind = 'S' and exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
          and d.refclassid = 'pg_class'::regclass
      ))
    union all
    select n.nspname || '.' || quote_ident(p.proname), 'function',
      pg_get_userbyid(p.proowner)::text, false
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in (${sql.join([...schemaNames])})
      and p.oid not in (select oid from made where kind = 'function')
    union all
    select n.nspname, 'schema', pg_get_userbyid(n.nspowner)::text, true
    from pg_namespace n
    where n.nspname in (${sql.join([...schemaNames])}) 
      and n.oid not in (select oid from made where kind <> 'function')
    order by 1, 2`.execute(query)
  return rows
}

async function readSchemaRights(query: Kysely<Database>): Promise<SchemaRight[]> {
  const { rows } = await sql<SchemaRight>`
    select n.nspname::text as schema, coalesce(r.rolname, 'public')::text as grantee,
      lower(acl.privilege_type) as right
    from pg_namespace n
    cross join aclexplode(n.nspacl) acl
    left join pg_roles r on r.oid = acl.grantee
    where n.nspname in (${sql.join([...schemaNames])}) and acl.grantee <> n.nspowner
    order by 1, 2, 3`.execute(query)
  return rows.filter(({ schema, grantee, right }) => !isOurs(schema, grantee, right))
}

function isOurs(schema: string, grantee: string, right: string): boolean {
  const context = { version: 0, isRowSecured: false }
  const group = Object.values(groups).find((name) => name === grantee)
  if (group === undefined) return false
  return rightsOf(group, { kind: 'schema', schema, name: '' }, context).includes(right)
}
