import { sql } from 'kysely'
import type { Database } from '../warehouse.ts'
import type { Transaction } from './database.ts'
import type { Publication } from './upsert.ts'

/**
 * Enters the versions that could not be read and closes the entries of referrals whose newest
 * version now could. Returns how many referrals were set aside.
 */
export async function publishQuarantine(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<number> {
  const { partnerAccountKey, runId } = publication
  await sql`
    update etl.quarantine q
    set resolved_run_id = ${runId}::bigint
    from stg.referral_key k
    where q.partner_account_key = k.partner_account_key
      and q.resource_id = k.referral_id
      and q.resource_type = 'referral'
      and k.partner_account_key = ${partnerAccountKey}
      and q.resolved_run_id is null`.execute(transaction)
  await sql`
    insert into etl.quarantine as q
      (partner_account_key, resource_type, resource_id, version_no, reason_code, item_path, detail,
        first_run_id, last_run_id, attempts)
    select s.partner_account_key, s.resource_type, s.resource_id, s.version_no, s.reason_code,
      s.item_path, s.detail, ${runId}::bigint, ${runId}::bigint, 1
    from stg.quarantine s
    where s.partner_account_key = ${partnerAccountKey}
    order by s.resource_type, s.resource_id, s.version_no
    on conflict (partner_account_key, resource_type, resource_id, version_no) do update
      set reason_code = excluded.reason_code,
          item_path = excluded.item_path,
          detail = excluded.detail,
          last_run_id = excluded.last_run_id,
          attempts = q.attempts + 1,
          resolved_run_id = null`.execute(transaction)
  const counted = await sql<{ referrals: number }>`
    select count(distinct s.resource_id) as referrals
    from stg.quarantine s
    where s.partner_account_key = ${partnerAccountKey}
      and not exists (
        select 1 from stg.referral_key k
        where k.partner_account_key = s.partner_account_key and k.referral_id = s.resource_id)
  `.execute(transaction)
  return counted.rows[0]?.referrals ?? 0
}
