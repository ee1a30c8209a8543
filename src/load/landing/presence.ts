import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { fencedTransaction } from '../runs/fenced-transaction.ts'
import type { Lease } from '../runs/lease.ts'
import { prepareForBulk } from '../runs/prepare-for-bulk.ts'

/** Full reads without a referral that make it missing. One alone proves little. */
const absencesMax = 2

/** Principal of every access token that names none. */
const unknownPrincipal = 'unknown'

export interface Presence {
  readonly runId: number
  /** Principal that signed in; null when the access token names none. */
  readonly principal: string | null
  readonly observedAt: string
  readonly isComplete: boolean
  readonly missingPercentMax: number
  readonly missingCountMax: number
}

/** Input of each step. */
interface PresenceStep extends Omit<Presence, 'principal'> {
  readonly account: number
  readonly principal: string
}

/**
 * Lands the presence of referrals: a return for each absent referral that is back and, after a
 * complete full read, an absence for each known referral that it did not return. A principal gets
 * absences only of referrals that were once visible to it. Both are versions in the landing zone,
 * so that a rebuild has them too. Returns the number of rows landed.
 *
 * @throws CosellError `checkFailed` when a full read misses more than the limits allow: a lost role
 * looks exactly like a mass delete.
 */
export function landPresence(
  query: Kysely<Database>,
  lease: Lease,
  presence: Presence,
): Promise<number> {
  const account = lease.partnerAccountKey
  const step = { ...presence, account, principal: presence.principal ?? unknownPrincipal }
  let complete = 0
  const land = async (transaction: Transaction<Database>) => {
    await prepareForBulk(transaction)
    await recordVisibility(transaction, step)
    complete = await landReturns(transaction, step)
    if (!step.isComplete) return complete
    await checkMassDisappearance(transaction, step)
    complete += await landAbsences(transaction, step)
    return complete
  }
  // A second absence from the same full read would make a referral missing. Without any absence or
  // return the transaction may be repeated.
  const findCommitted = async (transaction: Transaction<Database>) => {
    const landed = await transaction
      .selectFrom('raw.payload')
      .select('run_id')
      .where('partner_account_key', '=', account)
      .where('run_id', '=', step.runId)
      .where('resource_type', 'in', ['referral_absence', 'referral_presence'])
      .limit(1)
      .execute()
    return landed.length > 0 ? complete : undefined
  }
  return fencedTransaction(query, lease, land, findCommitted)
}

async function recordVisibility(
  transaction: Transaction<Database>,
  { account, principal, runId }: PresenceStep,
) {
  await sql`
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
}

async function landReturns(
  transaction: Transaction<Database>,
  { account, runId, observedAt }: PresenceStep,
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
    where ${isListed(account, runId, 'absent.resource_id')}
      and not ${isSeenAfter(account, 'absent')}`.execute(transaction)
  return Number(landed.numAffectedRows ?? 0)
}

async function landAbsences(
  transaction: Transaction<Database>,
  { account, principal, runId, observedAt }: PresenceStep,
): Promise<number> {
  const landed = await sql`
    insert into raw.payload
      (partner_account_key, resource_type, resource_id, version_no, observed_at, payload_hash,
        source_ref, run_id, payload)
    with absent as materialized (
      select known.referral_id
      from dw.dim_referral known
      join etl.principal_referral shown
        on shown.partner_account_key = known.partner_account_key
        and shown.principal = ${principal}
        and shown.referral_id = known.referral_id
      where known.partner_account_key = ${account}
        and not ${isListed(account, runId, 'known.referral_id')}
    )
    select ${account}, 'referral_absence', absent.referral_id, absences.latest_version_no + 1,
      ${observedAt}::timestamptz, '', ${`run ${runId}`}, ${runId}::bigint,
      jsonb_build_object('principal', ${principal}::text)
    from absent
    cross join lateral (
      select coalesce(max(p.version_no), 0) as latest_version_no,
        count(*) filter (
          where coalesce(p.payload ->> 'principal', ${unknownPrincipal}) = ${principal}
            and not ${isSeenAfter(account, 'p')}
        ) as unanswered
      from raw.payload p
      where p.partner_account_key = ${account}
        and p.resource_type = 'referral_absence'
        and p.resource_id = absent.referral_id
    ) absences
    where absences.unanswered < ${absencesMax}`.execute(transaction)
  return Number(landed.numAffectedRows ?? 0)
}

/**
 * Checks that a full read misses few of the referrals that were once visible to its principal. When
 * it returns no known referral, all of them count: that user has no role, or is of another company.
 */
async function checkMassDisappearance(transaction: Transaction<Database>, step: PresenceStep) {
  const { account, principal, missingCountMax, missingPercentMax } = step
  // Joins, because EXISTS within the FILTER scanned the list for every referral: it took more than
  // a minute over 50,000.
  const counted = await sql<{ known: number; seen: number; shown: number; missing: number }>`
    select count(*) as known, count(seen.resource_id) as seen, count(shown.referral_id) as shown,
      count(shown.referral_id) filter (where seen.resource_id is null) as missing
    from dw.dim_referral known
    left join (
      select distinct resource_id from stg.listed_referral
      where partner_account_key = ${account} and run_id = ${step.runId}
    ) seen on seen.resource_id = known.referral_id
    left join etl.principal_referral shown
      on shown.partner_account_key = known.partner_account_key
      and shown.principal = ${principal}
      and shown.referral_id = known.referral_id
    where known.partner_account_key = ${account} and not known.is_missing`.execute(transaction)
  const { known = 0, seen = 0, shown = 0, missing = 0 } = counted.rows[0] ?? {}
  const [missed, expected] = seen === 0 ? [known, known] : [missing, shown]
  if (missed <= missingCountMax || (100 * missed) / expected <= missingPercentMax) return
  const text =
    `The full read did not return ${missed} of ${expected} known referrals; at most ` +
    `${missingPercentMax} % may be missing at once, so nothing was published. Check that the user ` +
    'who signs in is still a Referrals admin of the entire company.'
  throw new CosellError('full_read.too_many_missing', text)
}

/** Expression: a page of the run had the referral. */
function isListed(account: number, runId: number, id: string) {
  return sql<boolean>`exists (
    select 1 from stg.listed_referral seen
    where seen.partner_account_key = ${account}
      and seen.run_id = ${runId}
      and seen.resource_id = ${sql.ref(id)})`
}

/**
 * Expression: a payload or a return was observed after an absence. OFFSET keeps it a probe for each
 * absence, of which there are few; a join would read all payloads of the account.
 */
function isSeenAfter(account: number, absence: string) {
  return sql<boolean>`exists (
    select 1 from raw.payload later
    where later.partner_account_key = ${account}
      and later.resource_type in ('referral', 'referral_presence')
      and later.resource_id = ${sql.ref(`${absence}.resource_id`)}
      and later.observed_at > ${sql.ref(`${absence}.observed_at`)}
    offset 0)`
}
