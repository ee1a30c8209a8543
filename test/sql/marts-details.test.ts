import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Registration } from '../../src/sandbox/referral.ts'
import { withDatabase } from '../support/database.ts'
import { Exact } from '../support/exact-oracle.ts'
import {
  answerOf,
  closedDay,
  contractOf,
  countryOf,
  currencyOf,
  dayOf,
  dealValueOf,
  figuresBy,
  isOpen,
  isWon,
  pickedDay,
  primariesOf,
  registrationsOf,
  type SourceReferral,
  sumOf,
  yearly,
} from '../support/expected-marts.ts'
import { anAccount, load } from '../support/load-referrals.ts'
import { type MartsFixture, openMartsFixture } from '../support/marts-fixture.ts'
import { aLine, aReferral, aRegistration } from '../support/referral-builder.ts'

let world: MartsFixture
let teams: ReadonlyMap<string, readonly string[]>
beforeAll(async () => {
  world = await openMartsFixture()
  teams = await readTeams()
})
afterAll(() => world?.close())

const stageKeys = {
  reviewPendingDateTime: 'ReviewPending',
  actionRequiredDateTime: 'ActionRequired',
  approvedDateTime: 'Approved',
  passedDateTime: 'Passed',
  failedDateTime: 'Failed',
} as const

interface Visit {
  at: string
  stage: string
}

/**
 * Visits by the instants of all landed versions together. A status that no instant dates comes with
 * the update that shows it.
 */
function visitsOf({ versions }: SourceReferral, id: string | null | undefined): Visit[] {
  const visits = new Map<string, Visit>()
  const add = (at: string, stage: string) => visits.set(`${at} ${stage}`, { at, stage })
  const inOrder = () => [...visits.values()].sort((a, b) => (a.at < b.at ? -1 : 1))
  for (const version of versions) {
    const registration = (version.registrations ?? []).find((one) => one.id === id)
    if (registration === undefined) continue
    const dated = Object.entries(stageKeys).flatMap(([key, stage]) => {
      const at = (registration.statusHistory as Record<string, string | null> | null)?.[key]
      return at == null ? [] : [{ at, stage: stage as string }]
    })
    add(registration.registrationDateTime ?? dated[0]?.at ?? '', 'ReviewPending')
    for (const { at, stage } of dated) add(at, stage)
    const stage = registration.status ?? ''
    if (inOrder().at(-1)?.stage !== stage) add(version.updatedDateTime ?? '', stage)
  }
  return inOrder().filter((visit, index, all) => visit.stage !== all[index - 1]?.stage)
}

const waiting = { ActionRequired: 'Partner', ReviewPending: 'Microsoft' } as const

describe('mart.registration_review', () => {
  test('registration_review has a row for each stage and visit, from its instant to the next', async () => {
    const expected = world.source.flatMap((one) =>
      registrationsOf(one).map(({ registration }) => {
        const visits = visitsOf(one, registration.id)
        return {
          id: registration.id,
          visits: visits.map(({ at, stage }) => `${stage} ${at.slice(0, 19)}`).join(', '),
          back: visits.filter(({ stage }) => stage === 'ActionRequired').length,
          waits: waiting[registration.status as keyof typeof waiting] ?? null,
        }
      }),
    )
    expect(Math.max(...expected.map(({ back }) => back))).toBeGreaterThan(0)
    expect(expected.some(({ waits }) => waits === 'Partner')).toBe(true)
    expect(expected.some(({ waits }) => waits === 'Microsoft')).toBe(true)
    const { rows } = await sql<Record<string, unknown>>`
      select registration_id as id,
        string_agg(review_stage || ' ' || to_char(entered_at at time zone 'utc',
          'YYYY-MM-DD"T"HH24:MI:SS'), ', ' order by visit_no) as visits,
        max(sent_back_count) filter (where is_current) as back,
        max(waits_for) as waits
      from mart.registration_review
      group by registration_id`.execute(world.db)
    const byId = (a: { id?: unknown }, b: { id?: unknown }) =>
      String(a.id) < String(b.id) ? -1 : 1
    expect(rows.sort(byId)).toEqual(expected.sort(byId))
  })

  test('registration_review counts the days of a stage, those that wait to this moment', async () => {
    const { rows } = await sql<Record<string, number>>`
      select
        count(*) filter (where left_at is not null and days_in_stage
          is distinct from round(extract(epoch from left_at - entered_at) / 86400, 2)) as ended,
        count(*) filter (where left_at is null and waits_for is not null and abs(days_in_stage
          - extract(epoch from now() - entered_at) / 86400) > 0.02) as waiting,
        count(*) filter (where left_at is null and waits_for is null
          and days_in_stage is not null) as decided,
        count(*) filter (where waits_for is not null) > 0 as "hasWaiting"
      from mart.registration_review`.execute(world.db)
    expect(rows).toEqual([{ ended: 0, waiting: 0, decided: 0, hasWaiting: true }])
  })

  test('registration_review adds up to each registration and its ACV once', async () => {
    const one = ({ contract }: Registration) => contract?.currency ?? 'XXX'
    expect(
      await answerOf(
        world.db,
        sql`
          select currency_code || '|' || registration_status as key,
            sum(registration_count) as registrations,
            coalesce(sum(current_contract_acv_amount), 0) as acv
          from mart.registration_review
          group by currency_code, registration_status`,
      ),
    ).toEqual(
      figuresBy(
        world.source.flatMap(registrationsOf).map(({ registration }) => registration),
        (registration) => `${one(registration)}|${registration.status}`,
        (group) => [
          group.length,
          sumOf(group, (registration) => {
            const value = registration.contract?.value ?? null
            return value === null ? new Exact(0) : yearly(value, registration, one(registration))
          }),
        ],
      ),
    )
  })
})

/** Values of a referral in order of time, each where it differs from the one before. */
function movesOf<T>(
  { versions }: SourceReferral,
  pick: (version: SourceReferral['latest']) => T | null,
  keyOf: (value: T) => string = String,
): T[] {
  const values = versions.map(pick).filter((value): value is T => value !== null)
  return values.filter((value, index) => {
    const before = values[index - 1]
    return before === undefined || keyOf(before) !== keyOf(value)
  })
}

const daysBetween = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 86_400_000

describe('mart.referral_slippage', () => {
  test('referral_slippage tells how often and by how many days the close date moved', async () => {
    const expected = world.shown.map((one) => {
      const dates = movesOf(one, ({ details }) => pickedDay(details?.closingDateTime))
      const steps = dates.slice(1).map((date, index) => daysBetween(dates[index] ?? '', date))
      const first = dates[0] ?? null
      const now = pickedDay(one.latest.details?.closingDateTime)
      const closed = closedDay(one)
      const later = steps.filter((days) => days > 0)
      const earlier = steps.filter((days) => days < 0)
      const sum = (days: readonly number[]) => days.reduce((all, each) => all + each, 0)
      return {
        referral_id: one.id,
        first_expected_close_date: first,
        postponed_count: later.length,
        advanced_count: earlier.length,
        postponed_days: sum(later),
        advanced_days: -sum(earlier) + 0,
        close_date_shift_days: first === null || now === null ? null : daysBetween(first, now),
        closed_after_first_days:
          first === null || closed === null ? null : daysBetween(first, closed),
      }
    })
    expect(expected.filter((one) => one.postponed_count > 0).length).toBeGreaterThan(2)
    expect(expected.some((one) => (one.closed_after_first_days ?? 0) < 0)).toBe(true)
    const { rows } = await sql<Record<string, unknown>>`
      select referral_id, first_expected_close_date, postponed_count, advanced_count,
        postponed_days, advanced_days, close_date_shift_days, closed_after_first_days
      from mart.referral_slippage
      order by referral_id collate "C"`.execute(world.db)
    expect(rows).toEqual(expected.sort((a, b) => (a.referral_id < b.referral_id ? -1 : 1)))
  })

  test('referral_slippage tells how often the value moved, and by how much in one currency', async () => {
    const expected = world.shown.map((one) => {
      const values = movesOf(
        one,
        ({ details }) =>
          details?.dealValue == null
            ? null
            : { amount: new Exact(details.dealValue), currency: details.currency ?? 'XXX' },
        ({ amount, currency }) => `${amount.toFixed(4)} ${currency}`,
      )
      const steps = values.slice(1).map((value, index) => {
        const before = values[index]
        if (before?.currency !== value.currency) return 'currency'
        return value.amount.gt(before.amount) ? 'raised' : 'lowered'
      })
      const [first] = values
      const { details } = one.latest
      const isComparable = first?.currency === currencyOf(one.latest) && details?.dealValue != null
      return {
        referral_id: one.id,
        first: first === undefined ? null : `${first.amount.toFixed(4)} ${first.currency}`,
        raised: steps.filter((step) => step === 'raised').length,
        lowered: steps.filter((step) => step === 'lowered').length,
        currency: steps.filter((step) => step === 'currency').length,
        shift: isComparable ? dealValueOf(one.latest).minus(first.amount).toFixed(4) : null,
      }
    })
    expect(expected.filter(({ raised }) => raised > 0).length).toBeGreaterThan(1)
    expect(expected.filter(({ lowered }) => lowered > 0).length).toBeGreaterThan(0)
    const { rows } = await sql<Record<string, unknown>>`
      select referral_id, first_deal_value_amount || ' ' || first_currency_code as first,
        value_raised_count as raised, value_lowered_count as lowered,
        currency_changed_count as currency, deal_value_shift_amount as shift
      from mart.referral_slippage
      order by referral_id collate "C"`.execute(world.db)
    expect(rows).toEqual(expected.sort((a, b) => (a.referral_id < b.referral_id ? -1 : 1)))
  })
})

describe('mart.pipeline_as_of by customer', () => {
  const versionOn = ({ versions }: SourceReferral, day: string) =>
    versions.findLast(({ updatedDateTime }) => dayOf(updatedDateTime ?? '') <= day) ?? null

  test('pipeline_as_of answers count by country, direction and customer on a past day', async () => {
    const [day = ''] = world.days
    const expected = world.source.flatMap((one) => {
      const version = versionOn(one, day)
      return version === null || !isOpen(version) ? [] : [{ version, latest: one.latest }]
    })
    expect(
      await answerOf(
        world.db,
        sql`
          select concat_ws('|', coalesce(country_code, '-'), coalesce(direction, '-')) as key,
            count(*), coalesce(sum(deal_value_amount), 0) as value
          from mart.pipeline_as_of
          where snapshot_date = ${day} and is_open
          group by country_code, direction`,
      ),
    ).toEqual(
      figuresBy(
        expected,
        ({ version, latest }) => `${countryOf(version)}|${latest.direction ?? '-'}`,
        (group) => [group.length, sumOf(group, ({ version }) => dealValueOf(version))],
      ),
    )
  })

  test('pipeline_as_of has today the ACV of every registration once, by category and country', async () => {
    const expected = world.shown.flatMap(registrationsOf)
    expect(expected.length).toBeGreaterThan(20)
    expect(
      await answerOf(
        world.db,
        sql`
          select concat_ws('|', registered_acv_currency_code, coalesce(country_code, '-')) as key,
            count(*) as referrals, sum(registered_acv_amount) as acv
          from mart.pipeline_as_of
          where snapshot_date = (now() at time zone 'utc')::date
            and registered_acv_amount is not null
          group by registered_acv_currency_code, country_code`,
      ),
    ).toEqual(
      figuresBy(
        expected.filter(
          ({ registration }) =>
            registration.contract?.value != null && contractOf(registration) !== null,
        ),
        ({ deal, registration }) => `${registration.contract?.currency}|${countryOf(deal)}`,
        (group) => [
          group.length,
          sumOf(group, ({ registration }) =>
            yearly(
              registration.contract?.value ?? 0,
              registration,
              registration.contract?.currency ?? '',
            ),
          ),
        ],
      ),
    )
  })

  test('pipeline_as_of has the category of mart.referral', async () => {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count
      from mart.pipeline_as_of pipeline
      join mart.referral referral using (partner_account_key, referral_key)
      where pipeline.snapshot_date = (now() at time zone 'utc')::date
        and (pipeline.referral_category, pipeline.customer_match_id)
          is distinct from (referral.referral_category, referral.customer_match_id)`.execute(
      world.db,
    )
    expect(rows).toEqual([{ count: 0 }])
  })
})

describe('mart.requested_solution', () => {
  /** Lines that the referrals ask for, with price times quantity where both are numbers. */
  const requestedOf = ({ latest }: SourceReferral) => {
    const { solutions, offers } = latest.details?.requirements ?? {}
    return [
      ...(solutions ?? []).map((line) => ({
        kind: 'Solution',
        latest,
        id: line.id ?? `name:${line.name?.toLowerCase()}`,
        currency: line.currency ?? currencyOf(latest),
        quantity: new Exact(line.quantity ?? 0),
        amount: /^\d+(\.\d+)?$/.test(line.price ?? '')
          ? new Exact(line.price ?? 0).times(line.quantity ?? 0).toDecimalPlaces(4)
          : new Exact(0),
      })),
      ...(offers ?? []).map((line) => ({
        kind: 'Offer',
        latest,
        id: line.id ?? `name:${line.name?.toLowerCase()}`,
        currency: currencyOf(latest),
        quantity: new Exact(0),
        amount: new Exact(0),
      })),
    ]
  }

  test('requested_solution answers quantity and price times quantity by solution, open and in all', async () => {
    const lines = world.shown.flatMap(requestedOf)
    expect(lines.filter(({ amount }) => amount.gt(0)).length).toBeGreaterThan(40)
    expect(lines.some(({ kind }) => kind === 'Offer')).toBe(true)
    expect(
      await answerOf(
        world.db,
        sql`
          select concat_ws('|', item_kind, solution_id, currency_code) as key, count(*),
            count(*) filter (where is_open) as open, coalesce(sum(quantity), 0) as quantity,
            coalesce(sum(line_amount), 0) as amount
          from mart.requested_solution
          group by item_kind, solution_id, currency_code`,
      ),
    ).toEqual(
      figuresBy(
        lines,
        ({ kind, id, currency }) => `${kind}|${id}|${currency}`,
        (group) => [
          group.length,
          group.filter(({ latest }) => isOpen(latest)).length,
          sumOf(group, ({ quantity }) => quantity),
          sumOf(group, ({ amount }) => amount),
        ],
      ),
    )
  })

  test('asked_and_sold answers which solutions are asked for, sold, or both', async () => {
    const asked = world.source.flatMap(requestedOf)
    const sold = world.source.flatMap((one) =>
      registrationsOf(one).flatMap(({ registration }) =>
        (registration.solutionDetails ?? []).map((line) => ({
          latest: one.latest,
          id: line.id ?? `name:${line.name?.toLowerCase()}`,
          currency: line.currency ?? registration.contract?.currency ?? 'XXX',
          amount: new Exact(line.value ?? 0),
          isApproved: ['Approved', 'Passed'].includes(registration.status ?? ''),
        })),
      ),
    )
    const items = [
      ...asked.map((line) => ({ ...line, of: 'asked', isApproved: false })),
      ...sold.map((line) => ({ ...line, of: 'sold', kind: 'Solution' })),
    ]
    const pairs = new Map<string, typeof items>()
    for (const item of items) {
      const place = `${item.latest.id}|${item.kind}|${item.id}`
      pairs.set(place, [...(pairs.get(place) ?? []), item])
    }
    const expected = figuresBy(
      [...pairs.values()].map((all) => ({
        id: `${all[0]?.kind}|${all[0]?.id}`,
        asked: all.filter(({ of }) => of === 'asked'),
        sold: all.filter(({ of }) => of === 'sold'),
      })),
      (pair) => {
        const currencies = [pair.asked, pair.sold].map((side) => side[0]?.currency ?? '-')
        return [pair.id, pair.asked.length > 0, pair.sold.length > 0, ...currencies].join('|')
      },
      (group) => [
        group.length,
        sumOf(group, (pair) => new Exact(pair.asked.length)),
        sumOf(group, (pair) => new Exact(pair.sold.length)),
        sumOf(group, (pair) => sumOf(pair.asked, ({ amount }) => amount)),
        sumOf(group, (pair) => sumOf(pair.sold, ({ amount }) => amount)),
        sumOf(group, (pair) =>
          sumOf(
            pair.sold.filter(({ isApproved }) => isApproved),
            ({ amount }) => amount,
          ),
        ),
      ],
    )
    for (const state of ['true|true', 'true|false']) {
      expect(
        expected.some((line) => line.includes(`|${state}|`)),
        state,
      ).toBe(true)
    }
    expect(
      await answerOf(
        world.db,
        sql`
          select concat_ws('|', item_kind, solution_id, is_asked::text, is_sold::text,
              coalesce(currency_code, '-'), coalesce(sold_currency_code, '-')) as key,
            count(*), sum(asked_line_count) as asked, sum(sold_line_count) as sold,
            coalesce(sum(asked_amount), 0) as asked_amount,
            coalesce(sum(sold_amount), 0) as sold_amount,
            coalesce(sum(approved_sold_amount), 0) as approved
          from mart.asked_and_sold
          group by item_kind, solution_id, is_asked, is_sold, currency_code, sold_currency_code`,
      ),
    ).toEqual(expected)
  })

  test('asked_and_sold keeps what was asked for in one currency and sold in another on one row', async () => {
    await withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      const solution = { id: 'SOL-1', name: 'One', type: 'Name', price: '10', quantity: 3 }
      const solutions = [
        { ...solution, currency: 'USD' },
        { id: 'SOL-2', name: 'Two', currency: 'USD', price: '1', quantity: 1 },
        { id: 'SOL-2', name: 'Two', currency: 'EUR', price: '1', quantity: 2 },
      ]
      const solutionDetails = [
        aLine({ id: 'SOL-1', currency: 'EUR', value: 25, quantity: 2 }),
        aLine({ id: 'SOL-3', currency: 'EUR', value: 7, quantity: 1 }),
      ]
      const details = { ...aReferral().details, requirements: { solutions } }
      await load(account, [
        aReferral({ details, registrations: [aRegistration({ solutionDetails })] }),
      ])
      const { rows } = await sql<{ line: string }>`
        select concat_ws(' ', solution_id, is_asked, is_sold, asked_line_count,
          coalesce(asked_amount || ' ' || currency_code, '-'), sold_line_count,
          coalesce(sold_amount || ' ' || sold_currency_code, '-')) as line
        from mart.asked_and_sold order by 1`.execute(warehouse.query)
      expect(rows.map(({ line }) => line)).toEqual([
        'SOL-1 t t 1 30.0000 USD 1 25.0000 EUR',
        'SOL-2 t f 2 - 0 -',
        'SOL-3 f t 0 - 1 7.0000 EUR',
      ])
    })
  })
})

/** Addresses of the team in the latest version of each referral, from the landing zone. */
async function readTeams(): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await sql<{ id: string; team: { email?: string | null }[] | null }>`
    select distinct on (p.resource_id) p.resource_id as id, q.people -> 'team' as team
    from raw.payload p
    join pii.payload q using (partner_account_key, resource_type, resource_id, version_no)
    where p.resource_type = 'referral'
    order by p.resource_id, p.source_updated_text desc, p.version_no desc`.execute(world.db)
  return new Map(
    rows.map(({ id, team }) => [
      id,
      [...new Set((team ?? []).map(({ email }) => (email ?? '').toLowerCase()))].filter(Boolean),
    ]),
  )
}

const kindOf = (email: string) => (/[@.]microsoft\.com$/.test(email) ? 'Microsoft' : 'Own')

describe('marts of sellers', () => {
  /** Primary referrals that marts show, with everybody in the teams of the deal. */
  const staffedDeals = () => {
    const latest = world.source.map((one) => one.latest)
    const isGone = (id: string) => world.missing.has(id)
    return primariesOf(latest, isGone)
      .filter((deal) => !(isOpen(deal) && isGone(deal.id ?? '')))
      .map((deal) => {
        const referrals = latest.filter((one) => one.engagementId === deal.engagementId)
        const emails = referrals.flatMap(({ id }) => teams.get(id ?? '') ?? [])
        return { deal, emails: [...new Set(emails)] }
      })
  }

  test('seller_pipeline answers deals and value of each seller, named by those who may read people', async () => {
    const expected = figuresBy(
      staffedDeals().flatMap(({ deal, emails }) => emails.map((email) => ({ deal, email }))),
      ({ deal, email }) => `${email}|${kindOf(email)}|${currencyOf(deal)}|${isOpen(deal)}`,
      (group) => [
        group.length,
        group.filter(({ deal }) => isWon(deal)).length,
        sumOf(group, ({ deal }) => dealValueOf(deal)),
      ],
    )
    expect(expected.filter((line) => line.includes('|Microsoft|')).length).toBeGreaterThan(5)
    expect(
      await answerOf(
        world.db,
        sql`
          select concat_ws('|', lower(seller.email), pipeline.seller_kind, currency_code,
              is_open::text)
              as key,
            sum(deal_count) as deals, sum(deal_count) filter (where is_won) as won,
            sum(deal_value_amount) as value
          from mart.seller_pipeline pipeline
          left join pii.seller seller using (partner_account_key, seller_key)
          group by lower(seller.email), pipeline.seller_kind, currency_code, is_open`,
      ).then((lines) => lines.map((line) => line.replace(/ null /, ' 0 '))),
    ).toEqual(expected)
  })

  test('the weighted columns add up over the sellers of a kind to each deal once', async () => {
    const ofKind = (kind: string) =>
      staffedDeals().filter(({ emails }) => emails.some((email) => kindOf(email) === kind))
    const expected = ['Microsoft', 'Own'].flatMap((kind) =>
      figuresBy(
        ofKind(kind),
        ({ deal }) => `${kind}|${currencyOf(deal)}`,
        (group) => [group.length, sumOf(group, ({ deal }) => dealValueOf(deal))],
      ),
    )
    expect(
      await answerOf(
        world.db,
        sql`
          select seller_kind || '|' || currency_code as key, sum(weighted_deal_count) as deals,
            sum(weighted_deal_value_amount) as value
          from mart.seller_pipeline
          group by seller_kind, currency_code`,
      ),
    ).toEqual(expected.sort())
    const { rows } = await sql<Record<string, number>>`
      select count(*) filter (where weighted <> 1) as uneven,
        count(*) filter (where sellers = 3) > 0 as "hasThree",
        count(*) filter (where reporting <> weighted_reporting) as unequal
      from (
        select sum(weight) as weighted, count(*) as sellers,
          min(deal_value_amount) as reporting,
          sum(weighted_deal_value_reporting_amount) as weighted_reporting
        from mart.deal_seller
        where currency_code = 'USD'
        group by engagement_key, seller_kind
      ) deal`.execute(world.db)
    expect(rows).toEqual([{ uneven: 0, hasThree: true, unequal: 0 }])
  })

  test('a seller in dw is a hash and a domain, without name, address or number', async () => {
    const { rows } = await sql<{ text: string; seller_hash: string }>`
      select seller::text as text, seller_hash from dw.dim_seller seller`.execute(world.db)
    const emails = new Set([...teams.values()].flat())
    expect(rows).toHaveLength(emails.size)
    const text = rows.map((row) => row.text).join('\n')
    expect(text).not.toMatch(/@/)
    for (const email of emails) expect(text).not.toContain(email.split('@')[0])
    expect(rows.every(({ seller_hash }) => /^[0-9a-f]{64}$/.test(seller_hash))).toBe(true)
  })

  test('mart.referral says which referrals have a member of Microsoft', async () => {
    const expected = world.shown
      .filter(({ id }) => (teams.get(id) ?? []).some((email) => kindOf(email) === 'Microsoft'))
      .map(({ id }) => id)
    expect(expected.length).toBeGreaterThan(20)
    const { rows } = await sql<{ id: string }>`
      select referral_id as id from mart.referral where has_microsoft_member`.execute(world.db)
    expect(rows.map(({ id }) => id).sort()).toEqual(expected.sort())
  })
})

describe('what marts show of referral and customer', () => {
  test('mart.referral shows what the payload says beside the deal', async () => {
    const expected = world.shown.map(({ latest }) => {
      const { address } = latest.customerProfile ?? {}
      const { iot } = latest.details?.requirements?.additionalRequirements ?? {}
      const { consent, inviteContext, trackingInfo } = latest
      const textOf = (value: unknown) => (value == null || value === '' ? null : value)
      return {
        referral_id: latest.id,
        organization_id: textOf(latest.organizationId),
        assistance_request_code: textOf(inviteContext?.assistanceRequestCode),
        sales_stage: textOf(latest.salesStage),
        microsoft_msx_id: textOf(trackingInfo?.microsoftMsxId),
        campaign_id: textOf(latest.campaignId),
        referral_program: textOf(latest.referralProgram),
        quality: textOf(latest.quality),
        is_spam: latest.isSpam ?? null,
        consent_to_contact: consent?.consentToContact ?? null,
        consent_to_share_info_with_others: consent?.consentToToShareInfoWithOthers ?? null,
        iot_device_category: textOf(iot?.deviceCategory),
        iot_is_azure_certified_device: iot?.azureCertifiedDevice ?? null,
        postal_code: textOf(address?.postalCode),
        region: textOf(address?.region),
      }
    })
    const filled = (name: keyof (typeof expected)[number]) =>
      expected.filter((one) => one[name] !== null && one[name] !== false).length
    for (const name of ['campaign_id', 'sales_stage', 'microsoft_msx_id', 'is_spam'] as const) {
      expect(filled(name), name).toBeGreaterThan(0)
    }
    const { rows } = await sql<Record<string, unknown>>`
      select ${sql.join(Object.keys(expected[0] ?? {}).map((name) => sql.ref(name)))}
      from mart.referral
      order by referral_id collate "C"`.execute(world.db)
    expect(rows).toEqual(
      expected.sort((a, b) => (String(a.referral_id) < String(b.referral_id) ? -1 : 1)),
    )
  })

  test('referral_target answers how many referrals went to which target', async () => {
    const targets = world.shown.flatMap(({ latest }) => {
      const known = [latest.target ?? []].flat().filter(({ id }) => id)
      return [...new Set(known.map(({ type, id }) => `${type}|${id}`))]
    })
    expect(targets.some((target) => target.endsWith('|msft'))).toBe(true)
    expect(
      await answerOf(
        world.db,
        sql`
          select target_type || '|' || target_id as key, count(*)
          from mart.referral_target
          group by target_type, target_id`,
      ),
    ).toEqual(
      figuresBy(
        targets,
        (target) => target,
        (group) => [group.length],
      ),
    )
  })

  /** Label of a customer: Moody's id, else the partner's own, else DUNS, else name and country. */
  const customerOf = ({ customerProfile }: SourceReferral['latest']) => {
    const ids = [customerProfile?.ids ?? []].flat() as { profileType?: string; id?: string }[]
    const of = (type: string) =>
      ids
        .filter((one) => one.profileType === type && one.id)
        .map(({ id }) => id)
        .sort()[0]
    const nameless = `${customerProfile?.name}|${customerProfile?.address?.country}`
    return of('Moodys') ?? of('External') ?? of('Duns') ?? nameless
  }

  test('mart.customer counts referrals and deals of each customer once', async () => {
    const latest = world.source.map((one) => one.latest)
    const isGone = (id: string) => world.missing.has(id)
    const primary = new Set(primariesOf(latest, isGone).map(({ id }) => id))
    const customers = new Map<string, SourceReferral['latest'][]>()
    for (const { latest: deal } of world.shown) {
      const key = customerOf(deal)
      customers.set(key, [...(customers.get(key) ?? []), deal])
    }
    const expected = [...customers.values()].map((deals) => {
      const once = deals.filter(({ id }) => primary.has(id))
      const days = deals.map(({ createdDateTime }) => dayOf(createdDateTime ?? '')).sort()
      return [
        deals.length,
        deals.filter(isOpen).length,
        deals.filter(isWon).length,
        once.length,
        once.filter(isOpen).length,
        once.filter(isWon).length,
        days[0],
        days.at(-1),
      ].join(' ')
    })
    const { rows } = await sql<{ line: string }>`
      select concat_ws(' ', referral_count, open_referral_count, won_referral_count, deal_count,
        open_deal_count, won_deal_count, first_created_date, last_created_date) as line
      from mart.customer`.execute(world.db)
    expect(rows.map(({ line }) => line).sort()).toEqual(expected.sort())
    expect(expected.length).toBeLessThan(world.shown.length)
  })

  test('mart.customer shows the profile of the referral that was updated last', async () => {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count
      from (
        select distinct on (fact.partner_account_key, customer.customer_match_id)
          fact.partner_account_key, customer.customer_match_id, customer.customer_name,
          customer.city, customer.postal_code
        from dw.fact_referral fact
        join dw.dim_customer customer using (customer_key)
        join mart.referral shown on shown.referral_key = fact.referral_key
        order by fact.partner_account_key, customer.customer_match_id, fact.updated_at desc,
          customer.customer_key desc
      ) last
      join mart.customer shown using (partner_account_key, customer_match_id)
      where (last.customer_name, last.city, last.postal_code)
        is distinct from (shown.customer_name, shown.city, shown.postal_code)`.execute(world.db)
    expect(rows).toEqual([{ count: 0 }])
  })
})
