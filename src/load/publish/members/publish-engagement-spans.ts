import { sql } from 'kysely'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import { isAt, starRows, stored } from '../star/star-access.ts'
import type { RowsWritten } from '../star/upsert.ts'
import {
  countNew,
  type DealSource,
  order,
  starDeals,
  stateRank,
  withMembers,
} from './deal-members.ts'

const target = 'dw.fact_engagement_history'

/**
 * Writes the spans of days with one primary referral. A deal of one referral has one span; of
 * others, the states at the ends of all days on which one changed are compared.
 */
export async function writeSpans(
  transaction: Transaction<Database>,
  source: DealSource,
): Promise<RowsWritten> {
  const { partnerAccountKey, runId, access } = source
  const known = starRows(
    access,
    [target, 'known'],
    sql`known.primary_referral_key = wanted.primary_referral_key
      and known.partner_account_key = ${partnerAccountKey}
      and known.valid_from_date = wanted.valid_from_date`,
  )
  const counts = await withStored(transaction, source)
    .with('deleted', (from) =>
      from
        .deleteFrom(target)
        .where(
          isAt(
            from
              .selectFrom('span')
              .leftJoin('wanted', (join) =>
                join
                  .onRef('wanted.primary_referral_key', '=', 'span.primary_referral_key')
                  .onRef('wanted.valid_from_date', '=', 'span.valid_from_date'),
              )
              .select('span.ctid')
              .where('wanted.deal_id', 'is', null),
          ),
        )
        .returning(sql.lit(1).as('one')),
    )
    .with('written', (from) =>
      from
        .insertInto(target)
        .columns([
          ...(['partner_account_key', 'engagement_key', 'primary_referral_key'] as const),
          ...(['valid_from_date', 'valid_to_date', 'created_run_id', 'updated_run_id'] as const),
        ])
        .expression(({ cast, selectFrom, val }) =>
          selectFrom('keyed as wanted')
            .leftJoin(known.rows, (join) => join.on(known.on))
            .select(cast<number>(val(partnerAccountKey), 'integer').as('partner_account_key'))
            .select(['wanted.engagement_key', 'wanted.primary_referral_key'])
            .select(['wanted.valid_from_date', 'wanted.valid_to_date'])
            .select([
              cast<number>(val(runId), 'bigint').as('created_run_id'),
              cast<number>(val(runId), 'bigint').as('updated_run_id'),
            ])
            .where((is) =>
              is.or([
                is('known.engagement_key', 'is distinct from', is.ref('wanted.engagement_key')),
                is('known.valid_to_date', 'is distinct from', is.ref('wanted.valid_to_date')),
              ]),
            )
            .orderBy('wanted.primary_referral_key')
            .orderBy('wanted.valid_from_date'),
        )
        .onConflict((on) =>
          on
            .columns(['primary_referral_key', 'partner_account_key', 'valid_from_date'])
            .doUpdateSet(({ ref }) => ({
              engagement_key: ref('excluded.engagement_key'),
              valid_to_date: ref('excluded.valid_to_date'),
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

/** Adds the wanted spans with the key of their deal, and the spans as they are stored. */
function withStored(transaction: Transaction<Database>, source: DealSource) {
  const { access } = source
  const span = starRows(
    access,
    [target, 'span'],
    sql`span.engagement_key = old.engagement_key`,
    sql`span.partner_account_key = old.partner_account_key`,
  )
  const ofWanted = starDeals(source, 'wanted')
  const ofDeal = starDeals(source, 'deal')
  return withWanted(transaction, source)
    .with(
      (cte) => cte('keyed').materialized(),
      (from) =>
        from
          .selectFrom('wanted')
          .innerJoin(ofWanted.rows, (join) => join.on(ofWanted.on))
          .selectAll('wanted')
          .select('old.engagement_key'),
    )
    .with(
      (cte) => stored(access, cte('span')),
      (from) =>
        from
          .selectFrom('deal')
          .innerJoin(ofDeal.rows, (join) => join.on(ofDeal.on))
          .innerJoin(span.rows, (join) => join.on(span.on))
          .select(sql<string>`span.ctid`.as('ctid'))
          .select(['span.primary_referral_key', 'span.valid_from_date']),
    )
}

/** Adds the spans that should be there. */
function withWanted(transaction: Transaction<Database>, source: DealSource) {
  return withVersions(transaction, source)
    .with('first', (from) =>
      from
        .selectFrom('version')
        .innerJoin(
          (of) =>
            of
              .selectFrom('version')
              .innerJoin('shared', 'shared.deal_id', 'version.deal_id')
              .distinct()
              .select(['version.deal_id', 'version.valid_from_date'])
              .as('day'),
          (join) =>
            join
              .onRef('day.deal_id', '=', 'version.deal_id')
              .onRef('day.valid_from_date', '>=', 'version.valid_from_date')
              .on(sql<boolean>`day.valid_from_date < coalesce(version.valid_to_date, 'infinity')`),
        )
        .distinctOn(['version.deal_id', 'day.valid_from_date'])
        .select(['version.deal_id', 'day.valid_from_date', 'version.referral_key'])
        .orderBy('version.deal_id')
        .orderBy('day.valid_from_date')
        .orderBy(order),
    )
    .with('changed', (from) =>
      from
        .selectFrom('first')
        .selectAll('first')
        .select(
          sql<boolean>`lag(referral_key) over (partition by deal_id order by valid_from_date)
            is distinct from referral_key`.as('is_change'),
        ),
    )
    .with(
      (cte) => cte('wanted').materialized(),
      (from) =>
        from
          .selectFrom('changed')
          .select(['deal_id', 'referral_key as primary_referral_key', 'valid_from_date'])
          .select(
            sql<string | null>`lead(valid_from_date) over (partition by deal_id
              order by valid_from_date)`.as('valid_to_date'),
          )
          .where(({ ref }) => ref('is_change'))
          .unionAll(
            from
              .selectFrom('version')
              .select(['deal_id', 'referral_key as primary_referral_key'])
              .select([
                sql<string>`min(valid_from_date)`.as('valid_from_date'),
                sql<null>`null`.as('valid_to_date'),
              ])
              .where('deal_id', 'not in', from.selectFrom('shared').select('deal_id'))
              .groupBy(['deal_id', 'referral_key']),
          ),
    )
}

/** Adds the states of all referrals over time, and the deals of more than one referral. */
function withVersions(transaction: Transaction<Database>, source: DealSource) {
  const { partnerAccountKey, access } = source
  const history = starRows(
    access,
    ['dw.fact_referral_history', 'history'],
    sql`history.referral_key = member.referral_key`,
    sql`history.partner_account_key = ${partnerAccountKey}`,
  )
  return withMembers(transaction, source)
    .with(
      (cte) => cte('version').materialized(),
      (from) =>
        from
          .selectFrom('member')
          .innerJoin(history.rows, (join) => join.on(history.on))
          .innerJoin('dw.dim_status as status', 'status.status_key', 'history.status_key')
          .select(['member.deal_id', 'member.referral_key', 'member.referral_id'])
          .select(['member.created_at', 'member.party_rank'])
          .select(['history.valid_from_date', 'history.valid_to_date'])
          .select(['history.deal_value_amount', stateRank('history.is_missing')])
          .where((is) =>
            is.or([
              is('history.valid_to_date', 'is', null),
              is('history.valid_to_date', '>', is.ref('history.valid_from_date')),
            ]),
          ),
    )
    .with(
      (cte) => cte('shared').materialized(),
      (from) =>
        from
          .selectFrom('member')
          .select('deal_id')
          .groupBy('deal_id')
          .having(({ fn }) => fn.countAll<number>(), '>', sql.lit(1)),
    )
}
