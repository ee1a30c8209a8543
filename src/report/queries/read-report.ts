import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { ReportData, Since } from '../report-data.ts'
import { type AccountChoice, type Choice, ofAccount } from './choice.ts'
import { onlyGroup, readFigures, readSummed, reportingMinorUnit } from './groups.ts'
import * as items from './items.ts'
import { readMicrosoftAcv } from './microsoft-acv.ts'
import { inSnapshot, readSideBySide } from './side-by-side.ts'
import { movementFigure, readPeriodEnds } from './since.ts'
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

/** What a report may be narrowed to. */
export interface ReportRequest {
  /** Name of the only account; all unless given. */
  readonly account?: string | undefined
  /** Show deals and registrations as they stood at the end of the day, not as they are now. */
  readonly isAsOf?: boolean
}

/**
 * Reads the figures of the report page for the business of `day`, over all accounts unless one is
 * asked for, in one snapshot. They come from `mart` wherever possible and contain nothing about people.
 *
 * @throws CosellError `usage` for an unknown account, or a day to come as of which nothing stood yet.
 */
export async function readReport(
  query: Kysely<Database>,
  now: Date,
  day = dayIn(now),
  { account, isAsOf = false }: ReportRequest = {},
): Promise<ReportData> {
  if (isAsOf) requirePast(day, dayIn(now))
  return inSnapshot(query, async (snapshot) => {
    const accountKey = account === undefined ? null : await readAccountKey(snapshot, account)
    const choice = { day, isAsOf, accountKey }
    const report = await readAll(query, snapshot, now.toISOString(), choice)
    return { ...report, day, is_as_of: isAsOf }
  })
}

/** Day on which an instant falls, in UTC. */
function dayIn(now: Date): string {
  return now.toISOString().slice(0, 10)
}

function requirePast(day: string, today: string) {
  if (day <= today) return
  const text = `--as-of: expected a day up to today, ${today} in UTC, got ${day}. Give a day that is over, or leave it out.`
  throw new CosellError('report.future_day', text)
}

async function readAccountKey(query: Kysely<Database>, account: string): Promise<number> {
  const accounts = await query
    .selectFrom('dw.dim_partner_account')
    .select(['account_code', 'partner_account_key'])
    .orderBy('partner_account_key')
    .execute()
  const found = accounts.find(({ account_code }) => account_code === account)
  if (found !== undefined) return found.partner_account_key
  const names = accounts.map(({ account_code }) => account_code).join(', ')
  const text = `The warehouse has no account "${account}". Expected one of: ${names || '(none yet)'}.`
  throw new CosellError('account.unknown', text)
}

async function readAll(
  query: Kysely<Database>,
  snapshot: Kysely<Database>,
  madeAt: string,
  choice: Choice,
): Promise<Omit<ReportData, 'day' | 'is_as_of'>> {
  const today = choice.day
  const currency = await readReportingCurrency(snapshot, choice)
  const ends = await readPeriodEnds(snapshot, choice)
  // The longest first, so that none is left over at the end.
  const read = await readSideBySide(query, snapshot, {
    monthEnds: (one) =>
      readFigures(one, items.monthEndItems(choice, monthEndsShown), items.monthEndFigures),
    deals: (one) =>
      readFigures(
        one,
        items.referralItems(choice, ends, expiringDays, fiscalYearsBefore),
        items.dealFigures(today, fiscalYearsBefore),
      ),
    month: (one) => readSummed(one, { movement: movementFigure(choice, ends.month) }),
    week: (one) => readSummed(one, { movement: movementFigure(choice, ends.week) }),
    schedule: (one) =>
      readFigures(
        one,
        items.scheduleItems(choice),
        items.scheduleFigures(today, scheduleYearsBefore, scheduleYearsAfter),
      ),
    lines: (one) =>
      readFigures(
        one,
        items.lineItems(choice),
        items.lineFigures(rankedShown, currency.is_converted),
      ),
    expiring: (one) => readExpiring(one, choice, expiringDays),
    funnel: (one) => readFunnel(one, choice, funnelMonths),
    contracts: async (one) => {
      const figures = await readFigures(
        one,
        items.contractItems(choice, ends),
        items.contractFigures(today, fiscalYearsBefore),
      )
      return { ...figures, registrations: await readRegistrations(one, choice, figures.byStatus) }
    },
    quality: async (one) => {
      const findings = await readFindings(one, choice)
      return { findings, accounts: await readAccounts(one, madeAt, findings, choice) }
    },
    microsoftAcv: (one) => readMicrosoftAcv(one, choice),
    fiscalYear: (one) => readFiscalYear(one, today),
  })
  const { deals, contracts, lines } = read
  const won = onlyGroup(deals.won)
  const since: Since[] = [
    {
      day: ends.week,
      won: onlyGroup(deals.wonThisWeek),
      decided_count: onlyGroup(deals.decidedThisWeek).count,
      signed: onlyGroup(contracts.signedThisWeek),
      in_force: onlyGroup(contracts.inForceWeek),
      due: onlyGroup(deals.dueThisWeek),
      movement: read.week.movement,
    },
    {
      day: ends.month,
      won: onlyGroup(deals.wonThisMonth),
      decided_count: onlyGroup(deals.decidedThisMonth).count,
      signed: onlyGroup(contracts.signedThisMonth),
      in_force: onlyGroup(contracts.inForceMonth),
      due: onlyGroup(deals.dueThisMonth),
      movement: read.month.movement,
    },
  ]
  return {
    made_at: madeAt,
    ...currency,
    accounts: read.quality.accounts,
    findings: read.quality.findings,
    headline: {
      fiscal_year_label: read.fiscalYear,
      won_count: won.count,
      decided_count: onlyGroup(deals.decided).count,
      open: onlyGroup(deals.open),
      won,
      signed: onlyGroup(contracts.signed),
      in_force: onlyGroup(contracts.inForce),
      since,
    },
    stages: deals.stages,
    month_ends: read.monthEnds.openAtMonthEnds,
    funnel: read.funnel,
    won_by_quarter: deals.wonByQuarter,
    signed_by_quarter: contracts.signedByQuarter,
    schedule: read.schedule.schedule,
    registrations: contracts.registrations,
    expiring: {
      days: expiringDays,
      group: onlyGroup(deals.expiring),
      overdue_count: onlyGroup(deals.overdue).count,
      ...read.expiring,
    },
    solutions: { groups: lines.solutions, label_count: onlyGroup(lines.solutionLabels).count },
    countries: { groups: lines.countries, label_count: onlyGroup(lines.countryLabels).count },
    microsoft_acv: read.microsoftAcv,
  }
}

type ReportingCurrency = Pick<
  ReportData,
  'reporting_currency' | 'reporting_minor_unit' | 'is_converted'
>

async function readReportingCurrency(
  query: Kysely<Database>,
  choice: AccountChoice,
): Promise<ReportingCurrency> {
  const { rows } = await sql<ReportingCurrency>`
    select
      setting.setting_value as reporting_currency,
      ${reportingMinorUnit} as reporting_minor_unit,
      exists (
        select from dw.fx_rate rate where rate.currency_code <> setting.setting_value)
      or not exists (
        select from dw.fact_referral fact
        where fact.currency_code <> setting.setting_value and fact.deal_value_amount is not null
          and ${ofAccount(choice, 'fact')}
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
