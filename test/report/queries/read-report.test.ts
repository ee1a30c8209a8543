import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { exact, whole } from '../../../src/report/page/format.ts'
import { renderReport } from '../../../src/report/page/report-page.ts'
import { readReport } from '../../../src/report/queries/read-report.ts'
import type { Amounts, CurrencyAmount, Group } from '../../../src/report/report-data.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { anAccount, load } from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'
import {
  businessDay,
  euroRate,
  loadEuroRates,
  loadOnce,
  one,
} from '../../support/report-warehouse.ts'
import { resultOf, runCli } from '../../support/run-cli.ts'

const now = new Date('2026-07-01T05:20:00Z')
const loaded = loadOnce({ referrals: 400, seed: 3, broken: 1 })

test('readReport of an empty warehouse makes an empty page', () =>
  withDatabase(async (db) => {
    const page = renderReport(await readReport(db, now))
    expect(page).toContain('The warehouse is empty')
  }))

test('readReport returns the sums that plain SQL over the facts returns', async () => {
  const { db } = loaded()
  await loadEuroRates(db)
  const report = await readReport(db, now, businessDay)
  const page = renderReport(report)

  const open = await sumFacts(db, sql`status.is_open`)
  expect(report.headline.open).toMatchObject({ count: open.count, amounts: open.amounts })
  expect(open.amounts.unconverted.length).toBeGreaterThan(2)
  expect(page).toContain(exact(open.amounts.converted ?? '', 2))
  for (const { currency_code, minor_unit, amount } of open.amounts.unconverted) {
    expect(page).toContain(`<bdi>${currency_code}</bdi> ${exact(amount, minor_unit)}`)
  }

  const won = await sumFacts(
    db,
    sql`status.is_won and fact.closed_date between date '2025-07-01' and ${businessDay}::date`,
  )
  expect(report.headline.won).toMatchObject({ count: won.count, amounts: won.amounts })
  const lastQuarter = await sumFacts(
    db,
    sql`status.is_won and fact.closed_date between date '2026-04-01' and date '2026-06-30'`,
  )
  expect(report.won_by_quarter.map(({ label }) => label)).toHaveLength(12)
  expect(report.won_by_quarter.at(-1)).toMatchObject({
    label: 'FY26 Q4',
    count: lastQuarter.count,
    amounts: lastQuarter.amounts,
  })
  expect(sumOf(report.stages)).toBe(open.count)
})

test('readReport returns month ends, funnel, schedule and rankings that agree with the facts', async () => {
  const { db } = loaded()
  await loadEuroRates(db)
  const report = await readReport(db, now, businessDay)

  const monthEnd = '2025-12-31'
  const then = await one(
    db,
    sql<{ open: number }>`
        select count(*) as open
        from dw.fact_referral_history version
        join dw.fact_engagement_history deal
          on deal.primary_referral_key = version.referral_key
          and deal.valid_from_date <= date '2025-12-31'
          and coalesce(deal.valid_to_date, 'infinity') > date '2025-12-31'
        join dw.dim_status status on status.status_key = version.status_key and status.is_open
        where version.valid_from < timestamptz '2026-01-01Z'
          and coalesce(version.valid_to, 'infinity') >= timestamptz '2026-01-01Z'`,
  )
  const thatMonth = report.month_ends.filter(({ period }) => period === monthEnd)
  expect(sumOf(thatMonth)).toBe(then.open)
  expect(new Set(report.month_ends.map(({ period }) => period)).size).toBe(24)
  // Most past versions are known by their milestones alone, and have no substatus.
  const stagesOf = (groups: readonly Group[]) => new Set(groups.map(({ label }) => label))
  expect(stagesOf(report.month_ends)).toEqual(stagesOf(report.stages))

  const funnel = await one(
    db,
    sql<{ created: number; accepted: number; won: number; days: number; registered: number }>`
        select count(*) as created, count(fact.accepted_at) as accepted,
          count(*) filter (where dim.referral_substatus = 'Won') as won,
          percentile_cont(0.5) within group (order by fact.closed_date - fact.created_date)
            filter (where dim.referral_substatus = 'Won') as days,
          count(*) filter (where exists (
            select from dw.fact_registration registration
            where registration.referral_key = fact.referral_key
              and registration.registered_at is not null)) as registered
        from dw.fact_referral fact
        join dw.dim_referral dim on dim.referral_key = fact.referral_key
        where fact.created_at >= '2024-06-01Z'`,
  )
  const [created, accepted, won, registered, approved] = report.funnel.steps
  expect(created).toEqual({ label: 'Created', count: funnel.created, median_days: null })
  expect(accepted?.count).toBe(funnel.accepted)
  expect(won).toEqual({ label: 'Won', count: funnel.won, median_days: funnel.days })
  expect(registered?.count).toBe(funnel.registered)
  expect(registered?.median_days).toBeGreaterThan(0)
  expect(approved?.count).toBeLessThanOrEqual(funnel.registered)

  const contracts = await one(
    db,
    sql<{ acv: string; scheduled: string; countries: number }>`
        select
          (select sum(contract_acv_amount) from dw.fact_registration
            where currency_code = 'GBP') as acv,
          (select sum(contract_value_amount) from dw.fact_registration
            where currency_code = 'GBP') as scheduled,
          (select count(distinct customer.country_code)
            from dw.fact_registration registration
            join dw.dim_customer customer
              on customer.customer_key = registration.customer_key) as countries`,
  )
  expect(await sterling(db, report.registrations)).toBe(contracts.acv)
  expect(await sterling(db, report.schedule)).toBe(contracts.scheduled)
  expect(report.countries).toMatchObject({ label_count: contracts.countries })

  const inDollars = report.solutions.groups.map(({ amounts }) => Number(amounts.converted))
  expect(inDollars).toEqual(inDollars.toSorted((left, right) => right - left))
})

test('readReport returns the expiring referrals, findings, quarantine and freshness of the warehouse', async () => {
  const { db } = loaded()
  const report = await readReport(db, now, businessDay)
  const expected = await sql<{ referral_id: string; days_left: number }>`
      select dim.referral_id, fact.expiration_date - ${businessDay}::date as days_left
      from dw.fact_referral fact
      join dw.dim_referral dim on dim.referral_key = fact.referral_key
      join dw.dim_status status on status.status_key = fact.status_key and status.is_open
      where fact.expiration_date between ${businessDay}::date and ${businessDay}::date + 30`.execute(
    db,
  )
  const shown = report.expiring.referrals.map(({ referral_id, days_left }) => ({
    referral_id,
    days_left,
  }))
  expect(shown.toSorted(byId)).toEqual(expected.rows.toSorted(byId))
  expect(report.expiring.group.count).toBe(expected.rows.length)

  const stored = await one(
    db,
    sql<{ findings: number; quarantined: number; published: string }>`
        select (select count(*) from dw.fact_finding) + (
            select count(*) from dw.fact_referral fact
            join dw.dim_status status on status.status_key = fact.status_key and status.is_open
            where fact.expiration_date < (now() at time zone 'utc')::date) as findings,
          (select count(*) from etl.quarantine) as quarantined,
          (select max(published_at) from etl.run) as published`,
  )
  expect(stored.quarantined).toBe(1)
  expect(report.accounts).toMatchObject([
    {
      account: 'demo',
      open_finding_count: stored.findings,
      quarantine_count: 1,
      last_published_at: stored.published,
    },
  ])
  const counted = report.findings.reduce((sum, { finding_count }) => sum + finding_count, 0)
  expect(counted).toBe(stored.findings)
  expect(renderReport(report)).toContain(`>${whole(stored.findings)}<`)
})

test('readReport returns the counts of one mart that plain SQL returns for each of them', async () => {
  const { db } = loaded()
  const report = await readReport(db, now, businessDay)
  const day = sql`${businessDay}::date`
  const expected = await one(
    db,
    sql<Record<'decided' | 'overdue' | 'signed' | 'in_force' | 'solutions' | 'expiring', number>>`
        select
          (select count(*) from dw.fact_referral fact
            join dw.dim_engagement deal on deal.primary_referral_key = fact.referral_key
            join dw.dim_status status on status.status_key = fact.status_key and status.is_decided
            where fact.closed_date > ${day} - interval '1 year' and fact.closed_date <= ${day})
            as decided,
          (select count(*) from dw.fact_referral fact
            join dw.dim_status status on status.status_key = fact.status_key and status.is_open
            where fact.expiration_date < ${day}) as overdue,
          (select count(*) from dw.fact_registration
            where contract_sign_date > ${day} - interval '1 year' and contract_sign_date <= ${day})
            as signed,
          (select count(*) from dw.fact_registration
            where contract_start_date <= ${day} and contract_end_exclusive_date > ${day})
            as in_force,
          (select count(distinct solution.solution_name) from dw.fact_registration_solution line
            join dw.dim_solution solution on solution.solution_key = line.solution_key)
            as solutions,
          (select count(fact.deal_value_amount) from dw.fact_referral fact
            join dw.dim_engagement deal on deal.primary_referral_key = fact.referral_key
            join dw.dim_status status on status.status_key = fact.status_key and status.is_open
            where fact.expiration_date between ${day} and ${day} + 30) as expiring`,
  )
  const amountsOf = ({ by_currency }: Amounts) =>
    by_currency.reduce((sum, { count }) => sum + count, 0)
  expect({
    decided: report.headline.decided_count,
    overdue: report.expiring.overdue_count,
    signed: report.headline.signed.count,
    in_force: report.headline.in_force.count,
    solutions: report.solutions.label_count,
    expiring: amountsOf(report.expiring.group.amounts),
  }).toEqual(expected)
  expect(Math.min(expected.decided, expected.signed, expected.in_force)).toBeGreaterThan(5)
})

test('the report contains no personal data', async () => {
  const { db } = loaded()
  const page = renderReport(await readReport(db, now, businessDay))
  const people = await sql<{ text: string }>`
      select distinct text
      from pii.contact, lateral (values (email), (first_name || ' ' || last_name)) person (text)
      where length(text) > 5`.execute(db)
  expect(people.rows.length).toBeGreaterThan(50)
  expect(people.rows.filter(({ text }) => page.includes(text))).toEqual([])
})

test('the report without rates shows every amount in its own currency, and is reproducible', async () => {
  const { db } = loaded()
  await sql`delete from dw.fx_rate where currency_code <> 'USD'`.execute(db)
  const report = await readReport(db, now, businessDay)
  expect(report.is_converted).toBe(false)
  const page = renderReport(report)
  const { rows } = await sql<{ currency_code: string; minor_unit: number; amount: string }>`
      select fact.currency_code, ${minorUnit} as minor_unit, sum(fact.deal_value_amount) as amount
      from dw.fact_referral fact
      join dw.dim_engagement deal on deal.primary_referral_key = fact.referral_key
      join dw.dim_status status on status.status_key = fact.status_key and status.is_open
      group by fact.currency_code having sum(fact.deal_value_amount) is not null`.execute(db)
  expect(rows.length).toBeGreaterThan(3)
  for (const { currency_code, minor_unit, amount } of rows) {
    expect(page).toContain(`<bdi>${currency_code}</bdi></th><td>${exact(amount, minor_unit)}</td>`)
  }
  expect(renderReport(await readReport(db, now, businessDay))).toBe(page)
})

test('the report shows an amount with the decimals that ISO 4217 gives its currency, not Intl', () =>
  withDatabase(async (db, _, warehouse) => {
    const deal = aReferral({
      status: 'Active',
      substatus: 'Accepted',
      closedDateTime: null,
      expirationDateTime: '2026-07-10T00:00:00Z',
      details: { dealValue: 1234.5, currency: 'HUF', closingDateTime: '2026-07-20T00:00:00Z' },
      registrations: [],
    })
    await load(await anAccount(warehouse), [deal])
    const page = renderReport(await readReport(db, now, businessDay))
    // Intl has no decimals for the forint in some versions of Node.js.
    expect(page).toContain('<bdi>HUF</bdi> 1,234.50')
    expect(page).not.toMatch(/1,234\.5\b/)
  }))

test('cosell report writes to COSELL_HOME or --out, and leaves no partial file', async () => {
  const { home, url } = loaded()
  const env = { COSELL_DATABASE_URL: url, COSELL_HOME: path.join(home, 'new') }
  const plain = await runCli(['report', '--json'], { cwd: home, env })
  const file = path.join(home, 'new', 'report.html')
  const { size } = await stat(file)
  expect(resultOf(plain)).toEqual({ status: 'written', file, bytes: size })
  expect(await readdir(path.dirname(file))).toEqual(['report.html'])

  const elsewhere = await runCli(['report', '--out', 'deep/co-sell.html'], { cwd: home, env })
  expect(elsewhere.stdout).toBe(`The report is in ${path.join(home, 'deep/co-sell.html')}\n`)

  const where = path.join(file, 'page.html')
  const failed = await runCli(['report', '--json', '--out', where], { cwd: home, env })
  expect(failed.code).toBe(78)
  expect(resultOf(failed)).toMatchObject({ code: 'report.not_written' })
})

/** Sums deal values of the facts, converted with the rates of `loadEuroRates`. */
async function sumFacts(db: Kysely<Database>, where: ReturnType<typeof sql>) {
  const total = await one(
    db,
    sql<{ count: number; converted: string }>`
      select count(*) as count, round(sum(case fact.currency_code
        when 'USD' then fact.deal_value_amount
        when 'EUR' then fact.deal_value_amount * ${euroRate}::numeric end), 2) as converted
      from dw.fact_referral fact
      join dw.dim_engagement deal on deal.primary_referral_key = fact.referral_key
      join dw.dim_status status on status.status_key = fact.status_key
      where ${where}`,
  )
  const { rows } = await sql<CurrencyAmount>`
    select fact.currency_code, ${minorUnit} as minor_unit, count(fact.deal_value_amount) as count,
      sum(fact.deal_value_amount) as amount
    from dw.fact_referral fact
    join dw.dim_engagement deal on deal.primary_referral_key = fact.referral_key
    join dw.dim_status status on status.status_key = fact.status_key
    where ${where} and fact.deal_value_amount is not null
    group by fact.currency_code order by fact.currency_code`.execute(db)
  const unconverted = rows.filter(({ currency_code: code }) => code !== 'USD' && code !== 'EUR')
  const amounts: Amounts = { converted: total.converted, unconverted, by_currency: rows }
  return { count: total.count, amounts }
}

/** Decimals of a currency by the three that differ in the sandbox's data. */
const minorUnit = sql`case fact.currency_code when 'JPY' then 0 when 'KWD' then 3 else 2 end`

/** Returns the sum of all groups in GBP, added up by PostgreSQL. */
async function sterling(
  db: Kysely<Database>,
  groups: readonly { amounts: Amounts }[],
): Promise<string> {
  const amounts = groups
    .flatMap(({ amounts }) => amounts.by_currency)
    .filter(({ currency_code }) => currency_code === 'GBP')
    .map(({ amount }) => amount)
  const { sum } = await one(
    db,
    sql<{ sum: string }>`select sum(amount) from unnest(${amounts}::numeric[]) amount`,
  )
  return sum
}

function sumOf(groups: readonly { count: number }[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0)
}

function byId(one: { referral_id: string }, other: { referral_id: string }): number {
  return one.referral_id < other.referral_id ? -1 : 1
}
