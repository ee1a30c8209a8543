import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { fencedTransaction } from '../runs/fenced-transaction.ts'
import type { Lease } from '../runs/lease.ts'
import { askInBulk } from '../runs/prepare-for-bulk.ts'

/** Kind of the landed answers. */
const resourceType = 'registration_eligibility'

/** Referral whose policies are to be asked for, and its newest landed version. */
export interface DuePolicies {
  readonly referral_id: string
  readonly version_no: number
}

/** Answer about the policies of one referral, as it is landed. */
export interface PoliciesAnswer {
  readonly referral_id: string
  readonly observed_at: string
  readonly payload_hash: string
  /** Request id of the response that brought it. */
  readonly source_ref: string
  /** JSON text of `LandedAnswer`. */
  readonly payload: string
}

/** Content of a landed answer. */
export interface LandedAnswer {
  /** Template of the address. */
  readonly source: string
  /** Version of the referral for which it was asked. */
  readonly referral_version: number
  readonly policies: readonly unknown[]
}

/** Policies as last fetched. */
export interface LandedPolicies {
  readonly observed_at: string
  readonly policies: unknown
}

/**
 * Referrals without an answer from this address to their newest version, the ones updated last first;
 * but for those that are missing.
 */
export async function listPoliciesDue(
  query: Kysely<Database>,
  partnerAccountKey: number,
  source: string,
  limit: number,
): Promise<DuePolicies[]> {
  return askInBulk(query, (transaction) =>
    transaction
      .selectFrom((from) =>
        from
          .selectFrom('raw.payload as p')
          .distinctOn('p.resource_id')
          .select(['p.resource_id', 'p.version_no', 'p.source_updated_text'])
          .where('p.partner_account_key', '=', partnerAccountKey)
          .where('p.resource_type', '=', 'referral')
          .orderBy('p.resource_id')
          .orderBy('p.version_no', 'desc')
          .as('newest'),
      )
      .leftJoinLateral(
        (from) =>
          from
            .selectFrom('raw.payload as a')
            .select([
              sql<string>`a.payload ->> 'source'`.as('source'),
              sql<number>`(a.payload ->> 'referral_version')::integer`.as('version_no'),
            ])
            .where('a.partner_account_key', '=', partnerAccountKey)
            .where('a.resource_type', '=', resourceType)
            .whereRef('a.resource_id', '=', 'newest.resource_id')
            .orderBy('a.version_no', 'desc')
            .limit(1)
            .as('asked'),
        (join) => join.onTrue(),
      )
      .leftJoin('dw.dim_referral as known', (join) =>
        join
          .on('known.partner_account_key', '=', partnerAccountKey)
          .onRef('known.referral_id', '=', 'newest.resource_id'),
      )
      .select(['newest.resource_id as referral_id', 'newest.version_no'])
      .where((is) =>
        is(
          is.refTuple('asked.source', 'asked.version_no'),
          'is distinct from',
          is.tuple(is.val(source), is.ref('newest.version_no')),
        ),
      )
      .where('known.is_missing', 'is not', true)
      .orderBy('newest.source_updated_text', (order) => order.desc().nullsLast())
      .orderBy('newest.resource_id')
      .limit(limit)
      .execute(),
  )
}

/** Lands answers, each once. */
export async function landPolicies(
  query: Kysely<Database>,
  lease: Lease,
  runId: number,
  answers: readonly PoliciesAnswer[],
): Promise<void> {
  const column = (name: keyof PoliciesAnswer) => answers.map((answer) => answer[name])
  const given = sql<PoliciesAnswer>`
    unnest(${column('referral_id')}::text[], ${column('observed_at')}::timestamptz[],
      ${column('payload_hash')}::text[], ${column('source_ref')}::text[],
      ${column('payload')}::text[])`
  const columns = sql`f (referral_id, observed_at, payload_hash, source_ref, payload)`
  await fencedTransaction(query, lease, (transaction) =>
    transaction
      .insertInto('raw.payload')
      .columns([
        'partner_account_key',
        'resource_type',
        'resource_id',
        'version_no',
        'observed_at',
        'payload_hash',
        'source_ref',
        'run_id',
        'payload',
      ])
      .expression(({ cast, selectFrom, val }) =>
        selectFrom(given.as<'f'>(columns))
          .leftJoinLateral(
            (from) =>
              from
                .selectFrom('raw.payload as p')
                .select(['p.version_no', 'p.payload_hash'])
                .where('p.partner_account_key', '=', lease.partnerAccountKey)
                .where('p.resource_type', '=', resourceType)
                .whereRef('p.resource_id', '=', 'f.referral_id')
                .orderBy('p.version_no', 'desc')
                .limit(1)
                .as('latest'),
            (join) => join.onTrue(),
          )
          .select([
            val(lease.partnerAccountKey).as('partner_account_key'),
            sql.lit(resourceType).as('resource_type'),
            'f.referral_id as resource_id',
            sql<number>`coalesce(latest.version_no, 0) + 1`.as('version_no'),
            'f.observed_at',
            'f.payload_hash',
            'f.source_ref',
            cast<number>(val(runId), 'bigint').as('run_id'),
            sql<unknown>`f.payload::jsonb`.as('payload'),
          ])
          // Landed already where the acknowledgement of a commit was lost.
          .whereRef('latest.payload_hash', 'is distinct from', 'f.payload_hash'),
      )
      .execute(),
  )
}

/** The policies of some referrals as last fetched, by referral. */
export async function readPolicies(
  query: Kysely<Database>,
  partnerAccountKey: number,
  referralIds: readonly string[],
): Promise<Map<string, LandedPolicies>> {
  const wanted = sql<{ referral_id: string }>`unnest(${referralIds}::text[])`
  const rows = await query
    .selectFrom(wanted.as<'wanted'>(sql`wanted (referral_id)`))
    .crossJoinLateral((from) =>
      from
        .selectFrom('raw.payload as p')
        .select(['p.observed_at', sql<unknown>`p.payload -> 'policies'`.as('policies')])
        .where('p.partner_account_key', '=', partnerAccountKey)
        .where('p.resource_type', '=', resourceType)
        .whereRef('p.resource_id', '=', 'wanted.referral_id')
        .orderBy('p.version_no', 'desc')
        .limit(1)
        .as('latest'),
    )
    .select(['wanted.referral_id', 'latest.observed_at', 'latest.policies'])
    .execute()
  return new Map(rows.map(({ referral_id, ...policies }) => [referral_id, policies]))
}
