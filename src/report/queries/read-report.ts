import { sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { ReportData } from '../report-data.ts'
import { onlyGroup, readFigures, reportingMinorUnit } from './groups.ts'
import * as items from './items.ts'
import { readMicrosoftAcv } from './microsoft-acv.ts'
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
  // What a mart joins fits into memory, and compiling the expressions takes longer than they do.
  await sql`set local work_mem = '64MB'`.execute(query)
  await sql`set local jit = off`.execute(query)
  const currency = await readReportingCurrency(query)
  const findings = await readFindings(query)
  const [deals, contracts, monthEnds, schedule, lines] = [
    await readFigures(
      query,
      items.referralItems(today, expiringDays),
      items.dealFigures(today, fiscalYearsBefore),
    ),
    await readFigures(
      query,
      items.contractItems(today),
      items.contractFigures(today, fiscalYearsBefore),
    ),
    await readFigures(query, items.monthEndItems(today, monthEndsShown), items.monthEndFigures),
    await readFigures(
      query,
      items.scheduleItems,
      items.scheduleFigures(today, scheduleYearsBefore, scheduleYearsAfter),
    ),
    await readFigures(
      query,
      items.lineItems,
      items.lineFigures(rankedShown, currency.is_converted),
    ),
  ]
  const won = onlyGroup(deals.won)
  return {
    made_at: madeAt,
    day: today,
    ...currency,
    accounts: await readAccounts(query, madeAt, findings),
    findings,
    headline: {
      fiscal_year_label: await readFiscalYear(query, today),
      won_count: won.count,
      decided_count: onlyGroup(deals.decided).count,
      open: onlyGroup(deals.open),
      won,
      signed: onlyGroup(contracts.signed),
      in_force: onlyGroup(contracts.inForce),
    },
    stages: deals.stages,
    month_ends: monthEnds.openAtMonthEnds,
    funnel: await readFunnel(query, today, funnelMonths),
    won_by_quarter: deals.wonByQuarter,
    signed_by_quarter: contracts.signedByQuarter,
    schedule: schedule.schedule,
    registrations: await readRegistrations(query, contracts.byStatus),
    expiring: {
      days: expiringDays,
      group: onlyGroup(deals.expiring),
      overdue_count: onlyGroup(deals.overdue).count,
      referrals: await readExpiring(query, today, expiringDays),
    },
    solutions: { groups: lines.solutions, label_count: onlyGroup(lines.solutionLabels).count },
    countries: { groups: lines.countries, label_count: onlyGroup(lines.countryLabels).count },
    microsoft_acv: await readMicrosoftAcv(query),
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

async function readFiscalYear(query: Kysely<Database>, today: string): Promise<string> {
  const day = await query
    .selectFrom('dw.dim_date')
    .select('fiscal_year_label')
    .where('date_day', '=', today)
    .executeTakeFirst()
  return day?.fiscal_year_label ?? ''
}
