import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** A keyed hash of who was erased, and when that was asked for, ISO. */
export interface RegisterEntry {
  readonly contact_hash: string
  readonly requested_at: string
  readonly requested_by: string
}

export async function readRegister(query: Kysely<Database>): Promise<RegisterEntry[]> {
  const rows = await query
    .selectFrom('pii.erasure')
    .select(['contact_hash', 'requested_at', 'requested_by'])
    .orderBy('contact_hash')
    .execute()
  return rows.map((row) => ({ ...row, requested_at: new Date(row.requested_at).toISOString() }))
}

/** Whether an erasure is not carried out in all accounts yet. */
export async function isAnyDue(query: Kysely<Database>): Promise<boolean> {
  const due = await query
    .selectFrom('pii.erasure')
    .select('contact_hash')
    .where('last_applied_at', 'is', null)
    .limit(1)
    .execute()
  return due.length > 0
}

/** Enters hashes as due; those that are there keep their time and become due again. */
export async function enter(query: Kysely<Database>, entries: readonly RegisterEntry[]) {
  if (entries.length === 0) return
  const given = sql<RegisterEntry>`json_to_recordset(${JSON.stringify(entries)}::json)`
  await query
    .insertInto('pii.erasure')
    .columns(['contact_hash', 'requested_at', 'requested_by'])
    .expression((from) =>
      from
        .selectFrom(
          given.as<'g'>(sql`g (contact_hash text, requested_at timestamptz, requested_by text)`),
        )
        .select(['g.contact_hash', 'g.requested_at', 'g.requested_by']),
    )
    .onConflict((on) => on.column('contact_hash').doUpdateSet({ last_applied_at: null }))
    .execute()
}

export async function markApplied(query: Kysely<Database>, hashes: readonly string[]) {
  await query
    .updateTable('pii.erasure')
    .set({ last_applied_at: sql`clock_timestamp()` })
    .where('contact_hash', '=', sql<string>`any(${hashes}::text[])`)
    .execute()
}
