import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** Keeps what the API of an account was found to do, each thing under its name. */
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

/** What is kept of an account's API; empty before the first contact. */
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

/** Forgets it, so that the next run finds out anew. */
export async function forgetCapabilities(query: Kysely<Database>, partnerAccountKey: number) {
  await query
    .deleteFrom('etl.api_capability')
    .where('partner_account_key', '=', partnerAccountKey)
    .execute()
}
