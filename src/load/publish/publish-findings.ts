import { sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { missingRate, refreshRateFindings } from './missing-rates.ts'
import { joinStar, storedFor } from './star/star-access.ts'
import type { Publication } from './star/upsert.ts'

/**
 * Replaces the findings of the staged referrals; a finding that stays keeps its first run. Then
 * come the findings of the account: one for each undocumented value, one for each property without
 * a column, for any number of referrals, and one when some referrals are not visible to the
 * principal.
 */
export async function publishFindings(
  transaction: Transaction<Database>,
  publication: Publication,
  isEverythingStaged: boolean,
) {
  // Before the replacement: it compares the old findings with the staged ones.
  await countUnmapped(transaction, publication)
  await replaceReferralFindings(transaction, publication)
  await addUnknownValues(transaction, publication)
  if (isEverythingStaged) await deleteKnownValues(transaction, publication)
  await compareVisibility(transaction, publication)
  await refreshRateFindings(transaction, { ...publication, isEverythingStaged })
}

/** Condition: a finding `old` is about the referral `k`. */
const isAboutReferral = sql`old.partner_account_key = k.partner_account_key
        and old.referral_id = k.referral_id`

async function replaceReferralFindings(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId, access }: Publication,
) {
  await sql`
    with old as ${storedFor(access)} (
      select old.ctid, old.partner_account_key, old.referral_id, old.rule_code, old.item_ref
      from stg.referral_key k
      ${joinStar(access, 'join', ['etl.dq_finding', 'old'], isAboutReferral)}
      where k.partner_account_key = ${partnerAccountKey}
    )
    delete from etl.dq_finding
    where ctid = any(array(
      select old.ctid
      from old
      where old.rule_code <> ${missingRate}
        and not exists (
          select 1 from stg.dq_finding s
          where s.partner_account_key = old.partner_account_key
            and s.referral_id = old.referral_id
            and s.rule_code = old.rule_code
            and s.item_ref = old.item_ref)))`.execute(transaction)
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

/** `item_ref` of an enum value; the parent is empty for an enum without parents. */
const valueRef = sql`enum_name || '/' || parent_value || '/' || enum_value`

/**
 * Adds values of all versions of a referral: history keeps a value that later versions do not have.
 */
async function addUnknownValues(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId }: Publication,
) {
  await sql`
    insert into etl.dq_finding
      (partner_account_key, referral_id, rule_code, item_ref, severity, detail, observed_value,
        first_seen_run_id, last_seen_run_id)
    select distinct ${partnerAccountKey}::integer, '', 'unknown_enum_value', ${valueRef}, 'warn',
      'loaded as it is, though not a documented ' || enum_name, enum_value, ${runId}::bigint,
      ${runId}::bigint
    from stg.enum_value
    where partner_account_key = ${partnerAccountKey}
    order by 4
    on conflict (partner_account_key, referral_id, rule_code, item_ref) do update
      set last_seen_run_id = excluded.last_seen_run_id`.execute(transaction)
}

/** Deletes values that became documented, or that no version has under the present rules. */
async function deleteKnownValues(
  transaction: Transaction<Database>,
  { partnerAccountKey }: Publication,
) {
  await sql`
    delete from etl.dq_finding old
    where old.partner_account_key = ${partnerAccountKey}
      and old.referral_id = ''
      and old.rule_code = 'unknown_enum_value'
      and not exists (
        select 1 from stg.enum_value
        where partner_account_key = ${partnerAccountKey} and ${valueRef} = old.item_ref)`.execute(
    transaction,
  )
}

/**
 * Updates the number of referrals with each unmapped property by the difference that the staged
 * ones make, so that a small run in a large warehouse counts few rows.
 */
async function countUnmapped(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId, access }: Publication,
) {
  await sql`
    with change as materialized (
      select item_ref, sum(referrals) as referrals
      from (
        select old.item_ref, -1 as referrals
        from stg.referral_key k
        ${joinStar(access, 'join', ['etl.dq_finding', 'old'], isAboutReferral)}
        where k.partner_account_key = ${partnerAccountKey}
          and old.rule_code = 'unmapped_property'
        union all
        select item_ref, count(distinct referral_id)
        from stg.dq_finding
        where partner_account_key = ${partnerAccountKey} and rule_code = 'unmapped_property'
        group by item_ref
      ) counts
      group by item_ref
      having sum(referrals) <> 0
    ),
    counted as materialized (
      select change.item_ref, change.referrals + coalesce(old.observed_value::bigint, 0) as referrals
      from change
      left join (
        select item_ref, observed_value from etl.dq_finding
        where partner_account_key = ${partnerAccountKey}
          and referral_id = ''
          and rule_code = 'unmapped_property'
      ) old using (item_ref)
    ),
    gone as (
      delete from etl.dq_finding old
      where old.partner_account_key = ${partnerAccountKey}
        and old.rule_code = 'unmapped_property'
        and old.referral_id = ''
        and old.item_ref in (select item_ref from counted where referrals = 0)
    )
    insert into etl.dq_finding
      (partner_account_key, referral_id, rule_code, item_ref, severity, detail, observed_value,
        first_seen_run_id, last_seen_run_id)
    select ${partnerAccountKey}::integer, '', 'unmapped_property', item_ref, 'info',
      'without a column in ' || referrals || ' referrals', referrals::text, ${runId}::bigint,
      ${runId}::bigint
    from counted
    where referrals <> 0
    order by item_ref
    on conflict (partner_account_key, referral_id, rule_code, item_ref) do update
      set detail = excluded.detail,
          observed_value = excluded.observed_value,
          last_seen_run_id = excluded.last_seen_run_id`.execute(transaction)
}

/**
 * Reports, after a complete full read, that some referrals of the account were never visible to its
 * principal: they cannot be found missing, and their changes are not read. There is one finding,
 * about the principal of the latest full read.
 */
async function compareVisibility(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId }: Publication,
) {
  await sql`
    with full_read as materialized (
      select coalesce(principal, 'unknown') as principal
      from etl.run
      where run_id = ${runId} and is_complete
    ),
    compared as materialized (
      select (select principal from full_read) as principal,
        count(shown.referral_id) as shown_count, count(*) as known_count
      from dw.dim_referral known
      left join etl.principal_referral shown
        on shown.partner_account_key = known.partner_account_key
        and shown.principal = (select principal from full_read)
        and shown.referral_id = known.referral_id
      where known.partner_account_key = ${partnerAccountKey}
        and not known.is_missing
        and exists (select 1 from full_read)
      having count(shown.referral_id) < count(*)
    ),
    gone as (
      delete from etl.dq_finding old
      where exists (select 1 from full_read)
        and old.partner_account_key = ${partnerAccountKey}
        and old.referral_id = ''
        and old.rule_code = 'principal_sees_fewer'
        and old.item_ref not in (select left(principal, 8) from compared)
    )
    insert into etl.dq_finding
      (partner_account_key, referral_id, rule_code, item_ref, severity, detail, observed_value,
        first_seen_run_id, last_seen_run_id)
    select ${partnerAccountKey}::integer, '', 'principal_sees_fewer', left(principal, 8), 'warn',
      'expected to see every known referral; a Referrals admin of the entire company must sign in',
      shown_count || ' of ' || known_count, ${runId}::bigint, ${runId}::bigint
    from compared
    on conflict (partner_account_key, referral_id, rule_code, item_ref) do update
      set observed_value = excluded.observed_value,
          last_seen_run_id = excluded.last_seen_run_id`.execute(transaction)
}
