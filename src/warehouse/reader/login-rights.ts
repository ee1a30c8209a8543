import { type Kysely, sql } from 'kysely'
import { closedSchemas, groups } from '../access/roles.ts'
import type { Database } from '../tables.generated.ts'

/** What a login may do, for the question whether foreign SQL may run in it. */
export interface LoginRights {
  readonly role: string
  /** It may read the marts. */
  readonly isReader: boolean
  /** It may read what was landed, and with it the state of the schema. */
  readonly mayReadLanded: boolean
  /** It may act as `cosell_bi` where it is more than a reader. */
  readonly mayBecomeReader: boolean
  /** What it may do beyond reading dw and mart, in words; empty for a login that only reads. */
  readonly beyondReading: readonly string[]
}

/** Attributes of a role that let it go beyond its rights. */
const attributes = {
  rolsuper: 'superuser',
  rolcreaterole: 'createrole',
  rolcreatedb: 'createdb',
  rolreplication: 'replication',
  rolbypassrls: 'bypassrls',
} as const

/**
 * Reads the rights of the login of a connection. Each role that it can become counts: a statement may
 * change the role in the middle of itself (`set_config('role', …)` beside a function that runs SQL),
 * so only a login that cannot become more is one that only reads.
 */
export async function readLoginRights(db: Kysely<Database>): Promise<LoginRights> {
  const { rows } = await sql<LoginRights>`
    with role as (
      select role.*, role.rolname = session_user as is_login
      from pg_roles role
      where pg_has_role(session_user, role.oid, 'member')
    )
    select
      session_user::text as role,
      coalesce(has_schema_privilege(session_user, to_regnamespace('mart'), 'usage'), false)
        as "isReader",
      to_regnamespace('raw') is null
        or has_schema_privilege(session_user, to_regnamespace('raw'), 'usage') as "mayReadLanded",
      coalesce(pg_has_role(session_user, to_regrole(${groups.bi}), 'member'), false)
        as "mayBecomeReader",
      array(
        select case when role.is_login then beyond.text else 'role ' || role.rolname || ': ' || beyond.text end
        from role
        cross join lateral (
          select attribute.value as text
          from jsonb_each_text(${JSON.stringify(attributes)}::jsonb) attribute
          where (to_jsonb(role) ->> attribute.key)::boolean
          union all
          select 'rights of the server'
          where role.rolname like 'pg\\_%'
          union all
          select 'usage of schema ' || schema.nspname
          from pg_namespace schema
          where schema.nspname = any(${[...closedSchemas, 'etl', 'stg']}::text[])
            and has_schema_privilege(role.oid, schema.oid, 'usage')
        ) beyond
        -- What a login has by a group is told with the group first.
        order by
          role.is_login and beyond.text not like 'usage of schema %' desc,
          role.is_login,
          role.rolname collate "C",
          beyond.text collate "C"
      ) as "beyondReading"`.execute(db)
  const rights = rows[0]
  if (rights === undefined) throw new Error('no row of a select without a table')
  return rights
}
