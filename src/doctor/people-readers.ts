import { sql } from 'kysely'
import { madeObjects, setRight } from '../warehouse/access/access-catalog.ts'
import { closedSchemas, groups } from '../warehouse/access/roles.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { CheckResult } from './check-result.ts'

const check = 'people'
/** Gives every right to read, in every database of the server. */
const readAll = 'pg_read_all_data'

/** A role that can read rows of `raw` or `pii`, and the roles through which it can. */
export interface PeopleReader {
  readonly role: string
  readonly is_login: boolean
  readonly is_superuser: boolean
  /** The owner of the tables, groups, `public` and the role itself, where they hold the right. */
  readonly through: readonly string[]
  /** Tables that `through` opens beside those that the groups open. */
  readonly opened: readonly string[]
}

interface People {
  readonly owners: readonly string[]
  readonly readers: readonly PeopleReader[]
}

/** Lists the roles that can read people, and warns of those that read past our groups. */
export async function checkPeople(query: Kysely<Database>): Promise<CheckResult> {
  const { owners, readers } = await readPeople(query)
  const expected = [...owners, groups.owner, groups.loader, groups.pii]
  return describePeople(readers, expected)
}

/** Describes the readers; those through roles that are not `expected` are warned of. */
export function describePeople(
  readers: readonly PeopleReader[],
  expected: readonly string[],
): CheckResult {
  const strange = (reader: PeopleReader) =>
    reader.is_superuser ? [] : reader.through.filter((role) => !expected.includes(role))
  const detail = `raw and pii can be read by ${readers.map(nameReader).join('; ')}`
  const past = readers.filter((reader) => strange(reader).length > 0)
  if (past.length === 0) return { check, status: 'ok', detail }
  const readingAll = past.filter(({ through }) => through.includes(readAll))
  const opened = [...new Set(past.flatMap((reader) => reader.opened))].sort()
  const isGranted = past.some((reader) => strange(reader).some((role) => role !== readAll))
  const remedy = [
    ...(isGranted
      ? [
          `Run \`cosell migrate\` as a member of ${groups.owner}: it takes the rights to ` +
            `${opened.join(', ')}. Readers of people belong in ${groups.pii}.`,
        ]
      : []),
    ...(readingAll.length > 0
      ? [
          `Let an administrator decide whether ${readingAll.map(({ role }) => `"${role}"`).join(', ')} ` +
            `must be in ${readAll}.`,
        ]
      : []),
  ]
  return { check, status: 'warn', detail, remedy: remedy.join(' ') }
}

function nameReader({ role, is_login, is_superuser, through, opened }: PeopleReader): string {
  const login = `"${role}"${is_login ? '' : ', no login,'}`
  if (is_superuser) return `${login} (superuser)`
  const ways = through.map((way) => (way === role ? 'its own rights' : way))
  const tables = opened.length === 0 ? '' : `: ${opened.join(', ')}`
  return `${login} (${ways.join(', ')}${tables})`
}

/**
 * Reads who can read what cosell made in `raw` and `pii`: through ownership, grants on tables and
 * columns, `public`, memberships and predefined roles. A login that does not inherit a group can act
 * as the group, and counts.
 */
async function readPeople(query: Kysely<Database>): Promise<People> {
  const ours = sql.join(Object.values(groups))
  const acts = sql`(
    reader.oid = source.oid or source.oid = 0
    or pg_has_role(reader.oid, nullif(source.oid, 0), 'usage')
    or pg_has_role(reader.oid, nullif(source.oid, 0), ${setRight})
  )`
  const { rows } = await sql<PeopleReader & { owners: readonly string[] }>`
    with person as materialized (
      select made.oid, made.schema_name, made.object_name, made.owner, made.acl, n.oid as schema_oid
      from ${madeObjects('without marts')} made
      join pg_namespace n on n.nspname = made.schema_name
      where made.kind = 'table' and made.schema_name in (${sql.join([...closedSchemas])})
    ), able as materialized (
      select r.oid, person.oid as table_oid
      from person
      join pg_roles r on not r.rolsuper
        and has_schema_privilege(r.oid, person.schema_oid, 'usage')
        and (
          has_table_privilege(r.oid, person.oid, 'select')
          or has_any_column_privilege(r.oid, person.oid, 'select')
        )
    ), source as materialized (
      select owner as oid, oid as table_oid from person
      union
      select r.oid, person.oid from person join pg_roles r on r.rolname = ${readAll}
      union
      select acl.grantee, person.oid
      from person
      cross join lateral (
        select person.acl
        union all
        select attacl from pg_attribute where attrelid = person.oid and attacl is not null
      ) a
      cross join aclexplode(a.acl) acl
      where acl.privilege_type = 'SELECT'
    ), way as (
      select distinct reader.oid, source.oid as source_oid, source.table_oid
      from pg_roles reader
      join source on ${acts}
      where not reader.rolsuper and exists (
        select from able
        where able.table_oid = source.table_oid
          and (able.oid = reader.oid or pg_has_role(reader.oid, able.oid, ${setRight}))
      )
    )
    select
      reader.rolname::text as role,
      reader.rolcanlogin as is_login,
      reader.rolsuper as is_superuser,
      to_json(array(
        select distinct coalesce(source.rolname, 'public')::text
        from way left join pg_roles source on source.oid = way.source_oid
        where way.oid = reader.oid
        order by 1
      )) as through,
      to_json(array(
        select distinct person.schema_name || '.' || person.object_name
        from way
        join person on person.oid = way.table_oid
        left join pg_roles source on source.oid = way.source_oid
        where way.oid = reader.oid and way.source_oid <> person.owner
          and coalesce(source.rolname, 'public') not in (${ours}, ${readAll})
        order by 1
      )) as opened,
      to_json(array(
        select distinct pg_get_userbyid(person.owner)::text from person order by 1
      )) as owners
    from pg_roles reader
    where (
      reader.rolcanlogin
      or (reader.oid in (select oid from source) and reader.rolname not in (${ours}, ${readAll}))
    ) and (reader.rolsuper or reader.oid in (select oid from way))
    order by reader.rolname`.execute(query)
  return { owners: rows[0]?.owners ?? [], readers: rows }
}
