import { sql } from 'kysely'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import { starRows } from '../star/star-access.ts'
import { mayHaveRows, nothingWritten, type Publication, type RowsWritten } from '../star/upsert.ts'
import {
  countNew,
  type DealSource,
  dealIdOf,
  order,
  starDeals,
  stateRank,
  withMembers,
} from './deal-members.ts'
import { writeSpans } from './publish-engagement-spans.ts'

/**
 * Returns the deals that staged referrals are about to leave, because the source moved them to
 * another engagement. Called before `dw.dim_referral` is written.
 */
export async function findLeftDeals(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<string[]> {
  if (!mayHaveRows(publication, 'stg.dim_referral')) return []
  const { partnerAccountKey, access } = publication
  const isSame = sql`known.partner_account_key = s.partner_account_key
        and known.referral_id = s.referral_id`
  const known = starRows(access, ['dw.dim_referral', 'known'], isSame)
  const rows = await transaction
    .selectFrom('stg.dim_referral as s')
    .innerJoin(known.rows, (join) => join.on(known.on))
    .distinct()
    .select(dealIdOf('known').as('deal_id'))
    .where('s.partner_account_key', '=', partnerAccountKey)
    .whereRef('known.engagement_id', 'is distinct from', 's.engagement_id')
    .orderBy('deal_id')
    .execute()
  return rows.map((row) => row.deal_id)
}

/**
 * Finds the primary referral of every deal of the staged referrals, and of the deals that they
 * left, now and on each day of the past. All referrals of these deals are read, since a change of
 * one may make another the primary one.
 */
export async function publishEngagements(
  transaction: Transaction<Database>,
  publication: Publication,
  leftDeals: readonly string[],
): Promise<RowsWritten[]> {
  if (!mayHaveRows(publication, 'stg.dim_referral')) {
    return [nothingWritten('dw.dim_engagement'), nothingWritten('dw.fact_engagement_history')]
  }
  const source = { ...publication, leftDeals }
  const deals = await writeDeals(transaction, source)
  const spans = await writeSpans(transaction, source)
  return [deals, spans]
}

const dealColumns = [
  ...(['engagement_id', 'primary_referral_key', 'own_referral_key'] as const),
  ...(['microsoft_referral_key', 'partner_referral_key', 'referral_count'] as const),
] as const

async function writeDeals(
  transaction: Transaction<Database>,
  source: DealSource,
): Promise<RowsWritten> {
  const { partnerAccountKey, runId } = source
  const valuesOf = (row: string) =>
    sql.join(dealColumns.map((column) => sql.ref(`${row}.${column}`)))
  const known = starDeals(source, 'wanted')
  const target = 'dw.dim_engagement'
  const counts = await withWanted(transaction, source)
    .with('deleted', (from) =>
      from
        .deleteFrom('dw.dim_engagement as old')
        .where('old.partner_account_key', '=', partnerAccountKey)
        .where((is) => {
          const empty = is
            .selectFrom('deal')
            .select('deal_id')
            .except(is.selectFrom('wanted').select('deal_id'))
          return is('old.deal_id', '=', sql<string>`any(array${empty})`)
        })
        .returning(sql.lit(1).as('one')),
    )
    .with('written', (from) =>
      from
        .insertInto(target)
        .columns([
          'partner_account_key',
          'deal_id',
          ...dealColumns,
          'created_run_id',
          'updated_run_id',
        ])
        .expression(({ cast, selectFrom, val }) =>
          selectFrom('wanted')
            .leftJoin(known.rows, (join) => join.on(known.on))
            .select([
              cast<number>(val(partnerAccountKey), 'integer').as('partner_account_key'),
              'wanted.deal_id',
            ])
            .select(dealColumns.map((column) => `wanted.${column}` as const))
            .select([
              cast<number>(val(runId), 'bigint').as('created_run_id'),
              cast<number>(val(runId), 'bigint').as('updated_run_id'),
            ])
            .where((is) =>
              is.or([
                is('old.engagement_key', 'is', null),
                sql<boolean>`(${valuesOf('old')}) is distinct from (${valuesOf('wanted')})`,
              ]),
            )
            .orderBy('wanted.deal_id'),
        )
        .onConflict((on) =>
          on.columns(['partner_account_key', 'deal_id']).doUpdateSet(({ ref }) => ({
            engagement_id: ref('excluded.engagement_id'),
            primary_referral_key: ref('excluded.primary_referral_key'),
            own_referral_key: ref('excluded.own_referral_key'),
            microsoft_referral_key: ref('excluded.microsoft_referral_key'),
            partner_referral_key: ref('excluded.partner_referral_key'),
            referral_count: ref('excluded.referral_count'),
            updated_run_id: ref('excluded.updated_run_id'),
          })),
        )
        .returning((is) => is(`${target}.created_run_id`, '=', runId).as('is_new')),
    )
    .selectFrom('written')
    .select(countNew)
    .select(({ fn, selectFrom }) =>
      selectFrom('deleted').select(fn.countAll<number>().as('rows')).as('deleted'),
    )
    .executeTakeFirstOrThrow()
  return { table: target, ...counts, deleted: counts.deleted ?? 0 }
}

/** Adds the deals that should be there. */
function withWanted(transaction: Transaction<Database>, source: DealSource) {
  const first = (party: number) =>
    sql<number>`(array_agg(referral_key order by ${order}) filter (where party_rank = ${sql.lit(party)}))[1]`
  return withMembers(transaction, source)
    .with('ranked', (from) =>
      from
        .selectFrom('member')
        .innerJoin('dw.dim_status as status', 'status.status_key', 'member.status_key')
        .selectAll('member')
        .select(stateRank('member.is_missing')),
    )
    .with(
      (cte) => cte('wanted').materialized(),
      (from) =>
        from
          .selectFrom('ranked')
          .select(['deal_id', sql<string | null>`max(engagement_id)`.as('engagement_id')])
          .select([
            sql<number>`(array_agg(referral_key order by ${order}))[1]`.as('primary_referral_key'),
            first(1).as('own_referral_key'),
            first(2).as('microsoft_referral_key'),
            first(3).as('partner_referral_key'),
            sql<number>`count(*)::integer`.as('referral_count'),
          ])
          .groupBy('deal_id'),
    )
}
