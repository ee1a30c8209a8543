import { sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { unpublishedStatuses } from '../runs/ledger.ts'
import { askInBulk } from '../runs/prepare-for-bulk.ts'

/** A referral that was closed long enough, with its rows about the customer's people. */
export interface ClosedReferral {
  readonly id: string
  /** Rows in pii.contact, pii.contact_change and pii.referral_text. */
  readonly contacts: number
  readonly changes: number
  readonly texts: number
}

/**
 * Finds the referrals of an account that were closed before an instant, in id order. One with a version
 * that is not published yet is left out: this may have opened it again.
 */
export async function findClosed(
  query: Kysely<Database>,
  partnerAccountKey: number,
  before: string,
): Promise<ClosedReferral[]> {
  const counted = (table: string, where: string) => sql`(
    select partner_account_key, referral_key, count(*) as rows from ${sql.table(table)}
    where partner_account_key = ${partnerAccountKey} and ${sql.raw(where)}
    group by partner_account_key, referral_key)`
  return askInBulk(query, async (transaction) => {
    const { rows } = await sql<ClosedReferral>`
      select referral.referral_id as id, coalesce(contact.rows, 0) as contacts,
        coalesce(step.rows, 0) as changes, coalesce(note.rows, 0) as texts
      from dw.fact_referral fact
      join dw.dim_referral referral
        on referral.referral_key = fact.referral_key
        and referral.partner_account_key = fact.partner_account_key
      left join ${counted('pii.contact', isContact)} contact
        on contact.referral_key = fact.referral_key
        and contact.partner_account_key = fact.partner_account_key
      left join ${counted('pii.contact_change', isOfCustomer)} step
        on step.referral_key = fact.referral_key
        and step.partner_account_key = fact.partner_account_key
      left join ${counted('pii.referral_text', isText)} note
        on note.referral_key = fact.referral_key
        and note.partner_account_key = fact.partner_account_key
      where fact.partner_account_key = ${partnerAccountKey}
        and fact.closed_at < ${before}::timestamptz
        and referral.referral_id not in (
          select landed.resource_id from raw.payload landed
          where landed.partner_account_key = ${partnerAccountKey}
            and landed.run_id = any(array(
              select run.run_id from etl.run run
              where run.partner_account_key = ${partnerAccountKey}
                and run.run_status = any(${[...unpublishedStatuses]}::text[]))))
      order by referral.referral_id collate "C"`.execute(transaction)
    return rows
  })
}

const isOfCustomer = `contact_role = 'customer'`
const isContact = `${isOfCustomer} and not is_erased`
const isText = `(details_notes <> '(erased)' or invite_notes <> '(erased)')`

/**
 * Purges the contacts of some referrals from their last good rows, where the newest version is in
 * quarantine, so that no publish replaces them. The hash of such a row is no state's, so the next good
 * version does.
 */
export async function purgeKept(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  ids: readonly string[],
  at: string,
): Promise<void> {
  const isKept = sql`
    partner_account_key = ${partnerAccountKey}
    and referral_key in (
      select referral.referral_key
      from dw.dim_referral referral
      join etl.quarantine held
        on held.partner_account_key = referral.partner_account_key
        and held.resource_id = referral.referral_id
        and held.resolved_run_id is null
      where referral.partner_account_key = ${partnerAccountKey}
        and referral.referral_id = any(${ids}::text[]))`
  await sql`
    update pii.contact
    set first_name = null, last_name = null, phone_number = null, email = null, title = null,
      extra = null, contact_hash = null, locale = null, disable_notifications = null,
      is_erased = true, erased_at = ${at}::timestamptz, row_hash = 0
    where ${isKept} and ${sql.raw(isContact)}`.execute(transaction)
  await sql`delete from pii.contact_change where ${isKept} and ${sql.raw(isOfCustomer)}`.execute(
    transaction,
  )
  await sql`
    update pii.referral_text
    set details_notes = case when details_notes is not null then '(erased)' end,
      invite_notes = case when invite_notes is not null then '(erased)' end, row_hash = 0
    where ${isKept} and ${sql.raw(isText)}`.execute(transaction)
}
