import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/**
 * Ids of the referrals with a registration that is still under review, in id order, without those
 * that the run has seen anyway. A review may not touch `updatedDateTime`, so they are read by id.
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
          selectFrom('stg.listed_referral as seen')
            .select('seen.resource_id')
            .whereRef('seen.partner_account_key', '=', 'registration.partner_account_key')
            .whereRef('seen.resource_id', '=', 'referral.referral_id')
            .where('seen.run_id', '=', runId),
        ),
      ),
    )
    .orderBy('referral.referral_id')
    .execute()
  return rows.map((row) => row.referral_id)
}
