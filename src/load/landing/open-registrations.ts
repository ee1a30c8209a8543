import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/**
 * Ids of the referrals with a registration under review, in id order, but for referrals that the
 * pages of the run had. A review may not change `updatedDateTime`, so these are read by id.
 */
export async function listOpenRegistrations(
  query: Kysely<Database>,
  partnerAccountKey: number,
  runId: number,
): Promise<string[]> {
  const rows = await query
    .selectFrom('dw.fact_registration as registration')
    .innerJoin('dw.dim_referral as referral', (on) =>
      on
        .onRef('referral.referral_key', '=', 'registration.referral_key')
        .onRef('referral.partner_account_key', '=', 'registration.partner_account_key'),
    )
    .select('referral.referral_id')
    .distinct()
    .where('registration.partner_account_key', '=', partnerAccountKey)
    .where('registration.is_terminal', '=', false)
    .where('referral.is_missing', '=', false)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('stg.listed_referral as listed')
            .select('listed.resource_id')
            .whereRef('listed.partner_account_key', '=', 'registration.partner_account_key')
            .whereRef('listed.resource_id', '=', 'referral.referral_id')
            .where('listed.run_id', '=', runId),
        ),
      ),
    )
    .orderBy('referral.referral_id')
    .execute()
  return rows.map((row) => row.referral_id)
}
