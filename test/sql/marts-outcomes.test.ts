import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Referral } from '../../src/sandbox/referral.ts'
import { Exact } from '../support/exact-oracle.ts'
import {
  answerOf,
  attributesOf,
  categoryOf,
  closedDay,
  createdDay,
  currencyOf,
  dayOf,
  dealTypeOf,
  dealValueOf,
  figuresBy,
  fiscalQuarter,
  fiscalYear,
  isDecided,
  isOpen,
  isWon,
  medianOf,
  type SourceReferral,
  sumOf,
  tagsOf,
} from '../support/expected-marts.ts'
import { type MartsFixture, openMartsFixture } from '../support/marts-fixture.ts'

let world: MartsFixture
beforeAll(async () => {
  world = await openMartsFixture()
})
afterAll(() => world?.close())

const latestOf = ({ latest }: SourceReferral) => latest
const countAndValue = (deals: readonly Referral[]) => [deals.length, sumOf(deals, dealValueOf)]
const daysBetween = (from: string, to: string) =>
  Math.max(0, (Date.parse(to) - Date.parse(from)) / 86_400_000)

test('funnel answers conversion and median days by month of creation', async () => {
  const answer = await answerOf(
    world.db,
    sql`
      select
        concat_ws('|', created_fiscal_year, created_month, referral_type, referral_category,
          currency_code) as key,
        created_count, accepted_count, won_count, lost_count, dropped_count, registered_count,
        approved_count, ever_approved_count, median_days_to_accept, median_days_to_close, created_value_amount,
        won_value_amount
      from mart.funnel`,
  )
  const approvals = (deal: Referral) =>
    (deal.registrations ?? []).flatMap(({ statusHistory: history }) =>
      history?.approvedDateTime || history?.passedDateTime ? [deal] : [],
    )
  const isRefusedOrOpen = (deal: Referral) =>
    (deal.registrations ?? []).some(({ status }) =>
      ['ReviewPending', 'ActionRequired', 'Failed'].includes(status ?? ''),
    )
  const daysOf = (
    deals: readonly SourceReferral[],
    endOf: (one: SourceReferral) => string | null | undefined,
  ) =>
    deals.flatMap((one) => {
      const end = endOf(one)
      return end == null ? [] : [daysBetween(createdDay(one.latest), dayOf(end))]
    })
  const expected = figuresBy(
    world.shown,
    ({ latest }) => {
      const day = createdDay(latest)
      const words = [latest.type, categoryOf(latest), currencyOf(latest)]
      return [fiscalYear(day), day.slice(0, 7), ...words].join('|')
    },
    (group) => {
      const deals = group.map(latestOf)
      const won = deals.filter(isWon)
      return [
        deals.length,
        deals.filter((deal) => deal.acceptedDateTime != null).length,
        won.length,
        deals.filter(({ substatus }) => substatus === 'Lost').length,
        deals.filter((deal) => deal.status === 'Closed' && !isDecided(deal)).length,
        deals.filter(({ registrations }) => (registrations ?? []).length > 0).length,
        deals.filter((deal) => !isRefusedOrOpen(deal)).flatMap(approvals).length,
        deals.flatMap(approvals).length,
        medianOf(daysOf(group, ({ latest }) => latest.acceptedDateTime)),
        medianOf(daysOf(group, closedDay)),
        sumOf(deals, dealValueOf),
        sumOf(won, dealValueOf),
      ]
    },
  )
  expect(answer).toEqual(expected)
  expect(expected.filter((line) => line.includes('Co-sell opportunity')).length).toBeGreaterThan(20)
})

test('win_rate answers decided and won by solution play, each play with its share', async () => {
  const expected = world.shown
    .filter(({ latest }) => latest.status === 'Closed')
    .flatMap((one) => {
      const plays = attributesOf(one.latest, 'SolutionPlay')
      const quarter = fiscalQuarter(closedDay(one) ?? '')
      const named = plays.length === 0 ? ['(Not provided)'] : plays
      return named.map((play) => ({ deal: one.latest, play, quarter, parts: named.length }))
    })
  const weighed = (
    parts: readonly (typeof expected)[number][],
    isIn: (deal: Referral) => boolean,
  ) => {
    const some = parts.filter(({ deal }) => isIn(deal))
    return [
      sumOf(some, ({ parts }) => new Exact(1).div(parts)),
      sumOf(some, ({ deal, parts }) => dealValueOf(deal).div(parts)),
    ]
  }
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', closed_fiscal_quarter, solution_play, currency_code) as key,
          sum(won_weight) as won, sum(won_value_amount) as won_value, sum(decided_weight) as decided,
          sum(decided_value_amount) as decided_value
        from mart.win_rate
        group by closed_fiscal_quarter, solution_play, currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ deal, play, quarter }) => `${quarter}|${play}|${currencyOf(deal)}`,
      (parts) => [...weighed(parts, isWon), ...weighed(parts, isDecided)],
    ),
  )
})

test('win_rate counts a referral with two plays half for each', async () => {
  const two = await sql<{ solution_play: string; weight: string }>`
    with chosen as (
      select b.referral_key, b.tag_key, t.tag_id
      from dw.bridge_referral_tag b
      join dw.dim_tag t using (tag_key)
      join dw.fact_referral f on f.referral_key = b.referral_key
      join dw.dim_status s on s.status_key = f.status_key and s.is_won
      where t.tag_type = 'SolutionPlay'
      order by b.referral_key
      limit 1
    ),
    other as (
      insert into dw.bridge_referral_tag
      select 1, chosen.referral_key, t.tag_key, 0.5, 2, 0, 1, 1
      from chosen
      join dw.dim_tag t on t.tag_type = 'SolutionPlay' and t.tag_key <> chosen.tag_key
      order by t.tag_key
      limit 1
      returning referral_key, tag_key
    ),
    halved as (
      update dw.bridge_referral_tag b set weight = 0.5, tag_count = 2
      from chosen
      where b.referral_key = chosen.referral_key and b.tag_key = chosen.tag_key
    )
    update dw.dim_referral r set solution_play = '(Multiple)'
    from chosen, other
    where r.referral_key = chosen.referral_key
    returning chosen.tag_id as solution_play, '0.5' as weight`.execute(world.db)
  expect(two.rows).toHaveLength(1)
  const { rows } = await sql<{ halves: string }>`
    select count(*) as halves from mart.win_rate where won_weight % 1 = 0.5`.execute(world.db)
  expect(rows).toEqual([{ halves: 2 }])
})

test('co_sell answers count, deals, value and outcome by quarter and inviting organisation', async () => {
  const expected = world.shown
    .map(latestOf)
    .filter((deal) => categoryOf(deal).startsWith('Co-sell'))
  expect(
    await answerOf(
      world.db,
      sql`
        select
          concat_ws('|', created_fiscal_quarter, invited_by, direction, deal_type, currency_code)
            as key,
          referral_count, engagement_count, won_count, decided_count, deal_value_amount,
          won_value_amount
        from mart.co_sell`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      (deal) =>
        [
          fiscalQuarter(createdDay(deal)),
          deal.inviteContext?.invitedBy?.organizationName,
          deal.direction ?? '(Not provided)',
          dealTypeOf(deal),
          currencyOf(deal),
        ].join('|'),
      (deals) => [
        deals.length,
        new Set(deals.map(({ engagementId }) => engagementId)).size,
        deals.filter(isWon).length,
        deals.filter(isDecided).length,
        sumOf(deals, dealValueOf),
        sumOf(deals.filter(isWon), dealValueOf),
      ],
    ),
  )
})

test('expiring_referral lists the open referrals with a day of expiry by days left, past ones too', async () => {
  // The sandbox lives in its own time: moved so that the day it stands at is today.
  const shift = await sql<{ days: number }>`
    update dw.fact_referral
    set expiration_date = expiration_date + ((now() at time zone 'utc')::date - ${world.days[0]}::date)
    returning (now() at time zone 'utc')::date - ${world.days[0]}::date as days`.execute(world.db)
  expect(shift.rows[0]?.days).toBeGreaterThan(0)
  const expected = world.shown
    .map(latestOf)
    .filter(isOpen)
    .flatMap((deal) => {
      if (deal.expirationDateTime == null) return []
      const from = Date.parse(world.days[0] ?? '')
      const left = (Date.parse(dayOf(deal.expirationDateTime)) - from) / 86_400_000
      return [{ deal, left }]
    })
  expect(expected.length).toBeGreaterThan(0)
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', days_to_expiry, currency_code) as key, count(*),
          coalesce(sum(deal_value_amount), 0) as value
        from mart.expiring_referral
        group by days_to_expiry, currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ deal, left }) => `${left}|${currencyOf(deal)}`,
      (group) => countAndValue(group.map(({ deal }) => deal)),
    ),
  )
})

/** Millionths that add up to a million; the first tags, by name, get what does not divide. */
function weightOf(tag: string, tags: readonly string[]) {
  const share = Math.floor(1_000_000 / tags.length)
  const isLarger = [...tags].sort().indexOf(tag) < 1_000_000 % tags.length
  return new Exact(share + (isLarger ? 1 : 0)).div(1_000_000)
}

test.each([
  { mart: 'referral_industry', column: 'industry', list: 'industries' },
  { mart: 'referral_product', column: 'product', list: 'products' },
  { mart: 'referral_service', column: 'service', list: 'services' },
] as const)('$mart answers value by $column, and the sum over it is the total', async (slice) => {
  const expected = world.shown
    .map(latestOf)
    .flatMap((deal) => tagsOf(deal, slice.list).map((tag) => ({ deal, tag })))
  const column = sql.ref(`tag.${slice.column}`)
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', ${column}, m.currency_code) as key, count(*), sum(tag.weight),
          coalesce(sum(tag.weight * m.deal_value_amount), 0) as value
        from mart.referral m
        join ${sql.table(`mart.${slice.mart}`)} tag using (partner_account_key, referral_key)
        group by ${column}, m.currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ deal, tag }) => `${tag}|${currencyOf(deal)}`,
      (group) => {
        const weight = ({ deal, tag }: (typeof expected)[number]) =>
          weightOf(tag, tagsOf(deal, slice.list))
        return [
          group.length,
          sumOf(group, weight),
          sumOf(group, (one) => dealValueOf(one.deal).times(weight(one))),
        ]
      },
    ),
  )
  const rows = await sql<{ count: number }>`
    select count(*) as count from ${sql.table(`mart.${slice.mart}`)}`.execute(world.db)
  expect(rows.rows).toEqual([{ count: expected.length }])
})
