import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { fencedTransaction } from '../runs/fenced-transaction.ts'
import type { Lease } from '../runs/lease.ts'
import { prepareForBulk } from '../runs/prepare-for-bulk.ts'
import { absentReferrals, isListed, isSeenAfter, type Look } from './looks.ts'

/** What a run saw, and the limits of what may be gone at once. */
export interface Presence extends Look {
  /** A full read listed everything that its principal sees. */
  readonly isComplete: boolean
  /** Referrals that the API did not have when they were read by id. */
  readonly notFound: readonly string[]
  readonly missingPercentMax: number
  readonly missingCountMax: number
}

/**
 * Lands the presence of referrals: a return for each absent referral that is back, and an absence for
 * each known referral that a complete full read did not list, or a read by id did not find. A
 * principal gets absences only of referrals that were once visible to it, and one a night. Both are
 * versions in the landing zone, so that a rebuild has them too. Returns the number of rows landed.
 *
 * @throws CosellError `checkFailed` when more are gone than the limits allow: a lost role looks
 * exactly like a mass delete.
 */
export function landPresence(
  query: Kysely<Database>,
  lease: Lease,
  presence: Presence,
): Promise<number> {
  const { account, runId, isComplete, notFound } = presence
  let complete = 0
  const land = async (transaction: Transaction<Database>) => {
    await prepareForBulk(transaction)
    await recordVisibility(transaction, presence)
    complete = await landReturns(transaction, presence)
    if (!isComplete && notFound.length === 0) return complete
    await checkMassDisappearance(transaction, presence)
    complete += await landAbsences(transaction, presence)
    return complete
  }
  // Repeated, the transaction would land nothing more, and count nothing.
  const findCommitted = async (transaction: Transaction<Database>) => {
    const landed = await transaction
      .selectFrom('raw.payload')
      .select('run_id')
      .where('partner_account_key', '=', account)
      .where('run_id', '=', runId)
      .where('resource_type', 'in', ['referral_absence', 'referral_presence'])
      .limit(1)
      .execute()
    return landed.length > 0 ? complete : undefined
  }
  return fencedTransaction(query, lease, land, findCommitted)
}

/** Columns of a landed absence or return. */
const landedColumns = [
  ...(['partner_account_key', 'resource_type', 'resource_id', 'version_no'] as const),
  ...(['observed_at', 'payload_hash', 'source_ref', 'run_id', 'payload'] as const),
] as const

async function recordVisibility(
  transaction: Transaction<Database>,
  { account, principal, runId }: Look,
) {
  await transaction
    .insertInto('etl.principal_referral')
    .columns(['partner_account_key', 'principal', 'referral_id'])
    .expression(({ cast, selectFrom, val }) =>
      selectFrom('stg.listed_referral as seen')
        .distinct()
        .select([
          cast<number>(val(account), 'integer').as('partner_account_key'),
          val(principal).as('principal'),
          'seen.resource_id as referral_id',
        ])
        .where('seen.partner_account_key', '=', account)
        .where('seen.run_id', '=', runId)
        .where(({ exists, not, selectFrom }) =>
          not(
            exists(
              selectFrom('etl.principal_referral as earlier')
                .where('earlier.partner_account_key', '=', account)
                .where('earlier.principal', '=', principal)
                .whereRef('earlier.referral_id', '=', 'seen.resource_id'),
            ),
          ),
        ),
    )
    .execute()
}

async function landReturns(transaction: Transaction<Database>, look: Look): Promise<number> {
  const { account, runId, observedAt } = look
  const landed = await transaction
    .insertInto('raw.payload')
    .columns(landedColumns)
    .expression(({ cast, selectFrom, val }) =>
      selectFrom((from) =>
        from
          .selectFrom('raw.payload as p')
          .select('p.resource_id')
          .select(({ fn }) => fn.max('p.observed_at').as('observed_at'))
          .where('p.partner_account_key', '=', account)
          .where('p.resource_type', '=', 'referral_absence')
          .groupBy('p.resource_id')
          .as('absent'),
      )
        .select([
          val(account).as('partner_account_key'),
          sql.lit('referral_presence').as('resource_type'),
          'absent.resource_id',
        ])
        .select(({ selectFrom }) => {
          const latest = selectFrom('raw.payload as earlier')
            .select(({ fn }) => fn.max('earlier.version_no').as('version_no'))
            .where('earlier.partner_account_key', '=', account)
            .where('earlier.resource_type', '=', 'referral_presence')
            .whereRef('earlier.resource_id', '=', 'absent.resource_id')
          return sql<number>`1 + coalesce(${latest}, 0)`.as('version_no')
        })
        .select([
          sql<string>`${observedAt}::timestamptz`.as('observed_at'),
          sql.lit('').as('payload_hash'),
          val(`run ${runId}`).as('source_ref'),
          cast<number>(val(runId), 'bigint').as('run_id'),
          sql<unknown>`'{}'::jsonb`.as('payload'),
        ])
        .where(isListed(look, 'absent.resource_id'))
        .where(({ not }) => not(isSeenAfter(account, 'absent'))),
    )
    .executeTakeFirstOrThrow()
  return Number(landed.numInsertedOrUpdatedRows ?? 0)
}

async function landAbsences(
  transaction: Transaction<Database>,
  presence: Presence,
): Promise<number> {
  const { account, principal, runId, observedAt } = presence
  const landed = await transaction
    .insertInto('raw.payload')
    .columns(landedColumns)
    .expression(({ cast, selectFrom, val }) =>
      selectFrom(absentReferrals(transaction, presence, isGone(presence)).as('absent')).select([
        val(account).as('partner_account_key'),
        sql.lit('referral_absence').as('resource_type'),
        'absent.referral_id as resource_id',
        sql<number>`absent.latest_version_no + 1`.as('version_no'),
        sql<string>`${observedAt}::timestamptz`.as('observed_at'),
        sql.lit('').as('payload_hash'),
        val(`run ${runId}`).as('source_ref'),
        cast<number>(val(runId), 'bigint').as('run_id'),
        sql<unknown>`jsonb_build_object('principal', ${principal}::text)`.as('payload'),
      ]),
    )
    .executeTakeFirstOrThrow()
  return Number(landed.numInsertedOrUpdatedRows ?? 0)
}

/**
 * Checks that few of the referrals that were once visible to the principal are gone. When a full read
 * returns no known referral, all of them count: that user has no role, or is of another company.
 *
 * @throws CosellError `checkFailed` when more are gone than the limits allow.
 */
export async function checkMassDisappearance(
  transaction: Transaction<Database>,
  presence: Presence,
): Promise<void> {
  const { account, principal, runId, isComplete, missingCountMax, missingPercentMax } = presence
  // Joins, because EXISTS within the FILTER scanned the list for every referral: it took more than
  // a minute over 50,000.
  const counted = await transaction
    .selectFrom('dw.dim_referral as known')
    .leftJoin(
      (from) =>
        from
          .selectFrom('stg.listed_referral')
          .distinct()
          .select('resource_id')
          .where('partner_account_key', '=', account)
          .where('run_id', '=', runId)
          .as('seen'),
      (join) => join.onRef('seen.resource_id', '=', 'known.referral_id'),
    )
    .leftJoin('etl.principal_referral as shown', (join) =>
      join
        .onRef('shown.partner_account_key', '=', 'known.partner_account_key')
        .on('shown.principal', '=', principal)
        .onRef('shown.referral_id', '=', 'known.referral_id'),
    )
    .select(({ fn }) => [
      fn.countAll<number>().as('known'),
      fn.count<number>('seen.resource_id').as('seen'),
      fn.count<number>('shown.referral_id').as('shown'),
      fn
        .count<number>('shown.referral_id')
        .filterWhere((is) => is.and([is('seen.resource_id', 'is', null), isGone(presence)]))
        .as('missing'),
    ])
    .where('known.partner_account_key', '=', account)
    .where(({ not, ref }) => not(ref('known.is_missing')))
    .executeTakeFirstOrThrow()
  const { known, seen, shown, missing } = counted
  const [missed, expected] = isComplete && seen === 0 ? [known, known] : [missing, shown]
  if (missed <= missingCountMax || (100 * missed) / expected <= missingPercentMax) return
  const what = isComplete ? 'The full read did not return' : 'Reads by id did not find'
  const text =
    `${what} ${missed} of ${expected} known referrals; at most ` +
    `${missingPercentMax} % may be missing at once, so nothing was published. Check that the user ` +
    'who signs in is still a Referrals admin of the entire company.'
  throw new CosellError('full_read.too_many_missing', text)
}

/** Condition on `known` that a referral, if no page had it, is gone. */
function isGone({ isComplete, notFound }: Presence) {
  return isComplete
    ? sql<boolean>`true`
    : sql<boolean>`known.referral_id = any(${notFound}::text[])`
}
