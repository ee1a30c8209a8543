import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import type { Database } from '../warehouse.ts'
import type { Kysely, Transaction } from './database.ts'
import { inLeasedTransaction, type Lease } from './lease.ts'

/** One sweep that does not return a referral proves little; the second one makes it missing. */
const absencesMax = 2

export interface Sightings {
  readonly runId: number
  readonly observedAt: string
  readonly isCompleteSweep: boolean
  readonly missingPercentMax: number
  readonly missingCountMax: number
}

/**
 * Lands what a run saw of presence itself: a return for each referral that was absent and is back,
 * and, after a complete sweep, an absence for each known referral that it did not return. Both are
 * versions in the landing zone, so that a rebuild knows them too. Returns the rows landed.
 *
 * @throws CosellError `checkFailed` when a sweep misses more than the guard allows: a lost role
 * looks exactly like a mass delete.
 */
export function landSightings(
  query: Kysely<Database>,
  lease: Lease,
  sightings: Sightings,
): Promise<number> {
  return inLeasedTransaction(query, lease, async (transaction) => {
    const account = lease.partnerAccountKey
    const returned = await landReturns(transaction, account, sightings)
    if (!sightings.isCompleteSweep) return returned
    await guardAgainstVanishing(transaction, account, sightings)
    return returned + (await landAbsences(transaction, account, sightings))
  })
}

async function landReturns(
  transaction: Transaction<Database>,
  account: number,
  { runId, observedAt }: Sightings,
): Promise<number> {
  const landed = await sql`
    insert into raw.payload
      (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
        source_ref, run_id, payload)
    select ${account}, 'referral_presence', absent.resource_id,
      1 + coalesce((
        select max(earlier.version_no) from raw.payload earlier
        where earlier.partner_account_key = ${account}
          and earlier.resource_type = 'referral_presence'
          and earlier.resource_id = absent.resource_id), 0),
      ${observedAt}::timestamptz, '', ${`run ${runId}`}, ${runId}::bigint, '{}'::jsonb
    from (
      select p.resource_id, max(p.observed_at) as observed_at
      from raw.payload p
      where p.partner_account_key = ${account} and p.resource_type = 'referral_absence'
      group by p.resource_id
    ) absent
    where ${isSeen(account, runId, 'absent.resource_id')}
      and not ${isSighted(account, 'absent')}`.execute(transaction)
  return Number(landed.numAffectedRows ?? 0)
}

async function landAbsences(
  transaction: Transaction<Database>,
  account: number,
  { runId, observedAt }: Sightings,
): Promise<number> {
  const landed = await sql`
    insert into raw.payload
      (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
        source_ref, run_id, payload)
    select ${account}, 'referral_absence', known.referral_id, absences.latest_version_no + 1,
      ${observedAt}::timestamptz, '', ${`run ${runId}`}, ${runId}::bigint, '{}'::jsonb
    from dw.dim_referral known
    cross join lateral (
      select coalesce(max(p.version_no), 0) as latest_version_no,
        count(*) filter (where not ${isSighted(account, 'p')}) as unanswered
      from raw.payload p
      where p.partner_account_key = ${account}
        and p.resource_type = 'referral_absence'
        and p.resource_id = known.referral_id
    ) absences
    where known.partner_account_key = ${account}
      and not ${isSeen(account, runId, 'known.referral_id')}
      and absences.unanswered < ${absencesMax}`.execute(transaction)
  return Number(landed.numAffectedRows ?? 0)
}

async function guardAgainstVanishing(
  transaction: Transaction<Database>,
  account: number,
  guard: Sightings,
) {
  // A join, not EXISTS within the FILTER: that was a scan of the list for every referral, and took a
  // minute and more over 50,000.
  const counted = await sql<{ visible: number; vanished: number }>`
    select count(*) as visible, count(*) filter (where seen.resource_id is null) as vanished
    from dw.dim_referral known
    left join (
      select distinct resource_id from stg.seen
      where partner_account_key = ${account} and run_id = ${guard.runId}
    ) seen on seen.resource_id = known.referral_id
    where known.partner_account_key = ${account} and not known.is_missing`.execute(transaction)
  const { visible, vanished } = counted.rows[0] ?? { visible: 0, vanished: 0 }
  if (vanished <= guard.missingCountMax) return
  if ((100 * vanished) / visible <= guard.missingPercentMax) return
  const text =
    `The sweep returned ${vanished} of ${visible} known referrals no more; at most ` +
    `${guard.missingPercentMax} % may vanish at once, so nothing was published. Check that the user who ` +
    'signs in is still a Referrals admin of the entire company.'
  throw new CosellError('checkFailed', 'sweep.vanished', text)
}

/** Whether the run saw a referral. */
function isSeen(account: number, runId: number, id: string) {
  return sql<boolean>`exists (
    select 1 from stg.seen
    where seen.partner_account_key = ${account}
      and seen.run_id = ${runId}
      and seen.resource_id = ${sql.ref(id)})`
}

/** Whether a payload or a return was observed after an absence. */
function isSighted(account: number, absence: string) {
  return sql<boolean>`exists (
    select 1 from raw.payload sighted
    where sighted.partner_account_key = ${account}
      and sighted.resource_type in ('referral', 'referral_presence')
      and sighted.resource_id = ${sql.ref(`${absence}.resource_id`)}
      and sighted.observed_at > ${sql.ref(`${absence}.observed_at`)})`
}
