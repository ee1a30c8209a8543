import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'

/**
 * Checks that the login may read what an explanation needs.
 *
 * @throws CosellError `explain.no_rights` or `explain.no_people`.
 */
export async function requireRights(query: Kysely<Database>, withPeople: boolean): Promise<void> {
  const { rows } = await sql<{ role: string; landed: boolean; people: boolean }>`
    select
      current_user::text as role,
      ${mayRead('raw', 'payload')} and ${mayRead('etl', 'run')} as landed,
      ${mayRead('pii', 'contact')} and ${mayRead('pii', 'referral_text')} as people`.execute(query)
  const { role = '', landed = false, people = false } = rows[0] ?? {}
  if (!landed) {
    const text =
      `explain: expected a login that may read what was landed, got role ${role}. Set ` +
      'COSELL_DATABASE_URL to one in cosell_loader, or to the owner of the schemas.'
    throw new CosellError('explain.no_rights', text)
  }
  if (withPeople && !people) {
    const text =
      `explain --people: expected a login that may read people, got role ${role}. Use a login in ` +
      'cosell_pii as well, or leave out --people.'
    throw new CosellError('explain.no_people', text)
  }
}

/** Condition: the current role may read a table. Without a right to the schema the name means nothing. */
function mayRead(schema: string, table: string) {
  return sql`case
    when has_schema_privilege(${schema}, 'usage')
      then has_table_privilege(${`${schema}.${table}`}, 'select')
    else false
  end`
}
