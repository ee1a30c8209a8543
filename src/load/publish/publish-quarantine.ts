import { sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { Publication } from './star/upsert.ts'

/**
 * Records the unreadable versions, earlier ones of a referral too, and resolves the entries of
 * referrals whose newest version is readable. Returns the number of quarantined referrals.
 */
export async function publishQuarantine(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<number> {
  const { partnerAccountKey, runId } = publication
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
          attempts = q.attempts + 1`.execute(transaction)
  // Not above: there the referral would be looked for in the whole list, version by version.
  await sql`
    update etl.quarantine q
    set resolved_run_id = null
    where q.partner_account_key = ${partnerAccountKey}
      and q.last_run_id = ${runId}
      and q.resolved_run_id is not null
      and not ${isLoaded('q')}`.execute(transaction)
  await sql`
    update etl.quarantine q
    set resolved_run_id = ${runId}::bigint
    where q.partner_account_key = ${partnerAccountKey}
      and q.resource_type = 'referral'
      and q.resolved_run_id is null
      and ${isLoaded('q')}`.execute(transaction)
  const counted = await sql<{ referrals: number }>`
    select count(distinct s.resource_id) as referrals
    from stg.quarantine s
    where s.partner_account_key = ${partnerAccountKey}
      and not ${isLoaded('s')}`.execute(transaction)
  return counted.rows[0]?.referrals ?? 0
}

/** Expression: this publish loads the referral, in its newest version. */
function isLoaded(held: 'q' | 's') {
  return sql<boolean>`exists (
    select 1 from stg.referral_key k
    where k.partner_account_key = ${sql.ref(`${held}.partner_account_key`)}
      and k.referral_id = ${sql.ref(`${held}.resource_id`)})`
}
