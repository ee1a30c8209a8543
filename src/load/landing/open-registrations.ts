import { sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { askInBulk } from '../runs/prepare-for-bulk.ts'

/** Stages in which a registration waits for someone, so that it may change at any time. */
const waitingStages = ['ReviewPending', 'ActionRequired'] as const

/** Span of time that says which registrations may have changed without a sign. */
export interface OpenSince {
  readonly account: number
  /** Source time from which the pages of changes show every referral; an ISO instant. */
  readonly changesSince: string
  /** Registrations that left their review before this instant are settled; an ISO instant. */
  readonly settledBefore: string
}

/** Referrals of one status of their registration. */
export interface OpenCounts {
  readonly status: string
  readonly referrals: number
  /** Those that the pages of changes will show. */
  readonly changed: number
  /** Those with an open registration that is not settled, but for the `changed` ones. */
  readonly due: number
}

/** Counts the known referrals that are not missing, by the status of their registration. */
export async function countOpenRegistrations(
  query: Kysely<Database>,
  span: OpenSince,
): Promise<readonly OpenCounts[]> {
  const { account, changesSince } = span
  return askInBulk(query, (transaction) =>
    transaction
      .selectFrom('dw.dim_referral as referral')
      .leftJoin(openReferrals(transaction, account, span.settledBefore).as('open'), (join) =>
        join
          .onRef('open.referral_key', '=', 'referral.referral_key')
          .onRef('open.partner_account_key', '=', 'referral.partner_account_key'),
      )
      .select('referral.registration_status as status')
      .select(({ fn }) => [
        fn.countAll<number>().as('referrals'),
        fn
          .countAll<number>()
          .filterWhere('referral.source_updated_at', '>=', changesSince)
          .as('changed'),
        fn
          .countAll<number>()
          .filterWhere('open.is_settled', '=', false)
          .filterWhere('referral.source_updated_at', '<', changesSince)
          .as('due'),
      ])
      .where('referral.partner_account_key', '=', account)
      .where('referral.is_missing', '=', false)
      .groupBy('referral.registration_status')
      .orderBy('referral.registration_status')
      .execute(),
  )
}

/**
 * Ids of the referrals with an open registration, in id order, but for those that the pages of the run
 * had. A settled one counts only with one of the `listed` statuses: it was on no list of its status,
 * so it has another one.
 */
export async function listOpenRegistrations(
  query: Kysely<Database>,
  runId: number,
  { account, settledBefore }: Pick<OpenSince, 'account' | 'settledBefore'>,
  listed: readonly string[],
): Promise<string[]> {
  // EXCEPT sorts or hashes both sides, whatever PostgreSQL knows about the tables, of which the list is
  // always new. An anti-join, planned for an empty list, compared each id with each.
  const rows = await askInBulk(query, (transaction) =>
    transaction
      .selectFrom('dw.dim_referral as referral')
      .innerJoin(openReferrals(transaction, account, settledBefore).as('open'), (join) =>
        join
          .onRef('open.referral_key', '=', 'referral.referral_key')
          .onRef('open.partner_account_key', '=', 'referral.partner_account_key'),
      )
      .select('referral.referral_id')
      .where('referral.is_missing', '=', false)
      .where((is) =>
        is.or([
          is('open.is_settled', '=', false),
          sql<boolean>`referral.registration_status = any(${listed}::text[])`,
        ]),
      )
      .except((from) =>
        from
          .selectFrom('stg.listed_referral')
          .select('resource_id as referral_id')
          .where('partner_account_key', '=', account)
          .where('run_id', '=', runId),
      )
      .orderBy('referral_id')
      .execute(),
  )
  return rows.map((row) => row.referral_id)
}

/** Selects the referrals with a registration that no review has ended, and whether all are settled. */
function openReferrals(transaction: Transaction<Database>, account: number, settledBefore: string) {
  const isSettled = sql<boolean>`visit.review_stage <> all(${waitingStages}::text[])
    and visit.entered_at < ${settledBefore}::timestamptz`
  return (
    transaction
      .selectFrom('dw.fact_registration as registration')
      .leftJoin('dw.fact_registration_review as visit', (join) =>
        join
          .onRef('visit.referral_key', '=', 'registration.referral_key')
          .onRef('visit.partner_account_key', '=', 'registration.partner_account_key')
          .onRef('visit.registration_no', '=', 'registration.registration_no')
          .on('visit.is_current', '=', true),
      )
      .select(['registration.referral_key', 'registration.partner_account_key'])
      // Without a visit, as before a rebuild, it is not known how long the review has been over.
      .select(sql<boolean>`bool_and(coalesce(${isSettled}, false))`.as('is_settled'))
      .where('registration.partner_account_key', '=', account)
      .where('registration.is_terminal', '=', false)
      .groupBy(['registration.referral_key', 'registration.partner_account_key'])
  )
}
