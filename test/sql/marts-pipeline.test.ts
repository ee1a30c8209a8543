import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Referral } from '../../src/sandbox/referral.ts'
import {
  answerOf,
  closedDay,
  countryOf,
  createdDay,
  currencyOf,
  dayOf,
  dealValueOf,
  figuresBy,
  fiscalQuarter,
  fiscalYear,
  isOpen,
  isWon,
  pairOf,
  primariesOf,
  type SourceReferral,
  stageOf,
  sumOf,
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

test('the marts fixture has open and closed referrals that are missing', () => {
  const gone = world.source.filter(({ id }) => world.missing.has(id))
  expect(gone.filter(({ latest }) => isOpen(latest)).length).toBeGreaterThan(0)
  expect(gone.filter(({ latest }) => !isOpen(latest)).length).toBeGreaterThan(0)
})

test('mart.referral answers open value by stage and country, without missing referrals', async () => {
  const expected = world.shown.map(latestOf).filter(isOpen)
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', stage_label, coalesce(country_code, '-'), currency_code) as key,
          count(*), coalesce(sum(deal_value_amount), 0) as value
        from mart.referral
        where is_open
        group by stage_label, country_code, currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      (deal) => `${stageOf(deal)}|${countryOf(deal)}|${currencyOf(deal)}`,
      countAndValue,
    ),
  )
})

test('mart.referral answers won value by fiscal quarter of closing, with missing referrals', async () => {
  const expected = world.shown.filter(({ latest }) => isWon(latest))
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', closed_fiscal_quarter, closed_fiscal_year, currency_code) as key,
          count(*), count(*) filter (where is_missing) as missing, coalesce(sum(deal_value_amount), 0) as value
        from mart.referral
        where is_won
        group by closed_fiscal_quarter, closed_fiscal_year, currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      (one) => {
        const day = closedDay(one) ?? ''
        return `${fiscalQuarter(day)}|${fiscalYear(day)}|${currencyOf(one.latest)}`
      },
      (deals) => [
        deals.length,
        deals.filter(({ id }) => world.missing.has(id)).length,
        sumOf(deals.map(latestOf), dealValueOf),
      ],
    ),
  )
})

/** The state in which a referral ended a day, from what was landed of it; null before it was seen. */
function versionOn({ versions }: SourceReferral, day: string): Referral | null {
  return versions.findLast(({ updatedDateTime }) => dayOf(updatedDateTime ?? '') <= day) ?? null
}

const openByStageOn = (day: string) =>
  answerOf(
    world.db,
    sql`
      select concat_ws('|', stage_label, currency_code) as key, count(*),
        coalesce(sum(deal_value_amount), 0) as value
      from mart.pipeline_as_of
      where snapshot_date = ${day} and is_open
      group by stage_label, currency_code`,
  )

test('pipeline_as_of answers the open pipeline by stage at the end of each observed day', async () => {
  const answers: number[] = []
  for (const day of world.days) {
    const expected = world.source.map((one) => versionOn(one, day)).filter((deal) => deal !== null)
    const answer = await openByStageOn(day)
    expect(answer, day).toEqual(
      figuresBy(
        expected.filter(isOpen),
        (deal) => `${stageOf(deal)}|${currencyOf(deal)}`,
        countAndValue,
      ),
    )
    answers.push(answer.length)
  }
  expect(Math.min(...answers)).toBeGreaterThan(5)
})

/** The open stage in which a referral ended a day before it was first read, by its milestones. */
function stageBefore({ versions: [first] }: SourceReferral, day: string): string | null {
  if (first === undefined || dayOf(first.createdDateTime ?? '') > day) return null
  if (dayOf(first.updatedDateTime ?? '') <= day) return isOpen(first) ? stageOf(first) : null
  const { status, acceptedDateTime: accepted = null } = first
  if (status === 'Closed') {
    const closed = first.closedDateTime ?? first.updatedDateTime ?? ''
    if (dayOf(closed) <= day) return null
    const isAccepted = accepted !== null && accepted < closed && dayOf(accepted) <= day
    return isAccepted ? 'Active' : 'New'
  }
  if (status === 'Active') return accepted === null || dayOf(accepted) <= day ? 'Active' : 'New'
  return isOpen(first) ? stageOf(first) : null
}

test('pipeline_as_of has the stages of today on days before the first read', async () => {
  const [firstDay = ''] = world.days
  const found = new Set<string>()
  for (const daysBefore of [20, 90, 200, 400, 700]) {
    const day = new Date(Date.parse(firstDay) - daysBefore * 86_400_000).toISOString().slice(0, 10)
    const expected = world.source.flatMap((one) => {
      const stage = stageBefore(one, day)
      return stage === null || one.versions[0] === undefined
        ? []
        : [{ stage, deal: one.versions[0] }]
    })
    const answer = await openByStageOn(day)
    expect(answer, day).toEqual(
      figuresBy(
        expected,
        ({ stage, deal }) => `${stage}|${currencyOf(deal)}`,
        (group) => countAndValue(group.map(({ deal }) => deal)),
      ),
    )
    for (const { stage } of expected) found.add(stage)
  }
  expect([...found].sort()).toEqual(['Active', 'New'])
})

test('the open stages of all month ends, of today and of deals have the same labels and order', async () => {
  const stagesOf = async (mart: string) => {
    const { rows } = await sql<{ stage_label: string; stage_sort: number }>`
      select distinct stage_label, stage_sort from ${sql.table(mart)}
      where is_open order by stage_sort`.execute(world.db)
    return rows
  }
  const stages = [
    { stage_label: 'New', stage_sort: 10 },
    { stage_label: 'Active', stage_sort: 20 },
  ]
  for (const mart of ['pipeline_month_end', 'referral', 'deal', 'referral_slippage']) {
    expect(await stagesOf(`mart.${mart}`), mart).toEqual(stages)
  }
  // What was not observed stays unknown.
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from mart.pipeline_month_end
    where stage_label = 'New' and referral_substatus = '(Not provided)'`.execute(world.db)
  expect(rows[0]?.count).toBeGreaterThan(0)
})

test('pipeline_as_of shows for today what the source shows now', async () => {
  expect(
    await answerOf(
      world.db,
      sql`
        select stage_label as key, count(*), coalesce(sum(deal_value_amount), 0) as value
        from mart.pipeline_as_of
        where snapshot_date = (now() at time zone 'utc')::date
        group by stage_label`,
    ),
  ).toEqual(figuresBy(world.shown.map(latestOf), stageOf, countAndValue))
})

test('mart.referral has the last change and the age of each referral, by ranges', async () => {
  const { rows } = await sql<Record<'id' | 'changed' | 'unchanged' | 'age' | 'bucket', string>>`
    select referral_id as id, last_changed_date::text as changed, days_since_change as unchanged,
      age_days as age, age_bucket_sort || ' ' || age_bucket as bucket
    from mart.referral
    order by referral_id`.execute(world.db)
  const today = new Date().toISOString().slice(0, 10)
  const ranges = [
    [30, '1 0-30 days'],
    [60, '2 31-60 days'],
    [90, '3 61-90 days'],
    [180, '4 91-180 days'],
    [365, '5 181-365 days'],
    [Number.POSITIVE_INFINITY, '6 over 365 days'],
  ] as const
  const expected = world.shown.map((one) => {
    const { id, latest } = one
    const changed = dayOf(latest.updatedDateTime ?? '')
    const age = daysBetween(createdDay(latest), closedDay(one) ?? today)
    const bucket = ranges.find(([days]) => age <= days)?.[1]
    return { id, changed, unchanged: daysBetween(changed, today), age, bucket }
  })
  expect(rows).toEqual(expected.sort((one, other) => (one.id < other.id ? -1 : 1)))
  expect(new Set(expected.map(({ bucket }) => bucket)).size).toBeGreaterThan(3)
})

test('mart.referral counts the value of each deal once, where several referrals are of one deal', async () => {
  const latest = world.source.map(latestOf)
  const isGone = (id: string) => world.missing.has(id)
  const primary = primariesOf(latest, isGone).filter(
    (deal) => !(isOpen(deal) && isGone(deal.id ?? '')),
  )
  expect(primary.length).toBeLessThan(world.shown.length)
  const expected = figuresBy(
    primary,
    (deal) => `${stageOf(deal)}|${countryOf(deal)}|${currencyOf(deal)}`,
    countAndValue,
  )
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', stage_label, coalesce(country_code, '-'), currency_code) as key,
          sum(deal_count) as deals, coalesce(sum(deal_value_once_amount), 0) as value
        from mart.referral
        group by stage_label, country_code, currency_code
        having sum(deal_count) > 0`,
    ),
  ).toEqual(expected)
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', stage_label, coalesce(country_code, '-'), currency_code) as key,
          count(*), coalesce(sum(deal_value_amount), 0) as value
        from mart.deal
        group by stage_label, country_code, currency_code`,
    ),
  ).toEqual(expected)
})

test('funnel, win_rate and co_sell count each deal once', async () => {
  const once = sql`
    select currency_code as key, sum(deal_count) as deals,
      count(*) filter (where is_deal_primary and is_won) as won,
      coalesce(sum(deal_value_once_amount), 0) as value,
      coalesce(sum(deal_value_once_amount) filter (where is_won), 0) as won_value
    from mart.referral`
  expect(
    await answerOf(
      world.db,
      sql`
        select currency_code as key, sum(deal_count) as deals, sum(won_deal_count) as won,
          sum(deal_value_once_amount) as value, sum(won_value_once_amount) as won_value
        from mart.funnel group by currency_code`,
    ),
  ).toEqual(await answerOf(world.db, sql`${once} group by currency_code`))
  expect(
    await answerOf(
      world.db,
      sql`
        select currency_code as key, sum(deal_count) as deals, sum(won_deal_count) as won,
          sum(deal_value_once_amount) as value, sum(won_value_once_amount) as won_value
        from mart.co_sell group by currency_code`,
    ),
  ).toEqual(
    await answerOf(
      world.db,
      sql`${once} where referral_category = 'Co-sell opportunity' group by currency_code`,
    ),
  )
  expect(
    await answerOf(
      world.db,
      sql`
        select currency_code as key, sum(won_deal_weight) as won,
          sum(decided_deal_weight) as decided, sum(won_value_once_amount) as value
        from mart.win_rate group by currency_code`,
    ),
  ).toEqual(
    await answerOf(
      world.db,
      sql`
        select currency_code as key, count(*) filter (where is_won) as won,
          count(*) filter (where is_decided) as decided,
          coalesce(sum(deal_value_once_amount) filter (where is_won), 0) as value
        from mart.referral
        where is_deal_primary and referral_status = 'Closed' and closed_date is not null
        group by currency_code`,
    ),
  )
})

test('pipeline_as_of counts each deal once on each observed day, by the referral that was primary then', async () => {
  for (const day of world.days) {
    const deals = world.source.map((one) => versionOn(one, day)).filter((deal) => deal !== null)
    expect(
      await answerOf(
        world.db,
        sql`
          select concat_ws('|', stage_label, currency_code) as key, sum(deal_count) as deals,
            coalesce(sum(deal_value_once_amount), 0) as value
          from mart.pipeline_as_of
          where snapshot_date = ${day} and is_open
          group by stage_label, currency_code
          having sum(deal_count) > 0`,
      ),
      day,
    ).toEqual(
      figuresBy(
        primariesOf(deals, () => false).filter(isOpen),
        (deal) => `${stageOf(deal)}|${currencyOf(deal)}`,
        countAndValue,
      ),
    )
  }
})

test('expiring_referral and data_quality list every open referral past its day of expiry', async () => {
  const today = new Date().toISOString().slice(0, 10)
  const overdue = world.shown
    .filter(({ latest }) => isOpen(latest) && (latest.expirationDateTime ?? '9999') < today)
    .map(({ id }) => id)
    .sort()
  expect(overdue.length).toBeGreaterThan(0)
  const listed = await sql<{ referral_id: string; days_overdue: number; days_to_expiry: number }>`
    select referral_id, days_overdue, days_to_expiry
    from mart.expiring_referral
    where is_overdue
    order by referral_id collate "C"`.execute(world.db)
  expect(listed.rows.map((row) => row.referral_id)).toEqual(overdue)
  for (const row of listed.rows) expect(row.days_overdue).toBe(-row.days_to_expiry)
  const found = await sql<{ referral_id: string }>`
    select referral_id
    from mart.data_quality
    where rule_code = 'expired_but_open'
    order by referral_id collate "C"`.execute(world.db)
  expect(found.rows.map((row) => row.referral_id)).toEqual(overdue)
})

/** Whether it was created by the end of the day and not closed, by its first version as landed. */
function wasOpen({ versions, id }: SourceReferral, day: string): boolean {
  const [first] = versions
  if (first === undefined || createdDay(first) > day) return false
  if (first.status === 'None') return false
  const closed = closedDay({ id, versions: [first], latest: first })
  const end = closed !== null && closed < createdDay(first) ? createdDay(first) : closed
  return end === null || end > day
}

test('pipeline_month_end answers the open pipeline over the months before the first observation', async () => {
  const months = Array.from({ length: 24 }, (_, back) =>
    new Date(Date.UTC(2026, 5 - back, 0)).toISOString().slice(0, 10),
  )
  const expected = months.flatMap((day) =>
    world.source
      .filter((one) => wasOpen(one, day))
      .map(({ versions: [first = {}] }) => ({ day, first })),
  )
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', snapshot_date, currency_code) as key, count(*),
          coalesce(sum(deal_value_amount), 0) as value
        from mart.pipeline_month_end
        where snapshot_date between ${months.at(-1)} and ${months[0]} and is_open
        group by snapshot_date, currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ day, first }) => `${day}|${currencyOf(first)}`,
      (group) => countAndValue(group.map(({ first }) => first)),
    ),
  )
})

test('status_transition lists every observed change, whether it is allowed, and the days before it', async () => {
  const moves = world.source.flatMap(({ versions }) =>
    versions.flatMap((version, index) => {
      const before = versions[index - 1]
      if (before === undefined || pairOf(before) === pairOf(version)) return []
      return [{ before, version, day: dayOf(version.updatedDateTime ?? '') }]
    }),
  )
  expect(moves.length).toBeGreaterThan(30)
  expect(
    await answerOf(
      world.db,
      sql`
        select
          concat_ws('|', from_status || ' - ' || from_substatus, to_status || ' - ' || to_substatus,
            changed_date, changed_fiscal_quarter, is_valid_transition) as key,
          count(*)
        from mart.status_transition
        where not is_estimated and from_substatus <> '(Not provided)'
          and changed_date >= ${world.days[0]}
        group by from_status, from_substatus, to_status, to_substatus, changed_date,
          changed_fiscal_quarter, is_valid_transition`,
    ),
  ).toEqual(
    figuresBy(
      moves,
      ({ before, version, day }) => {
        const isAllowed = before.status === 'New' || version.status === 'Closed'
        return [
          pairOf(before),
          pairOf(version),
          day,
          fiscalQuarter(day),
          isAllowed ? 't' : 'f',
        ].join('|')
      },
      (group) => [group.length],
    ),
  )
})

test('status_transition counts days in a status until the next change', async () => {
  const expected = world.source.flatMap(({ id, versions }) => {
    const [first, ...later] = versions
    const next = later.find((version) => pairOf(version) !== pairOf(first ?? version))
    if (first === undefined || next === undefined || first.status !== 'New') return []
    const day = dayOf(next.updatedDateTime ?? '')
    return [{ id, days: daysBetween(createdDay(first), day) }]
  })
  expect(expected.length).toBeGreaterThan(1)
  expect(
    await answerOf(
      world.db,
      sql`
        select referral_id as key, days_in_status
        from mart.status_transition
        where from_status is null and days_in_status is not null and to_status = 'New'
          and referral_id = any(${expected.map(({ id }) => id)})`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ id }) => id,
      ([one]) => [one?.days ?? null],
    ),
  )
})
