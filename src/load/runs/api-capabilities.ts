import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** Stores the probed capabilities of an account's API by name. */
export async function storeCapabilities(
  query: Kysely<Database>,
  partnerAccountKey: number,
  observed: Readonly<Record<string, string>>,
) {
  const rows = Object.entries(observed).map(([capability, observed_value]) => ({
    partner_account_key: partnerAccountKey,
    capability,
    observed_value,
    observed_at: sql<string>`clock_timestamp()`,
  }))
  if (rows.length === 0) return
  await query
    .insertInto('etl.api_capability')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['partner_account_key', 'capability']).doUpdateSet((is) => ({
        observed_value: is.ref('excluded.observed_value'),
        observed_at: is.ref('excluded.observed_at'),
      })),
    )
    .execute()
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
