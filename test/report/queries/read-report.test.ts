import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { exact, whole } from '../../../src/report/page/format.ts'
import { renderReport } from '../../../src/report/page/report-page.ts'
import { readReportFigures } from '../../../src/report/queries/read-report.ts'
import type { Amounts } from '../../../src/report/report-data.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import {
  businessDay,
  euroRate,
  loadEuroRates,
  loadedOnce,
  one,
} from '../../support/report-warehouse.ts'
import { resultOf, runCli } from '../../support/run-cli.ts'

const now = new Date('2026-07-01T05:20:00Z')
const loaded = loadedOnce({ referrals: 400, seed: 3, broken: 1 })

test('an empty warehouse makes an empty page', () =>
  withDatabase(async (db) => {
    const page = renderReport(await readReportFigures(db, now))
    expect(page).toContain('The warehouse is empty')
  }))

test('the figures of the page are those that plain SQL over the facts gives', async () => {
  const { db } = loaded()
  await loadEuroRates(db)
  const figures = await readReportFigures(db, now, businessDay)
  const page = renderReport(figures)

  const open = await sumFacts(db, sql`status.is_open`)
  expect(figures.headline.open).toMatchObject({ count: open.count, amounts: open.amounts })
  expect(open.amounts.unconverted.length).toBeGreaterThan(2)
  expect(page).toContain(exact(open.amounts.converted ?? '', 'USD'))
  for (const { currency_code, amount } of open.amounts.unconverted) {
    expect(page).toContain(`<bdi>${currency_code}</bdi> ${exact(amount, currency_code)}`)
  }

  const won = await sumFacts(
    db,
    sql`status.is_won and fact.closed_date between date '2025-07-01' and ${businessDay}::date`,
  )
  expect(figures.headline.won).toMatchObject({ count: won.count, amounts: won.amounts })
  const lastQuarter = await sumFacts(
    db,
    sql`status.is_won and fact.closed_date between date '2026-04-01' and date '2026-06-30'`,
  )
  expect(figures.won_by_quarter.map(({ label }) => label)).toHaveLength(12)
  expect(figures.won_by_quarter.at(-1)).toMatchObject({
    label: 'FY26 Q4',
    count: lastQuarter.count,
    amounts: lastQuarter.amounts,
  })
  expect(sumOf(figures.stages)).toBe(open.count)
})

test('the course, the funnel, the schedule and the rankings agree with the facts', async () => {
  const { db } = loaded()
  await loadEuroRates(db)
  const figures = await readReportFigures(db, now, businessDay)

  const monthEnd = '2025-12-31'
  const then = await one(
    db,
    sql<{ open: number }>`
        select count(*) as open
        from dw.fact_referral_history version
        join dw.dim_status status on status.status_key = version.status_key and status.is_open
        where version.valid_from < timestamptz '2026-01-01Z'
          and coalesce(version.valid_to, 'infinity') >= timestamptz '2026-01-01Z'`,
  )
  const thatMonth = figures.month_ends.filter(({ period }) => period === monthEnd)
  expect(sumOf(thatMonth)).toBe(then.open)
  expect(new Set(figures.month_ends.map(({ period }) => period)).size).toBe(24)

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
  const [created, accepted, won, registered, approved] = figures.funnel.steps
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
  expect(await sterling(db, figures.registrations)).toBe(contracts.acv)
  expect(await sterling(db, figures.schedule)).toBe(contracts.scheduled)
  expect(figures.countries).toMatchObject({ label_count: contracts.countries })

  const inDollars = figures.solutions.groups.map(({ amounts }) => Number(amounts.converted))
  expect(inDollars).toEqual(inDollars.toSorted((left, right) => right - left))
})

test('expiring referrals, findings, quarantine and freshness are those of the warehouse', async () => {
  const { db } = loaded()
  const figures = await readReportFigures(db, now, businessDay)
  const soon = await sql<{ referral_id: string; days_left: number }>`
      select dim.referral_id, fact.expiration_date - ${businessDay}::date as days_left
      from dw.fact_referral fact
      join dw.dim_referral dim on dim.referral_key = fact.referral_key
      join dw.dim_status status on status.status_key = fact.status_key and status.is_open
      where fact.expiration_date between ${businessDay}::date and ${businessDay}::date + 30`.execute(
    db,
  )
  const shown = figures.expiring.referrals.map(({ referral_id, days_left }) => ({
    referral_id,
    days_left,
  }))
  expect(shown.toSorted(byId)).toEqual(soon.rows.toSorted(byId))
  expect(figures.expiring.group.count).toBe(soon.rows.length)

  const kept = await one(
    db,
    sql<{ findings: number; quarantined: number; published: string }>`
        select (select count(*) from etl.dq_finding) as findings,
          (select count(*) from etl.quarantine) as quarantined,
          (select max(published_at) from etl.run) as published`,
  )
  expect(kept.quarantined).toBe(1)
  expect(figures.accounts).toMatchObject([
    {
      account: 'demo',
      open_finding_count: kept.findings,
      quarantine_count: 1,
      last_published_at: kept.published,
    },
  ])
  const counted = figures.findings.reduce((sum, { finding_count }) => sum + finding_count, 0)
  expect(counted).toBe(kept.findings)
  expect(renderReport(figures)).toContain(`>${whole(kept.findings)}<`)
})

test('no text of people is on the page', async () => {
  const { db } = loaded()
  const page = renderReport(await readReportFigures(db, now, businessDay))
  const people = await sql<{ text: string }>`
      select distinct text
      from pii.contact, lateral (values (email), (first_name || ' ' || last_name)) person (text)
      where length(text) > 5`.execute(db)
  expect(people.rows.length).toBeGreaterThan(50)
  expect(people.rows.filter(({ text }) => page.includes(text))).toEqual([])
})

test('without rates every amount is there in its own currency, and twice the same page', async () => {
  const { db } = loaded()
  await sql`delete from dw.fx_rate where currency_code <> 'USD'`.execute(db)
  const figures = await readReportFigures(db, now, businessDay)
  expect(figures.is_converted).toBe(false)
  const page = renderReport(figures)
  const { rows } = await sql<{ currency_code: string; amount: string }>`
      select fact.currency_code, sum(fact.deal_value_amount) as amount
      from dw.fact_referral fact
      join dw.dim_status status on status.status_key = fact.status_key and status.is_open
      group by fact.currency_code having sum(fact.deal_value_amount) is not null`.execute(db)
  expect(rows.length).toBeGreaterThan(3)
  for (const { currency_code, amount } of rows) {
    expect(page).toContain(
      `<bdi>${currency_code}</bdi></th><td>${exact(amount, currency_code)}</td>`,
    )
  }
  expect(renderReport(await readReportFigures(db, now, businessDay))).toBe(page)
})

test('the command writes the page into COSELL_HOME, or to where it is told, in one move', async () => {
  const { home, url } = loaded()
  const env = { COSELL_DATABASE_URL: url, COSELL_HOME: path.join(home, 'new') }
  const plain = await runCli(['report', '--json'], { cwd: home, env })
  const file = path.join(home, 'new', 'report.html')
  const { size } = await stat(file)
  expect(resultOf(plain)).toEqual({ status: 'written', file, bytes: size })
  expect(await readdir(path.dirname(file))).toEqual(['report.html'])

  const told = await runCli(['report', '--out', 'deep/co-sell.html'], { cwd: home, env })
  expect(told.stdout).toBe(`The report is in ${path.join(home, 'deep/co-sell.html')}\n`)

  const where = path.join(file, 'page.html')
  const refused = await runCli(['report', '--json', '--out', where], { cwd: home, env })
  expect(refused.code).toBe(78)
  expect(resultOf(refused)).toMatchObject({ code: 'report.not_written' })
})

/** Deal values of the facts, converted by what the test gave as rates. */
async function sumFacts(db: Kysely<Database>, where: ReturnType<typeof sql>) {
  const total = await one(
    db,
    sql<{ count: number; converted: string }>`
      select count(*) as count, round(sum(case fact.currency_code
        when 'USD' then fact.deal_value_amount
        when 'EUR' then fact.deal_value_amount * ${euroRate}::numeric end), 2) as converted
      from dw.fact_referral fact
      join dw.dim_status status on status.status_key = fact.status_key
      where ${where}`,
  )
  const { rows } = await sql<{ currency_code: string; count: number; amount: string }>`
    select fact.currency_code, count(fact.deal_value_amount) as count,
      sum(fact.deal_value_amount) as amount
    from dw.fact_referral fact
    join dw.dim_status status on status.status_key = fact.status_key
    where ${where} and fact.deal_value_amount is not null
    group by fact.currency_code order by fact.currency_code`.execute(db)
  const unconverted = rows.filter(({ currency_code: code }) => code !== 'USD' && code !== 'EUR')
  const amounts: Amounts = { converted: total.converted, unconverted, by_currency: rows }
  return { count: total.count, amounts }
}

/** What all groups together have in GBP, added up by PostgreSQL. */
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
