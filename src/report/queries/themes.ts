import { type RawBuilder, sql } from 'kysely'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type {
  AccountFreshness,
  ExpiringReferral,
  FindingCount,
  Funnel,
  FunnelStep,
  PeriodGroup,
  RegistrationGroup,
} from '../report-data.ts'
import {
  type AccountChoice,
  allAccounts,
  type Choice,
  ofAccount,
  referralsOf,
  registrationsOf,
} from './choice.ts'
import { minorUnitOf } from './groups.ts'

const expiringShown = 20

/** Open referrals that expire within some days, soonest first, and those overdue, latest first. */
interface ExpiringReferrals {
  readonly referrals: ExpiringReferral[]
  readonly overdue: ExpiringReferral[]
}

/** Reads the next open referrals to expire within `days`, and those whose day passed last. */
export async function readExpiring(
  query: Kysely<Database>,
  choice: Choice,
  days: number,
): Promise<ExpiringReferrals> {
  const { rows } = await sql<ExpiringReferral & { position: number }>`
    with open as materialized (
      select account_code, referral_id, referral_name, stage_label, expiration_date,
        expiration_date - ${choice.day}::date as days_left, deal_value_amount,
        deal_value_reporting_amount, currency_code
      from (${referralsOf(choice)}) referral
      where is_open and expiration_date <= ${choice.day}::date + ${days}::integer
    ),
    ranked as (
      select open.*, row_number() over (partition by days_left < 0
        order by abs(days_left), deal_value_reporting_amount desc nulls last, account_code,
          referral_id) as position
      from open
    )
    select account_code as account, referral_id, referral_name, stage_label, expiration_date,
      days_left, deal_value_amount as amount, currency_code, ${minorUnitOf('ranked')} as minor_unit,
      position
    from ranked
    where position <= ${expiringShown}
    order by position`.execute(query)
  const referrals = rows.map(({ position: _, ...referral }) => referral)
  return {
    referrals: referrals.filter(({ days_left }) => days_left >= 0),
    overdue: referrals.filter(({ days_left }) => days_left < 0),
  }
}

/** Reads how many referrals created in the last `months` reached each step, and how fast. */
export async function readFunnel(
  query: Kysely<Database>,
  choice: Choice,
  months: number,
): Promise<Funnel> {
  const today = choice.day
  const since = sql`(date_trunc('month', ${today}::timestamp)
    - make_interval(months => ${months}::integer))::date`
  const { rows } = await sql<FunnelStep & { since: string }>`
    with cohort as (
      select created_date, accepted_date, registered_date, registration_approved_date, is_won,
        days_to_accept, days_to_close
      from (${referralsOf(choice)}) referral
      where created_date >= ${since} and created_date <= ${today}::date
    ),
    reached as (
      select count(*) as created, count(accepted_date) as accepted,
        count(*) filter (where is_won) as won, count(registered_date) as registered,
        count(registration_approved_date) as approved,
        ${medianOf(sql`days_to_accept`, sql`accepted_date is not null`)} as days_to_accept,
        ${medianOf(sql`days_to_close`, sql`is_won`)} as days_to_close,
        ${medianOf(sql`registered_date - created_date`, sql`registered_date is not null`)}
          as days_to_register,
        ${medianOf(
          sql`registration_approved_date - created_date`,
          sql`registration_approved_date is not null`,
        )} as days_to_approve
      from cohort
      having count(*) > 0
    )
    select ${since} as since, step.label, step.count, step.median_days
    from reached
    cross join lateral (
      values
        (1, 'Created', created, null),
        (2, 'Accepted', accepted, days_to_accept),
        (3, 'Won', won, days_to_close),
        (4, 'Registered', registered, days_to_register),
        (5, 'Approved', approved, days_to_approve)
    ) step (position, label, count, median_days)
    order by step.position`.execute(query)
  const steps = rows.map(({ since: _, ...step }) => step)
  return { since: rows[0]?.since ?? today, steps }
}

const medianOf = (days: RawBuilder<unknown>, isReached: RawBuilder<unknown>) => sql`
        percentile_cont(0.5) within group (order by ${days}) filter (where ${isReached})`

/** Adds the days to approval to the registrations by state, most frequent first. */
export async function readRegistrations(
  query: Kysely<Database>,
  choice: Choice,
  groups: readonly PeriodGroup[],
): Promise<RegistrationGroup[]> {
  const { rows } = await sql<Omit<RegistrationGroup, 'count' | 'amounts'>>`
    select registration_status as label,
      percentile_cont(0.5) within group (order by approval_lead_days)::float8 as median_lead_days,
      percentile_cont(0.9) within group (order by approval_lead_days)::float8 as slow_lead_days
    from (${registrationsOf(choice)}) registration
    group by registration_status`.execute(query)
  const leads = new Map(rows.map((row) => [row.label, row]))
  return groups
    .map((group) => ({ ...group, ...(leads.get(group.label) ?? noLead) }))
    .sort((one, other) => other.count - one.count)
}

const noLead = { median_lead_days: null, slow_lead_days: null }

/** Reads the freshness of each account at `now`; of the `findings` their number. */
export async function readAccounts(
  query: Kysely<Database>,
  now: string,
  findings: readonly FindingCount[],
  choice: AccountChoice = allAccounts,
): Promise<AccountFreshness[]> {
  const { rows } = await sql<Omit<AccountFreshness, 'open_finding_count'>>`
    select status.account_code as account,
      (select count(*) from dw.fact_referral fact
        where fact.partner_account_key = status.partner_account_key) as referral_count,
      status.published_at as last_published_at,
      round(extract(epoch from ${now}::timestamptz - status.published_at) / 3600, 1)::float8
        as age_hours,
      status.quarantined_referral_count as quarantine_count
    from mart.load_status status
    where ${ofAccount(choice, 'status')}
    order by status.partner_account_key`.execute(query)
  const countOf = (account: string) =>
    findings
      .filter((finding) => finding.account === account)
      .reduce((sum, finding) => sum + finding.finding_count, 0)
  return rows.map(({ quarantine_count, ...row }) => ({
    ...row,
    open_finding_count: countOf(row.account),
    quarantine_count,
  }))
}

/** Counts open findings by account and rule, most severe and most frequent first. */
export async function readFindings(
  query: Kysely<Database>,
  choice: AccountChoice = allAccounts,
): Promise<FindingCount[]> {
  const { rows } = await sql<FindingCount>`
    select account_code as account, rule_code, severity, count(*) as finding_count
    from mart.data_quality finding
    where ${ofAccount(choice, 'finding')}
    group by account_code, rule_code, severity
    order by array_position(array['error', 'warn', 'info'], severity), count(*) desc,
      rule_code, account_code`.execute(query)
  return rows
}
