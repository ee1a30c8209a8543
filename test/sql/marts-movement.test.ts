import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Referral } from '../../src/sandbox/referral.ts'
import { withDatabase } from '../support/database.ts'
import { Exact, seededRandom } from '../support/exact-oracle.ts'
import {
  answeredMovement,
  expectedMovement,
  movements,
  readSpans,
  type Spans,
} from '../support/expected-movement.ts'
import {
  anAccount,
  load,
  referralIdOf,
  reload,
  type TestAccount,
} from '../support/load-referrals.ts'
import { type MartsFixture, openMartsFixture } from '../support/marts-fixture.ts'
import { aReferral } from '../support/referral-builder.ts'
import { loadEuroRates } from '../support/report-warehouse.ts'

const between = (from: string, to: string) =>
  sql`mart.pipeline_movement_between(${from}::date, ${to}::date)`
const dayAfter = (day: string, days: number) =>
  new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10)
const today = new Date().toISOString().slice(0, 10)

describe('over years of business of a simulated partner', () => {
  let world: MartsFixture
  let spans: Spans
  beforeAll(async () => {
    world = await openMartsFixture()
    await loadEuroRates(world.db)
    spans = await readSpans(world.db)
  })
  afterAll(() => world?.close())

  test('the movement between any two days is that which the spans of the star give', async () => {
    const [first = ''] = world.days
    const random = seededRandom(19)
    const anyDay = () => dayAfter(first, Math.floor(random() * 900) - 700)
    const pairs = Array.from({ length: 25 }, () => [anyDay(), anyDay()].sort())
    const seen = new Set<string>()
    for (const [from = '', to = ''] of [
      ...pairs,
      ['1999-12-31', first],
      ['1999-12-31', '1999-12-31'],
      [first, dayAfter(first, 1)],
      [dayAfter(first, -30), first],
      [dayAfter(first, 3), dayAfter(first, 3)],
      [first, '2099-01-01'],
    ] as const) {
      const answer = await answeredMovement(world.db, between(from, to))
      expect(answer, `${from} to ${to}`).toEqual(expectedMovement(spans, from, to, today))
      for (const line of answer) {
        for (const [, movement = ''] of line.matchAll(/; (\w+) [1-9]/g)) seen.add(movement)
      }
    }
    // The simulated partner opens no deal again: `returned` is tested by hand below.
    const expected = movements.filter((movement) => movement !== 'returned')
    expect([...seen].sort()).toEqual(expected.sort())
  })

  test('a movement back in time, or from or to no day, has no row', async () => {
    const [first = ''] = world.days
    for (const days of [
      sql`${first}::date, ${dayAfter(first, -30)}::date`,
      sql`null, ${first}::date`,
      sql`${first}::date, null`,
    ]) {
      const { rows } = await sql`
        select (select count(*) from mart.deal_movement_between(${days}))::integer as deals,
          (select count(*) from mart.pipeline_movement_between(${days}))::integer as groups
      `.execute(world.db)
      expect(rows).toEqual([{ deals: 0, groups: 0 }])
    }
  })

  test('opening and closing are the open deals of pipeline_as_of on the two days', async () => {
    const [first = ''] = world.days
    for (const [from, to] of [
      [dayAfter(first, -400), dayAfter(first, -30)],
      [dayAfter(first, -1), today],
    ] as const) {
      for (const [day, end] of [
        [from, 'opening'],
        [to, 'closing'],
      ] as const) {
        const { rows } = await sql`
          with moved as (
            select partner_account_key, stage_label, solution_area, solution_play, currency_code,
              ${sql.ref(`${end}_count`)} as deals, ${sql.ref(`${end}_amount`)} as amount
            from ${between(from, to)} m
            where ${sql.ref(`${end}_count`)} > 0
          ),
          pipeline as (
            select partner_account_key, stage_label, solution_area, solution_play, currency_code,
              sum(deal_count) as deals, coalesce(sum(deal_value_once_amount), 0) as amount
            from mart.pipeline_as_of
            where snapshot_date = ${day} and is_open and is_deal_primary
            group by partner_account_key, stage_label, solution_area, solution_play, currency_code
          )
          (table moved except table pipeline) union all (table pipeline except table moved)
        `.execute(world.db)
        expect(rows, `${end} ${day}`).toEqual([])
      }
    }
  })

  test('each period of mart.pipeline_movement is the movement between its two days', async () => {
    const { rows: periods } = await sql<{ kind: string; from: string; to: string }>`
      select distinct period_kind as kind, from_date::text as "from", to_date::text as "to"
      from mart.pipeline_movement
      where to_date > ${dayAfter(world.days[0] ?? '', -120)}::date
      order by kind, "to"`.execute(world.db)
    expect(new Set(periods.map(({ kind }) => kind))).toEqual(new Set(['month', 'week']))
    for (const { kind, from, to } of periods) {
      const weekday = new Date(to).getUTCDay()
      if (kind === 'week') expect([weekday, dayAfter(to, -7)], to).toEqual([0, from])
      else
        expect([dayAfter(to, 1), dayAfter(from, 1)].map((day) => day.slice(8))).toEqual([
          '01',
          '01',
        ])
      const view = sql`(
        select * from mart.pipeline_movement where period_kind = ${kind} and to_date = ${to}::date)`
      expect(await answeredMovement(world.db, view), `${kind} ${to}`).toEqual(
        expectedMovement(spans, from, to, today),
      )
    }
  })

  test('opening, movements and closing add up in every group of every period, also converted', async () => {
    const sums = (suffix: string) => {
      const inner = movements.slice(0, movements.indexOf('closing'))
      const all = inner.map((movement) => sql.ref(`${movement}_${suffix}`))
      return sql`${sql.join(all, sql` + `)} <> ${sql.ref(`closing_${suffix}`)}`
    }
    const { rows } = await sql<{ periods: number; wrong: number; converted: number }>`
      select count(distinct (period_kind, to_date))::integer as periods,
        count(*) filter (where (${sums('amount')}) or (${sums('reporting_amount')})
          or opening_count + created_count + returned_count + moved_in_count - moved_out_count
            - won_count - lost_count - dropped_count - missing_count <> closing_count)::integer
          as wrong,
        count(closing_reporting_amount)::integer as converted
      from mart.pipeline_movement`.execute(world.db)
    expect(rows[0]?.periods).toBeGreaterThan(100)
    expect(rows[0]?.converted).toBeGreaterThan(100)
    expect(rows[0]?.wrong).toBe(0)
  })
})

const firstNight = '2025-11-02T02:00:00Z'
const secondNight = '2025-11-09T02:00:00Z'

interface Stand {
  readonly status?: string
  readonly substatus?: string
  readonly value?: number | null
  readonly currency?: string
  readonly closes?: string
  readonly accepted?: string
  readonly engagement?: string
}

/** A referral of no engagement, unless one is given, as the source shows it on a day. */
function aDeal(no: number, updated: string, stand: Stand = {}): Referral {
  const { status = 'Active', substatus = 'Accepted', value = 100, currency = 'USD' } = stand
  return aReferral({
    id: referralIdOf(no),
    engagementId: stand.engagement ?? null,
    createdDateTime: '2025-09-01T08:00:00Z',
    acceptedDateTime: status === 'New' ? null : (stand.accepted ?? '2025-09-02T08:00:00Z'),
    updatedDateTime: updated,
    closedDateTime: status === 'Closed' ? updated : null,
    status,
    substatus,
    registrationStatus: 'None',
    registrations: [],
    details: {
      ...aReferral().details,
      dealValue: value,
      currency,
      closingDateTime: `${stand.closes ?? '2026-01-31'}T00:00:00Z`,
    },
  })
}

const before = (no: number, stand?: Stand) => aDeal(no, '2025-11-01T10:00:00Z', stand)
const after = (no: number, stand?: Stand) => aDeal(no, '2025-11-06T10:00:00Z', stand)

/** Movements of the week of the two nights, summed over areas: `stage currency: kind count amount`. */
async function movedIn(
  { warehouse }: TestAccount,
  week: readonly string[] = ['2025-11-03', '2025-11-10'],
) {
  const { rows } = await sql<Record<string, string>>`
    select * from ${between(week[0] ?? '', week[1] ?? '')} m`.execute(warehouse.query)
  return rows
    .map((row) => {
      const shown = movements.filter((movement) => Number(row[`${movement}_count`]) !== 0)
      const figures = shown.map(
        (movement) =>
          `${movement} ${row[`${movement}_count`]} ${new Exact(row[`${movement}_amount`] ?? 0).toFixed()}`,
      )
      return `${row.stage_label} ${row.currency_code}: ${figures.join(', ')}`
    })
    .sort()
}

describe('by hand', () => {
  const cases: readonly (readonly [
    string,
    readonly Referral[],
    readonly Referral[],
    readonly string[],
  ])[] = [
    [
      'a value that rises or falls grows or shrinks the deal',
      [before(1), before(2)],
      [after(1, { value: 130.5 }), after(2, { value: 40 })],
      ['Active USD: opening 2 200, grew 1 30.5, shrank 1 -60, closing 2 170.5'],
    ],
    [
      'a value that is given for the first time grows the deal, and one that is gone shrinks it',
      [before(1, { value: null }), before(2)],
      [after(1), after(2, { value: null })],
      ['Active USD: opening 2 100, grew 1 100, shrank 1 -100, closing 2 100'],
    ],
    [
      'a deal that changes its stage leaves one group with the old value and grows in the other',
      [before(1, { status: 'New', substatus: 'Received' })],
      [after(1, { value: 150, accepted: '2025-11-06T10:00:00Z' })],
      [
        'Active USD: moved_in 1 100, grew 1 50, closing 1 150',
        'New USD: opening 1 100, moved_out 1 -100',
      ],
    ],
    [
      'a deal whose value and currency change in one night leaves the one and enters the other',
      [before(1)],
      [after(1, { value: 90, currency: 'EUR' })],
      ['Active EUR: moved_in 1 90, closing 1 90', 'Active USD: opening 1 100, moved_out 1 -100'],
    ],
    [
      'deals leave as won, lost or dropped with the value that they had',
      [1, 2, 3, 4].map((no) => before(no)),
      [
        after(1, { status: 'Closed', substatus: 'Won', value: 500 }),
        after(2, { status: 'Closed', substatus: 'Lost' }),
        after(3, { status: 'Closed', substatus: 'Expired' }),
      ],
      ['Active USD: opening 4 400, won 1 -100, lost 1 -100, dropped 1 -100, closing 1 100'],
    ],
    [
      'a closed deal that is opened again returns',
      [before(1, { status: 'Closed', substatus: 'Lost' })],
      [after(1, { value: 70 })],
      ['Active USD: returned 1 70, closing 1 70'],
    ],
    [
      'a moved close date is counted beside the sum, at the value of the closing',
      [before(1), before(2), before(3)],
      [after(1, { closes: '2026-03-31', value: 110 }), after(2, { closes: '2025-12-31' })],
      ['Active USD: opening 3 300, grew 1 10, closing 3 310, postponed 1 110, advanced 1 100'],
    ],
    [
      'a deal of two referrals counts once, and grows when another of them becomes its primary one',
      [before(1, { engagement: 'e', value: 100 })],
      [
        after(1, { engagement: 'e', status: 'Closed', substatus: 'Lost' }),
        { ...after(2, { engagement: 'e', value: 160 }), createdDateTime: '2025-11-05T08:00:00Z' },
      ],
      ['Active USD: opening 1 100, grew 1 60, closing 1 160'],
    ],
  ]
  test.each(cases)('%s', (_, first, second, expected) =>
    withDatabase(async (_db, _url, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, first, { at: firstNight })
      await load(account, second, { at: secondNight })
      expect(await movedIn(account)).toEqual(expected)
    }),
  )

  test('a deal that is created after the first day comes in as created', () =>
    withDatabase(async (_db, _url, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, [{ ...after(1), createdDateTime: '2025-11-04T08:00:00Z' }])
      expect(await movedIn(account)).toEqual(['Active USD: created 1 100, closing 1 100'])
      const whole = ['1999-12-31', '2025-11-10']
      expect(await movedIn(account, whole)).toEqual(['Active USD: created 1 100, closing 1 100'])
      expect(await movedIn(account, ['1999-12-31', '2025-11-03'])).toEqual([])
    }))

  test('a deal that the source shows no more goes missing, and returns when it is shown again', () =>
    withDatabase(async (_db, _url, warehouse) => {
      const account = await anAccount(warehouse)
      const { runId } = await load(account, [before(1)], { at: firstNight })
      const land = (kind: string, no: number, day: string) =>
        sql`
        insert into raw.payload (partner_account_key, resource_type, resource_id, version_no,
          observed_at, payload_hash, source_ref, run_id, payload)
        values (${account.key}, ${kind}, ${referralIdOf(1)}, ${no}, ${`${day}T02:00:00Z`}::timestamptz,
          ${day}, 'a test', ${runId}, '{"principal": "someone"}')`.execute(warehouse.query)
      await land('referral_absence', 1, '2025-11-04')
      await land('referral_absence', 2, '2025-11-06')
      await reload(account)
      expect(await movedIn(account)).toEqual(['Active USD: opening 1 100, missing 1 -100'])
      await land('referral_presence', 1, '2025-11-12')
      await reload(account)
      expect(await movedIn(account)).toEqual(['Active USD: opening 1 100, missing 1 -100'])
      expect(await movedIn(account, ['2025-11-10', '2025-11-13'])).toEqual([
        'Active USD: returned 1 100, closing 1 100',
      ])
    }))

  test('mart.deal_movement_between names the deals behind a figure', () =>
    withDatabase(async (_db, _url, warehouse) => {
      const account = await anAccount(warehouse)
      await load(
        account,
        [before(1), before(2), before(3, { status: 'New', substatus: 'Received' })],
        {
          at: firstNight,
        },
      )
      await load(
        account,
        [
          after(1, { status: 'Closed', substatus: 'Won' }),
          after(3, { accepted: '2025-11-06T10:00:00Z' }),
        ],
        {
          at: secondNight,
        },
      )
      const { rows } = await sql<{ id: string; movement: string; moved: boolean; stages: string }>`
        select r.referral_id as id, movement, has_moved as moved,
          concat_ws(' > ', opening_stage_label, closing_stage_label) as stages
        from mart.deal_movement_between('2025-11-03', '2025-11-10') m
        join dw.dim_referral r
          on r.referral_key = coalesce(closing_referral_key, opening_referral_key)
        order by 1`.execute(warehouse.query)
      expect(rows).toEqual([
        { id: referralIdOf(1), movement: 'won', moved: false, stages: 'Active' },
        { id: referralIdOf(2), movement: 'unchanged', moved: false, stages: 'Active > Active' },
        { id: referralIdOf(3), movement: 'moved', moved: true, stages: 'New > Active' },
      ])
    }))
})
