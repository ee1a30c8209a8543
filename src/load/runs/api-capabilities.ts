import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/**
 * Stores the probed capabilities of an account's API by name; those of an account that was removed
 * meanwhile are dropped.
 */
export async function storeCapabilities(
  query: Kysely<Database>,
  partnerAccountKey: number,
  observed: Readonly<Record<string, string>>,
) {
  const names = Object.keys(observed)
  if (names.length === 0) return
  await sql`
    insert into etl.api_capability
      (partner_account_key, capability, observed_value, observed_at)
    select account.partner_account_key, found.capability, found.observed_value, clock_timestamp()
    from dw.dim_partner_account account
    cross join unnest(${names}::text[], ${Object.values(observed)}::text[])
      as found (capability, observed_value)
    where account.partner_account_key = ${partnerAccountKey}
    order by found.capability
    on conflict (partner_account_key, capability) do update
      set observed_value = excluded.observed_value, observed_at = excluded.observed_at`.execute(
    query,
  )
}

/** Stored capabilities of an account's API by name; empty before the first probe. */
export async function readCapabilities(
  query: Kysely<Database>,
  partnerAccountKey: number,
): Promise<ReadonlyMap<string, string>> {
  const rows = await query
    .selectFrom('etl.api_capability')
    .select(['capability', 'observed_value'])
    .where('partner_account_key', '=', partnerAccountKey)
    .execute()
  return new Map(rows.map((row) => [row.capability, row.observed_value]))
}

/** Deletes the capabilities of an account's API, so that the next run probes again. */
export async function forgetCapabilities(query: Kysely<Database>, partnerAccountKey: number) {
  await query
    .deleteFrom('etl.api_capability')
    .where('partner_account_key', '=', partnerAccountKey)
    .execute()
}
