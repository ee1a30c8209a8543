import { type Expression, expressionBuilder, type RawBuilder, sql } from 'kysely'
import type { Transaction } from '../../../warehouse/connection/database.ts'
import type { Database } from '../../../warehouse/tables.generated.ts'
import { type StarAccess, starRows } from '../star/star-access.ts'
import type { Publication } from '../star/upsert.ts'

/** What .NET writes where an id is not set: its referrals have no deal in common. */
const noEngagement = sql.lit('00000000-0000-0000-0000-000000000000')

/** Id of the deal of a row of `dw.dim_referral`, as in `mart.referral`. */
export const dealIdOf = (row: string) => sql<string>`
  coalesce(nullif(${sql.ref(`${row}.engagement_id`)}, ${noEngagement}), ${sql.ref(`${row}.referral_id`)})`

/** Account whose staged referrals are published, and the deals that they left. */
export interface DealSource extends Publication {
  readonly leftDeals: readonly string[]
}

/**
 * Order of the referrals of a deal, best first: the state, then whether there is a value, then the
 * party. The last two terms never change, so the primary one does not jump between equal ones.
 */
export const order = sql`state_rank, (deal_value_amount is null or deal_value_amount <= 0), party_rank,
        created_at, referral_id`

/** Rank of a status; an open referral that is missing is in no mart, so it comes last. */
export const stateRank = (isMissing: string) =>
  sql<number>`case
      when status.is_won then 1
      when status.is_open and ${sql.ref(isMissing)} then 5
      when status.is_open then 2
      when status.is_lost then 3
      else 4
    end`.as('state_rank')

/** A deal to write. */
interface Deal {
  partner_account_key: number
  deal_id: string
}

/** A referral of a deal. */
interface Found {
  deal_id: string
  referral_key: number
  referral_id: string
  engagement_id: string | null
  direction: string | null
  is_missing: boolean
}

/** A referral of a deal with what does not change over time. */
interface Member extends Found {
  status_key: number
  deal_value_amount: string | null
  created_at: string
  party_rank: number
}

/** Tables, and common table expressions that both statements have. */
type Known = Database & { deal: Deal; found: Found; member: Member }

const { selectFrom } = expressionBuilder<Known>()

/** Begins a statement with the deals to write, and all their referrals. */
export function withMembers(transaction: Transaction<Database>, source: DealSource) {
  const { partnerAccountKey, access } = source
  return transaction
    .with(
      (cte) => cte('deal').materialized(),
      () => dealsOf(source),
    )
    .with(
      (cte) => cte('found').materialized(),
      () => referralsOf(access, partnerAccountKey),
    )
    .with(
      (cte) => cte('member').materialized(),
      () => membersOf(access, partnerAccountKey),
    )
}

/** Selects the deals of the staged referrals, and those that they left. */
function dealsOf({ partnerAccountKey, access, leftDeals }: DealSource): Expression<Deal> {
  const star = starRows(
    access,
    ['dw.dim_referral', 'star'],
    sql`star.referral_key = k.referral_key`,
    sql`star.partner_account_key = k.partner_account_key`,
  )
  const left = sql<Deal>`(
    select ${partnerAccountKey}::integer, unnest(${leftDeals}::text[]))`
  return selectFrom('stg.referral_key as k')
    .innerJoin(star.rows, (join) => join.on(star.on))
    .distinct()
    .select(['k.partner_account_key', dealIdOf('star').as('deal_id')])
    .where('k.partner_account_key', '=', partnerAccountKey)
    .union(left)
}

/** Selects the referrals `found` with the party that each is of. */
function membersOf(access: StarAccess, partnerAccountKey: number): Expression<Member> {
  const fact = starRows(
    access,
    ['dw.fact_referral', 'fact'],
    sql`fact.referral_key = found.referral_key`,
    sql`fact.partner_account_key = ${partnerAccountKey}`,
  )
  return selectFrom('found')
    .innerJoin(fact.rows, (join) => join.on(fact.on))
    .selectAll('found')
    .select(['fact.status_key', 'fact.deal_value_amount', 'fact.created_at'])
    .select((is) =>
      is
        .case()
        .when(is.exists(targetOf(partnerAccountKey, sql`tag.tag_id ilike 'msft'`)))
        .then(sql.lit(2))
        .when(
          is.and([
            is('found.direction', '=', 'Outgoing'),
            is.exists(targetOf(partnerAccountKey, sql`tag.tag_type = 'BusinessProfileLocation'`)),
          ]),
        )
        .then(sql.lit(3))
        .else(sql.lit(1))
        .end()
        .as('party_rank'),
    )
}

const foundColumns = [
  ...(['referral.referral_key', 'referral.referral_id'] as const),
  sql<string | null>`nullif(referral.engagement_id, ${noEngagement})`.as('engagement_id'),
  ...(['referral.direction', 'referral.is_missing'] as const),
] as const

/**
 * All referrals `found` of the deals. Two probes: one index has the engagement, one the id. The account
 * is compared with a column there: of a constant the planner may believe that it has no rows.
 */
function referralsOf(access: StarAccess, partnerAccountKey: number): Expression<Found> {
  if (access === 'scan') {
    return selectFrom('deal')
      .innerJoin('dw.dim_referral as referral', (join) =>
        join.on(dealIdOf('referral'), '=', sql.ref('deal.deal_id')),
      )
      .select(['deal.deal_id', ...foundColumns])
      .where('referral.partner_account_key', '=', partnerAccountKey)
  }
  const probe = (where: RawBuilder<boolean>) =>
    selectFrom('deal')
      .innerJoinLateral(
        (from) =>
          from
            .selectFrom('dw.dim_referral as referral')
            .select([...foundColumns, 'referral.partner_account_key'])
            .where(where)
            .offset(sql.lit(0))
            .as('referral'),
        (join) => join.on('referral.partner_account_key', '=', partnerAccountKey),
      )
      .select(['deal.deal_id', 'referral.referral_key', 'referral.referral_id'])
      .select(['referral.engagement_id', 'referral.direction', 'referral.is_missing'])
  const byEngagement = probe(sql`referral.engagement_id = deal.deal_id`)
  const byId = probe(sql`referral.partner_account_key = deal.partner_account_key
    and referral.referral_id = deal.deal_id
    and coalesce(referral.engagement_id, ${noEngagement}) = ${noEngagement}`)
  return byEngagement.unionAll(byId)
}

/** Query for a target of the referral `found`; few tags are one. */
function targetOf(partnerAccountKey: number, which: RawBuilder<boolean>) {
  const targets = selectFrom('dw.dim_tag as tag')
    .select('tag.tag_key')
    .where('tag.partner_account_key', '=', partnerAccountKey)
    .where('tag.tag_group', '=', 'Target')
    .where(which)
  return selectFrom('dw.bridge_referral_tag as bridge')
    .where('bridge.referral_key', '=', sql.ref<number>('found.referral_key'))
    .where('bridge.partner_account_key', '=', partnerAccountKey)
    .where('bridge.tag_key', '=', sql<number>`any(array${targets})`)
}

/** Numbers of written rows, of the common table expression `written`. */
export const countNew = [
  sql<number>`count(*) filter (where is_new)`.as('inserted'),
  sql<number>`count(*) filter (where not is_new)`.as('updated'),
] as const

/** Returns the stored deal of a row, to join. */
export function starDeals({ access, partnerAccountKey }: DealSource, row: string) {
  const isSame = sql`old.partner_account_key = ${partnerAccountKey}
    and old.deal_id = ${sql.ref(`${row}.deal_id`)}`
  return starRows(access, ['dw.dim_engagement', 'old'], isSame)
}
