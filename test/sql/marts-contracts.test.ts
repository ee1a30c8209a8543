import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Exact, dayOf as numberOf } from '../support/exact-oracle.ts'
import {
  answerOf,
  attributesOf,
  contractOf,
  countryOf,
  dayOf,
  figuresBy,
  fiscalQuarter,
  fiscalYear,
  linesOf,
  medianOf,
  pickedDay,
  registrationsOf,
  type SourceLine,
  sumOf,
  yearly,
  yearsOf,
} from '../support/expected-marts.ts'
import { type MartsFixture, openMartsFixture } from '../support/marts-fixture.ts'

let world: MartsFixture
let lines: readonly SourceLine[]
beforeAll(async () => {
  world = await openMartsFixture()
  lines = world.source.flatMap(linesOf)
})
afterAll(() => world?.close())

const acvOf = ({ acv }: SourceLine) => acv
const hasIncentive = ({ line }: SourceLine) => (line.incentives ?? []).length > 0
const transacted = ({ line }: SourceLine) =>
  line.marketplaceTransactionDetails?.isMarketplaceTransacted
const signedIn = ({ signed }: SourceLine) => (signed === null ? '-' : fiscalQuarter(signed))

test('the marts fixture has contracts of referrals that the source no longer shows', () => {
  const gone = world.source.filter(({ id }) => world.missing.has(id)).flatMap(linesOf)
  expect(gone.length).toBeGreaterThan(0)
  expect(lines.length).toBeGreaterThan(40)
})

test('acv_line answers annual value by solution and country, with incentives and on the marketplace', async () => {
  expect(
    await answerOf(
      world.db,
      sql`
        select
          concat_ws('|', solution_id, coalesce(country_code, '-'), currency_code,
            coalesce(sign_fiscal_quarter, '-')) as key,
          count(*), coalesce(sum(solution_acv_amount), 0) as acv,
          coalesce(sum(solution_acv_amount) filter (where is_incentive_eligible), 0) as eligible,
          coalesce(sum(solution_acv_amount) filter (where is_marketplace_transacted), 0)
            as transacted
        from mart.acv_line
        where line_no > 0
        group by solution_id, country_code, currency_code, sign_fiscal_quarter`,
    ),
  ).toEqual(
    figuresBy(
      lines,
      (one) => [one.line.id, countryOf(one.deal), one.currency, signedIn(one)].join('|'),
      (group) => [
        group.length,
        sumOf(group, acvOf),
        sumOf(group.filter(hasIncentive), acvOf),
        sumOf(group.filter(transacted), acvOf),
      ],
    ),
  )
})

test('acv_line spreads a contract, one-off fees included, over lines that add up to it', async () => {
  const expected = world.source.flatMap(registrationsOf)
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', registration_id, contract_currency_code) as key,
          coalesce(sum(allocated_contract_value_amount), 0) as value,
          coalesce(sum(allocated_contract_acv_amount), 0) as acv
        from mart.acv_line
        group by registration_id, contract_currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ registration: { id, contract } }) => `${id}|${contract?.currency}`,
      ([one]) => {
        const value = one?.registration.contract?.value ?? 0
        if (one === undefined) return []
        return [
          new Exact(value),
          yearly(value, one.registration, one.registration.contract?.currency ?? ''),
        ]
      },
    ),
  )
})

const quarterEnds = Array.from({ length: 60 }, (_, index) =>
  new Date(Date.UTC(2019, 3 * index + 3, 0)).toISOString().slice(0, 10),
)

const isApproved = ({ registration }: SourceLine) =>
  ['Approved', 'Passed'].includes(registration.status ?? '')

/** Contract ACV of a registration, computed from its payload. */
const contractAcvOf = ({ registration }: SourceLine) => {
  const value = registration.contract?.value ?? null
  return value === null
    ? new Exact(0)
    : yearly(value, registration, registration.contract?.currency ?? 'XXX')
}

/** Contracts as one line each: of those without solution lines, the line that stands for them. */
const contractsOf = (source: MartsFixture['source']): SourceLine[] =>
  source.flatMap(registrationsOf).flatMap(({ deal, registration }) =>
    emptyLines({ deal, registration: { ...registration, solutionDetails: [] } }).map((line) => ({
      ...line,
      registration,
    })),
  )

test('acv_by_fiscal_quarter answers the booked value and the value in force by state, approved beside', async () => {
  const contracts = contractsOf(world.source).filter(
    ({ contract, registration }) => contract !== null && registration.contract?.value != null,
  )
  const withoutLines = contracts
    .filter(({ registration }) => (registration.solutionDetails ?? []).length === 0)
    .map((one) => ({ ...one, acv: contractAcvOf(one) }))
  const entries = [
    ...lines
      .filter(({ contract, line }) => contract !== null && line.value != null)
      .concat(withoutLines)
      .map((one) => ({ one, acv: one.acv, contractAcv: new Exact(0) })),
    ...contracts.map((one) => ({ one, acv: new Exact(0), contractAcv: contractAcvOf(one) })),
  ]
  const booked = entries.flatMap((entry) =>
    entry.one.signed === null ? [] : [{ ...entry, day: entry.one.signed, isBooked: true }],
  )
  const inForce = entries.flatMap((entry) => {
    const { contract } = entry.one
    if (contract === null) return []
    const { start, endExclusive } = contract
    const runs = quarterEnds.filter((day) => start <= numberOf(day) && numberOf(day) < endExclusive)
    return runs.map((day) => ({ ...entry, day, isBooked: false }))
  })
  expect(entries.some(({ one }) => !isApproved(one))).toBe(true)
  const expected = figuresBy(
    [...booked, ...inForce],
    ({ one, day }) =>
      [fiscalYear(day), fiscalQuarter(day), one.currency, one.registration.status].join('|'),
    (group) => {
      const amounts = (kept: typeof group) => {
        const signed = kept.filter(({ isBooked }) => isBooked)
        const running = kept.filter(({ isBooked }) => !isBooked)
        const withIncentive = signed.filter(({ one }) => hasIncentive(one))
        return [
          sumOf(signed, ({ acv }) => acv),
          sumOf(withIncentive, ({ acv }) => acv),
          sumOf(running, ({ acv }) => acv),
          sumOf(signed, ({ contractAcv }) => contractAcv),
          sumOf(running, ({ contractAcv }) => contractAcv),
        ]
      }
      return [...amounts(group), ...amounts(group.filter(({ one }) => isApproved(one)))]
    },
  )
  expect(
    await answerOf(
      world.db,
      sql`
        select
          concat_ws('|', fiscal_year, fiscal_quarter, currency_code, registration_status) as key,
          booked_acv_amount, booked_incentive_acv_amount, in_force_acv_amount,
          booked_contract_acv_amount, in_force_contract_acv_amount,
          approved_booked_acv_amount, approved_booked_incentive_acv_amount,
          approved_in_force_acv_amount, approved_booked_contract_acv_amount,
          approved_in_force_contract_acv_amount
        from mart.acv_by_fiscal_quarter`,
    ),
  ).toEqual(expected)
})

test('acv_schedule answers the value due in each contract year', async () => {
  const expected = lines.flatMap((one) => yearsOf(one).map((year) => ({ ...year, one })))
  expect(
    await answerOf(
      world.db,
      sql`
        select
          concat_ws('|', contract_year_no, coalesce(period_start_date::text, '-'),
            coalesce(period_start_fiscal_year, '-'), currency_code) as key,
          count(*), sum(scheduled_solution_amount)
        from mart.acv_schedule
        where line_no > 0 and scheduled_solution_amount is not null
        group by contract_year_no, period_start_date, period_start_fiscal_year, currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ no, start, one }) =>
        [no, start, start === '-' ? '-' : fiscalYear(start), one.currency].join('|'),
      (group) => [group.length, sumOf(group, ({ amount }) => amount)],
    ),
  )
})

const byInstant = (one: string, other: string) => Date.parse(one) - Date.parse(other)

test('registration answers approval lead time, returned registrations, days from signing, small ones', async () => {
  const expected = world.source.flatMap(registrationsOf).map(({ deal, registration }) => {
    const { statusHistory: history, registrationDateTime, contract, status } = registration
    const isHeld = !['ReviewPending', 'ActionRequired', 'Failed'].includes(status ?? '')
    const reopened = [
      history?.actionRequiredDateTime,
      history?.failedDateTime,
      history?.reviewPendingDateTime,
    ].filter((instant) => instant != null)
    const approvals = [history?.approvedDateTime, history?.passedDateTime].filter(
      (instant) => instant != null,
    )
    const first = approvals.toSorted(byInstant)[0]
    const approved = isHeld
      ? approvals
          .filter((instant) => reopened.every((other) => Date.parse(instant) >= Date.parse(other)))
          .sort(byInstant)[0]
      : undefined
    const registered = registrationDateTime ?? ''
    const leadMs = approved === undefined ? null : Date.parse(approved) - Date.parse(registered)
    const signed = pickedDay(contract?.signDateTime)
    const days =
      signed === null ? null : (Date.parse(dayOf(registered)) - Date.parse(signed)) / 86_400_000
    const currency = contract?.currency ?? ''
    const acv = yearly(contract?.value ?? 0, registration, currency)
    return {
      key: [status, countryOf(deal), fiscalQuarter(dayOf(registered)), currency].join('|'),
      leadDays: leadMs === null ? null : new Exact(leadMs).div(86_400_000).toDecimalPlaces(2),
      isTakenBack: first !== undefined && approved === undefined,
      isSentBack: history?.actionRequiredDateTime != null,
      days: days === null ? null : Math.max(0, days),
      isSmall: contractOf(registration) !== null && acv.lt(25_000),
    }
  })
  const known = <T>(values: readonly (T | null)[]) => values.filter((value) => value !== null)
  expect(
    await answerOf(
      world.db,
      sql`
        select
          concat_ws('|', registration_status, coalesce(country_code, '-'),
            registered_fiscal_quarter, currency_code) as key,
          count(*) as count, count(*) filter (where was_sent_back) as sent_back,
          count(*) filter (where is_approval_taken_back) as taken_back,
          percentile_cont(0.5) within group (order by approval_lead_days) as lead_days,
          percentile_cont(0.5) within group (order by sign_to_registration_days) as days,
          count(*) filter (where contract_acv_amount < 25000) as small
        from mart.registration
        group by registration_status, country_code, registered_fiscal_quarter, currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ key }) => key,
      (group) => [
        group.length,
        group.filter(({ isSentBack }) => isSentBack).length,
        group.filter(({ isTakenBack }) => isTakenBack).length,
        medianOf(known(group.map(({ leadDays }) => leadDays)).map(Number)),
        medianOf(known(group.map(({ days }) => days))),
        group.filter(({ isSmall }) => isSmall).length,
      ],
    ),
  )
})

test('incentive_acv answers annual value by incentive, which adds up to that of the lines', async () => {
  const expected = lines.flatMap((one) => {
    const incentives = [...new Set(one.line.incentives ?? [])].sort()
    const larger = 1_000_000 % incentives.length
    // Each amount is what rounding adds from one incentive to the next.
    const upTo = (count: number) => {
      const share = count * Math.floor(1_000_000 / incentives.length) + Math.min(count, larger)
      return one.acv.times(share).div(1_000_000).toDecimalPlaces(4)
    }
    return incentives.map((incentive, index) => {
      return { one, incentive, amount: upTo(index + 1).minus(upTo(index)) }
    })
  })
  expect(
    await answerOf(
      world.db,
      sql`
        select concat_ws('|', incentive, sign_fiscal_quarter, currency_code) as key, count(*),
          coalesce(sum(weighted_solution_acv_amount), 0) as acv,
          coalesce(sum(approved_weighted_solution_acv_amount), 0) as approved
        from mart.incentive_acv
        group by incentive, sign_fiscal_quarter, currency_code`,
    ),
  ).toEqual(
    figuresBy(
      expected,
      ({ one, incentive }) => [incentive, signedIn(one), one.currency].join('|'),
      (group) => [
        group.length,
        sumOf(group, ({ amount }) => amount),
        sumOf(
          group.filter(({ one }) => isApproved(one)),
          ({ amount }) => amount,
        ),
      ],
    ),
  )
  const total = await answerOf(
    world.db,
    sql`
      select currency_code as key, sum(weighted_solution_acv_amount) as acv
      from mart.incentive_acv group by currency_code`,
  )
  expect(total).toEqual(
    figuresBy(
      lines.filter(hasIncentive),
      ({ currency }) => currency,
      (group) => [sumOf(group, acvOf)],
    ),
  )
})

test('marketplace_share answers the transacted share of the stated, beside the intent of the customer', async () => {
  expect(
    await answerOf(
      world.db,
      sql`
        select
          concat_ws('|', sign_fiscal_quarter, sign_fiscal_year, currency_code,
            customer_marketplace_intent) as key,
          sum(transacted_acv_amount) as transacted, sum(stated_acv_amount) as stated,
          sum(total_acv_amount) as total, sum(approved_transacted_acv_amount) as approved_transacted,
          sum(approved_stated_acv_amount) as approved_stated,
          sum(approved_total_acv_amount) as approved_total
        from mart.marketplace_share
        group by 1`,
    ),
  ).toEqual(
    figuresBy(
      lines.concat(
        world.source
          .flatMap(registrationsOf)
          .flatMap(emptyLines)
          .map((one) => ({ ...one, acv: contractAcvOf(one) })),
      ),
      (one) => {
        const [intent = '(Not provided)'] = attributesOf(one.deal, 'CustomerMarketplaceIntent')
        const year = one.signed === null ? '-' : fiscalYear(one.signed)
        return [signedIn(one), year, one.currency, intent].join('|')
      },
      (group) =>
        [group, group.filter(isApproved)].flatMap((kept) => [
          sumOf(kept.filter(transacted), acvOf),
          sumOf(
            kept.filter((one) => transacted(one) != null),
            acvOf,
          ),
          sumOf(kept, acvOf),
        ]),
    ),
  )
})

/** A registration without lines stands in reports by line as one that is worth nothing. */
function emptyLines({
  deal,
  registration,
}: ReturnType<typeof registrationsOf>[number]): SourceLine[] {
  if ((registration.solutionDetails ?? []).length > 0) return []
  return [
    {
      deal,
      registration,
      line: {},
      currency: registration.contract?.currency ?? 'XXX',
      signed: pickedDay(registration.contract?.signDateTime),
      contract: contractOf(registration),
      acv: new Exact(0),
    },
  ]
}

test('acv_by_fiscal_quarter counts a contract on its first day, and not on the day after it', async () => {
  await sql`
    update dw.fact_registration
    set contract_start_date = '2024-09-30', contract_end_exclusive_date = '2025-09-30'`.execute(
    world.db,
  )
  const { rows } = await sql`
    select distinct fiscal_quarter
    from mart.acv_by_fiscal_quarter
    where in_force_acv_amount <> 0
    order by fiscal_quarter`.execute(world.db)
  expect(rows.map((row) => Object.values(row as object)[0])).toEqual([
    'FY25 Q1',
    'FY25 Q2',
    'FY25 Q3',
    'FY25 Q4',
  ])
})
