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
  const found = sql<{ capability: string; observed_value: string }>`
    unnest(${names}::text[], ${Object.values(observed)}::text[])`
  await query
    .insertInto('etl.api_capability')
    .columns(['partner_account_key', 'capability', 'observed_value', 'observed_at'])
    .expression((from) =>
      from
        .selectFrom('dw.dim_partner_account as account')
        .crossJoin(found.as<'found'>(sql`found (capability, observed_value)`))
        .select([
          'account.partner_account_key',
          'found.capability',
          'found.observed_value',
          sql`clock_timestamp()`.as('observed_at'),
        ])
        .where('account.partner_account_key', '=', partnerAccountKey)
        .orderBy('found.capability'),
    )
    .onConflict((on) =>
      on.columns(['partner_account_key', 'capability']).doUpdateSet(({ ref }) => ({
        observed_value: ref('excluded.observed_value'),
        observed_at: ref('excluded.observed_at'),
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

/**
 * Deletes the capabilities of an account's API, so that the next run probes again. What runs have seen
 * of its reviews stays: how pages are cut says nothing about them.
 */
export async function forgetCapabilities(query: Kysely<Database>, partnerAccountKey: number) {
  await query
    .deleteFrom('etl.api_capability')
    .where('partner_account_key', '=', partnerAccountKey)
    .where('capability', 'not like', 'reviews\\_%')
    .execute()
}
