import { sql } from 'kysely'
import type { Database } from '../warehouse.ts'
import type { Transaction } from './database.ts'
import type { Publication } from './upsert.ts'

/** Replaces the findings of the staged referrals: what no longer holds goes, what stays keeps its first run. */
export async function publishFindings(
  transaction: Transaction<Database>,
  publication: Publication,
) {
  const { partnerAccountKey, runId } = publication
  await sql`
    delete from etl.dq_finding old
    using stg.referral_key k
    where old.partner_account_key = k.partner_account_key
      and old.referral_id = k.referral_id
      and k.partner_account_key = ${partnerAccountKey}
      and not exists (
        select 1 from stg.dq_finding s
        where s.partner_account_key = old.partner_account_key
          and s.referral_id = old.referral_id
          and s.rule_code = old.rule_code
          and s.item_ref = old.item_ref)`.execute(transaction)
  await sql`
    insert into etl.dq_finding
      (partner_account_key, referral_id, rule_code, item_ref, severity, detail, observed_value,
        first_seen_run_id, last_seen_run_id)
    select distinct on (s.referral_id, s.rule_code, s.item_ref)
      s.partner_account_key, s.referral_id, s.rule_code, s.item_ref, s.severity, s.detail,
      s.observed_value, ${runId}::bigint, ${runId}::bigint
    from stg.dq_finding s
    where s.partner_account_key = ${partnerAccountKey}
    order by s.referral_id, s.rule_code, s.item_ref
    on conflict (partner_account_key, referral_id, rule_code, item_ref) do update
      set severity = excluded.severity,
          detail = excluded.detail,
          observed_value = excluded.observed_value,
          last_seen_run_id = excluded.last_seen_run_id`.execute(transaction)
}
