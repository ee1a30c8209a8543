import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { isListed } from './looks.ts'

/** Principal of the absences that a complete set of files shows. */
export const filesPrincipal = 'files'

/** Files that show all referrals of an account, by what their importer says. */
export interface CompleteSet {
  readonly partnerAccountKey: number
  readonly runId: number
  /** Day that the files are of; null where it is not known. */
  readonly day: string | null
  readonly missingPercentMax: number
  readonly missingCountMax: number
}

/**
 * Lands an absence of each published referral that no file of a complete set shows, and returns their
 * number. Without a day it is of the day of the referral's last update. The same set again lands
 * nothing.
 *
 * @throws CosellError `checkFailed` when more are gone than the limits allow: the set may lack a
 * file.
 */
export async function landAbsentFrom(
  transaction: Transaction<Database>,
  set: CompleteSet,
): Promise<number> {
  const { partnerAccountKey: account, runId, day } = set
  const look = { account, runId, principal: filesPrincipal, observedAt: '' }
  await checkCompleteness(transaction, set)
  const landed = await transaction
    .insertInto('raw.payload')
    .columns([
      ...(['partner_account_key', 'resource_type', 'resource_id', 'version_no'] as const),
      ...(['observed_at', 'payload_hash', 'source_ref', 'run_id', 'payload'] as const),
    ])
    .expression(({ cast, not, selectFrom, val }) =>
      selectFrom((from) =>
        from
          .selectFrom('dw.dim_referral as known')
          .innerJoin('dw.fact_referral as fact', (join) =>
            join
              .onRef('fact.partner_account_key', '=', 'known.partner_account_key')
              .onRef('fact.referral_key', '=', 'known.referral_key'),
          )
          .select('known.referral_id')
          .select(
            sql<string>`coalesce((${day}::text || 'T00:00:00Z')::timestamptz, fact.updated_at)`.as(
              'observed_at',
            ),
          )
          .where('known.partner_account_key', '=', account)
          .where(not(isListed(look, 'known.referral_id')))
          .as('absent'),
      )
        .crossJoinLateral((from) =>
          from
            .selectFrom('raw.payload as p')
            .select(sql<number>`coalesce(max(p.version_no), 0)`.as('latest_version_no'))
            .select(
              sql<boolean>`coalesce(bool_or(p.observed_at = absent.observed_at
                and p.payload ->> 'principal' = ${filesPrincipal}), false)`.as('is_known'),
            )
            .where('p.partner_account_key', '=', account)
            .where('p.resource_type', '=', 'referral_absence')
            .whereRef('p.resource_id', '=', 'absent.referral_id')
            .as('absences'),
        )
        .select([
          val(account).as('partner_account_key'),
          sql.lit('referral_absence').as('resource_type'),
          'absent.referral_id as resource_id',
          sql<number>`absences.latest_version_no + 1`.as('version_no'),
          'absent.observed_at',
          sql.lit('').as('payload_hash'),
          val(`run ${runId}`).as('source_ref'),
          cast<number>(val(runId), 'bigint').as('run_id'),
          sql<unknown>`jsonb_build_object('principal', ${filesPrincipal}::text)`.as('payload'),
        ])
        .where(({ not, ref }) => not(ref('absences.is_known'))),
    )
    .executeTakeFirstOrThrow()
  return Number(landed.numInsertedOrUpdatedRows ?? 0)
}

async function checkCompleteness(transaction: Transaction<Database>, set: CompleteSet) {
  const { partnerAccountKey: account, runId, missingCountMax, missingPercentMax } = set
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
    .select(({ fn }) => [
      fn.countAll<number>().as('known'),
      fn
        .count<number>('known.referral_id')
        .filterWhere('seen.resource_id', 'is', null)
        .as('missing'),
    ])
    .where('known.partner_account_key', '=', account)
    .where(({ not, ref }) => not(ref('known.is_missing')))
    .executeTakeFirstOrThrow()
  const { known, missing } = counted
  if (missing <= missingCountMax || (100 * missing) / known <= missingPercentMax) return
  const text =
    `The files lack ${missing} of ${known} known referrals; at most ${missingPercentMax} % may be ` +
    'missing at once, so nothing was loaded. Add the files that are missing, or leave --complete out.'
  throw new CosellError('import.incomplete', text)
}
