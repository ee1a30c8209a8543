import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/**
 * Ids of the referrals with a registration under review, in id order, but for referrals that the
 * pages of the run had. A review may not change `updatedDateTime`, so these are read by id.
 *
 * Both parts keep their plan whatever PostgreSQL knows about the tables, of which the list is always
 * new. EXCEPT sorts or hashes both sides; an anti-join, planned for an empty list, compared each id
 * with each. The referral is joined by its whole key, without the account: an account that is new
 * to the statistics looks like one row on both sides.
 */
export async function listOpenRegistrations(
  query: Kysely<Database>,
  partnerAccountKey: number,
  runId: number,
): Promise<string[]> {
  const rows = await query
    .selectFrom('dw.fact_registration as registration')
    .innerJoin('dw.dim_referral as referral', 'referral.referral_key', 'registration.referral_key')
    .select('referral.referral_id')
    .where('registration.partner_account_key', '=', partnerAccountKey)
    .where('registration.is_terminal', '=', false)
    .where('referral.is_missing', '=', false)
    .except((from) =>
      from
        .selectFrom('stg.listed_referral')
        .select('resource_id as referral_id')
        .where('partner_account_key', '=', partnerAccountKey)
        .where('run_id', '=', runId),
    )
    .orderBy('referral_id')
    .execute()
  return rows.map((row) => row.referral_id)
}
