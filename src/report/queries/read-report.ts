import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { Headline, Ranking, ReportData } from '../report-data.ts'
import { groupItems, type ItemQuery, reportingMinorUnit, sumItems } from './groups.ts'
import * as items from './items.ts'
import {
  readAccounts,
  readExpiring,
  readFindings,
  readFunnel,
  readRegistrations,
} from './themes.ts'

const monthEndsShown = 24
const fiscalYearsBefore = 2
const scheduleYearsBefore = 3
const scheduleYearsAfter = 5
const funnelMonths = 24
const expiringDays = 30
const rankedShown = 10

/**
 * Reads the figures of the report page for the business of `day`, over all accounts, in one
 * snapshot. They come from `mart` wherever possible and contain nothing about people.
 */
export function readReport(
  query: Kysely<Database>,
  now: Date,
  day = now.toISOString().slice(0, 10),
): Promise<ReportData> {
  return query
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((snapshot) => readAll(snapshot, now.toISOString(), day))
}

async function readAll(
  query: Kysely<Database>,
  madeAt: string,
  today: string,
): Promise<ReportData> {
  const currency = await readReportingCurrency(query)
  const rank = (ranked: ItemQuery) => readRanking(query, ranked, currency.is_converted)
  return {
    made_at: madeAt,
    day: today,
    ...currency,
    accounts: await readAccounts(query, madeAt),
    findings: await readFindings(query),
    headline: await readHeadline(query, today),
    stages: await groupItems(query, items.openByStage),
    month_ends: await groupItems(query, items.openAtMonthEnds(today, monthEndsShown)),
    funnel: await readFunnel(query, today, funnelMonths),
    won_by_quarter: await groupItems(query, items.wonByQuarter(today, fiscalYearsBefore)),
    signed_by_quarter: await groupItems(query, items.signedByQuarter(today, fiscalYearsBefore)),
    schedule: await groupItems(
      query,
      items.scheduledByFiscalYear(today, scheduleYearsBefore, scheduleYearsAfter),
    ),
    registrations: await readRegistrations(query),
    expiring: await readExpiring(query, today, expiringDays),
    solutions: await rank(items.linesBySolution),
    countries: await rank(items.linesByCountry),
  }
}

type ReportingCurrency = Pick<
  ReportData,
  'reporting_currency' | 'reporting_minor_unit' | 'is_converted'
>

async function readReportingCurrency(query: Kysely<Database>): Promise<ReportingCurrency> {
  const { rows } = await sql<ReportingCurrency>`
    select
      setting.setting_value as reporting_currency,
      ${reportingMinorUnit} as reporting_minor_unit,
      exists (
        select from dw.fx_rate rate where rate.currency_code <> setting.setting_value)
      or not exists (
        select from dw.fact_referral fact
        where fact.currency_code <> setting.setting_value and fact.deal_value_amount is not null
      ) as is_converted
    from etl.setting setting
    where setting.setting_name = 'reporting_currency'`.execute(query)
  return rows[0] ?? { reporting_currency: 'USD', reporting_minor_unit: 2, is_converted: false }
}

async function readHeadline(query: Kysely<Database>, today: string): Promise<Headline> {
  const { rows } = await sql<Pick<Headline, 'fiscal_year_label' | 'won_count' | 'decided_count'>>`
    select
      today.fiscal_year_label,
      count(*) filter (where referral.is_won) as won_count,
      count(referral.is_decided) as decided_count
    from dw.dim_date today
    left join mart.referral referral
      on referral.is_decided
      and referral.is_deal_primary
      and referral.closed_date > today.date_day - interval '1 year'
      and referral.closed_date <= today.date_day
    where today.date_day = ${today}::date
    group by today.fiscal_year_label`.execute(query)
  return {
    ...(rows[0] ?? { fiscal_year_label: '', won_count: 0, decided_count: 0 }),
    open: await sumItems(query, items.allOpen),
    won: await sumItems(query, items.wonLastYear(today)),
    signed: await sumItems(query, items.signedLastYear(today)),
    in_force: await sumItems(query, items.inForce(today)),
  }
}

async function readRanking(
  query: Kysely<Database>,
  ranked: ItemQuery,
  isConverted: boolean,
): Promise<Ranking> {
  const groups = await groupItems(query, items.largestGroups(ranked, rankedShown, isConverted))
  const { rows } = await sql<{ label_count: number }>`
    select count(distinct label) as label_count from (${ranked}) item`.execute(query)
  return { groups, label_count: rows[0]?.label_count ?? 0 }
}
