import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { analyzeGrown } from '../../warehouse/connection/analyze.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { inLeasedTransaction, type Lease } from '../runs/lease.ts'

/** One full read that does not return a referral proves little; the second one makes it missing. */
const absencesMax = 2

/** Stands for everybody whom the access token does not tell. */
const unknownPrincipal = 'unknown'

export interface Sightings {
  readonly runId: number
  /** Who signed in; null when the access token does not tell. */
  readonly principal: string | null
  readonly observedAt: string
  readonly isComplete: boolean
  readonly missingPercentMax: number
  readonly missingCountMax: number
}

/** What each step needs: the run, and who looked. */
interface Look extends Omit<Sightings, 'principal'> {
  readonly account: number
  readonly principal: string
}

/**
 * Lands what a run saw of presence itself: a return for each referral that was absent and is back,
 * and, after a complete full read, an absence for each known referral that it did not return though its
 * principal was once shown it. What a principal never saw, it cannot miss. Both are versions in the
 * landing zone, so that a rebuild knows them too. Returns the rows landed.
 *
 * @throws CosellError `checkFailed` when a full read misses more than the guard allows: a lost role
 * looks exactly like a mass delete.
 */
export function landSightings(
  query: Kysely<Database>,
  lease: Lease,
  sightings: Sightings,
): Promise<number> {
  const account = lease.partnerAccountKey
  const look = { ...sightings, account, principal: sightings.principal ?? unknownPrincipal }
  let complete = 0
  const land = async (transaction: Transaction<Database>) => {
    await keepSights(transaction, look)
    complete = await landReturns(transaction, look)
    if (!look.isComplete) return complete
    await guardAgainstVanishing(transaction, look)
    complete += await landAbsences(transaction, look)
    return complete
  }
  // A second absence of one full read would make a referral missing; without any, it may be done again.
  const findDone = async (transaction: Transaction<Database>) => {
    const landed = await transaction
      .selectFrom('raw.payload')
      .select('run_id')
      .where('partner_account_key', '=', account)
      .where('run_id', '=', look.runId)
      .where('resource_type', 'in', ['referral_absence', 'referral_presence'])
      .limit(1)
      .execute()
    return landed.length > 0 ? complete : undefined
  }
  return inLeasedTransaction(query, lease, land, findDone)
}

async function keepSights(transaction: Transaction<Database>, { account, principal, runId }: Look) {
  const kept = await sql`
    insert into etl.principal_referral (partner_account_key, principal, referral_id)
    select distinct ${account}::integer, ${principal}, seen.resource_id
    from stg.listed_referral seen
    where seen.partner_account_key = ${account}
      and seen.run_id = ${runId}
      and not exists (
        select 1 from etl.principal_referral earlier
        where earlier.partner_account_key = ${account}
          and earlier.principal = ${principal}
          and earlier.referral_id = seen.resource_id)`.execute(transaction)
  // The guard's join, planned for a table without rows, took minutes over 50,000.
  await analyzeGrown(transaction, [['etl.principal_referral', Number(kept.numAffectedRows ?? 0)]])
}

async function landReturns(
  transaction: Transaction<Database>,
  { account, runId, observedAt }: Look,
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
  { account, principal, runId, observedAt }: Look,
): Promise<number> {
  const landed = await sql`
    insert into raw.payload
      (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
        source_ref, run_id, payload)
    select ${account}, 'referral_absence', known.referral_id, absences.latest_version_no + 1,
      ${observedAt}::timestamptz, '', ${`run ${runId}`}, ${runId}::bigint,
      jsonb_build_object('principal', ${principal}::text)
    from dw.dim_referral known
    join etl.principal_referral shown
      on shown.partner_account_key = known.partner_account_key
      and shown.principal = ${principal}
      and shown.referral_id = known.referral_id
    cross join lateral (
      select coalesce(max(p.version_no), 0) as latest_version_no,
        count(*) filter (
          where coalesce(p.payload ->> 'principal', ${unknownPrincipal}) = ${principal}
            and not ${isSighted(account, 'p')}
        ) as unanswered
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

/**
 * Counts what was shown to this principal before, and not what it never saw. A full read that returns
 * nothing of what is known is refused whoever signs in: that user has no role, or another company.
 */
async function guardAgainstVanishing(transaction: Transaction<Database>, look: Look) {
  const { account, principal, missingCountMax, missingPercentMax } = look
  // Joins, not EXISTS within the FILTER: that was a scan of the list for every referral, and took a
  // minute and more over 50,000.
  const counted = await sql<{ known: number; seen: number; shown: number; vanished: number }>`
    select count(*) as known, count(seen.resource_id) as seen, count(shown.referral_id) as shown,
      count(shown.referral_id) filter (where seen.resource_id is null) as vanished
    from dw.dim_referral known
    left join (
      select distinct resource_id from stg.listed_referral
      where partner_account_key = ${account} and run_id = ${look.runId}
    ) seen on seen.resource_id = known.referral_id
    left join etl.principal_referral shown
      on shown.partner_account_key = known.partner_account_key
      and shown.principal = ${principal}
      and shown.referral_id = known.referral_id
    where known.partner_account_key = ${account} and not known.is_missing`.execute(transaction)
  const { known = 0, seen = 0, shown = 0, vanished = 0 } = counted.rows[0] ?? {}
  const [gone, of] = seen === 0 ? [known, known] : [vanished, shown]
  if (gone <= missingCountMax || (100 * gone) / of <= missingPercentMax) return
  const text =
    `The full read returned ${gone} of ${of} known referrals no more; at most ` +
    `${missingPercentMax} % may vanish at once, so nothing was published. Check that the user who ` +
    'signs in is still a Referrals admin of the entire company.'
  throw new CosellError('checkFailed', 'full_read.too_many_missing', text)
}

/** Whether the run saw a referral. */
function isSeen(account: number, runId: number, id: string) {
  return sql<boolean>`exists (
    select 1 from stg.listed_referral
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
