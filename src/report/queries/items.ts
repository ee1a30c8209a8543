import { type RawBuilder, sql } from 'kysely'
import { type Choice, isRegistered, ofAccount, referralsOf, registrationsOf } from './choice.ts'
import { type Figure, type Items, itemColumns, noItems } from './groups.ts'

// The items of each mart that the report reads, and the figures over them by name.

type Expression = RawBuilder<unknown>

/** A figure of the rows that fulfil a condition, in one group unless a label is given. */
const figureOf = (
  where: Expression,
  { period = sql`''`, label = sql`''`, position = sql`0` } = {},
): Figure => sql`
  select ${period} as period, ${label} as label, ${position} as position, ${itemColumns}
  from sums where ${where}`

const inLastYear = (day: Expression, today: string) => sql`
  ${day} <= ${today}::date and ${day} > ${today}::date - interval '1 year'`

/** A day as a number, so that figures by day and by number have one order. */
const dayNo = (day: Expression) => sql`(${day} - date '2000-01-01')`

const byStage = { label: sql`stage_label`, position: sql`stage_sort` }

/** Days at whose end the changes of the headline begin. */
export interface PeriodEnds {
  readonly week: string
  readonly month: string
}

/**
 * The open referrals and the deals decided lately, with all that the figures of deals tell apart. What was
 * lost is counted alone, so its amount is not converted.
 */
export const referralItems = (
  choice: Choice,
  ends: PeriodEnds,
  expiringDays: number,
  yearsBefore: number,
): Items => ({
  keys: [
    ...['stage_label', 'stage_sort', 'is_open', 'is_won', 'is_decided', 'is_deal_primary'],
    ...['won_quarter', 'is_closed_last_year', 'is_expiring', 'is_overdue'],
    ...['is_closed_this_week', 'is_closed_this_month', 'is_due_this_week', 'is_due_this_month'],
  ],
  rows: sql`
    with earlier as materialized (${expiringAt(ends, expiringDays)})
    select stage_label, stage_sort, is_open, is_won, is_decided, is_deal_primary,
      case when is_won then closed_fiscal_quarter end as won_quarter,
      ${inLastYear(sql`closed_date`, choice.day)} as is_closed_last_year,
      is_open and expiration_date
        between ${choice.day}::date and ${choice.day}::date + ${expiringDays}::integer
        as is_expiring,
      is_open and expiration_date < ${choice.day}::date as is_overdue,
      closed_date > ${ends.week}::date and closed_date <= ${choice.day}::date
        as is_closed_this_week,
      closed_date > ${ends.month}::date and closed_date <= ${choice.day}::date
        as is_closed_this_month,
      ${wasExpiring(ends.week)} is not true as is_due_this_week,
      ${wasExpiring(ends.month)} is not true as is_due_this_month,
      currency_code,
      case when is_open or is_won then deal_value_amount end as amount,
      case when is_open or is_won then deal_value_reporting_amount end as converted_amount
    from (${referralsOf(choice)}) referral
    where is_open or is_deal_primary and is_decided
      and closed_date > ${choice.day}::date - make_interval(years => ${yearsBefore + 1}::integer)`,
})

/** The referrals that were open and expiring at either end; found in one look at all versions. */
const expiringAt = ({ week, month }: PeriodEnds, expiringDays: number) => sql`
      select day.snapshot_date, history.referral_key
      from dw.fact_referral_history history
      join dw.dim_status status on status.status_key = history.status_key and status.is_open
      join (values (${week}::date), (${month}::date)) day (snapshot_date)
        on history.expiration_date
          between day.snapshot_date and day.snapshot_date + ${expiringDays}::integer
        and history.valid_from_date <= day.snapshot_date
        and coalesce(history.valid_to_date, 'infinity') > day.snapshot_date
      where not history.is_missing
        and history.expiration_date between least(${week}::date, ${month}::date)
          and greatest(${week}::date, ${month}::date) + ${expiringDays}::integer`

/** Condition for the referrals that were open and expiring at the end of a day. */
const wasExpiring = (day: string) => sql`referral.referral_key in (
        select earlier.referral_key from earlier where earlier.snapshot_date = ${day}::date)`

/** Figures of deals, each by its primary referral: the parties of a deal have a referral each. */
export const dealFigures = (today: string, yearsBefore: number) => ({
  wonThisWeek: figureOf(sql`is_deal_primary and is_won and is_closed_this_week`),
  wonThisMonth: figureOf(sql`is_deal_primary and is_won and is_closed_this_month`),
  decidedThisWeek: figureOf(sql`is_deal_primary and is_decided and is_closed_this_week`),
  decidedThisMonth: figureOf(sql`is_deal_primary and is_decided and is_closed_this_month`),
  dueThisWeek: figureOf(sql`is_expiring and is_due_this_week`),
  dueThisMonth: figureOf(sql`is_expiring and is_due_this_month`),
  stages: figureOf(sql`is_deal_primary and is_open`, byStage),
  open: figureOf(sql`is_deal_primary and is_open`),
  won: figureOf(sql`is_deal_primary and is_won and is_closed_last_year`),
  decided: figureOf(sql`is_deal_primary and is_decided and is_closed_last_year`),
  wonByQuarter: byQuarter(today, yearsBefore, sql`won_quarter`, sql`sums.is_deal_primary`),
  // Each referral of a deal needs an answer; its value counts once.
  expiring: sql`
    select '' as period, '' as label, 0 as position, currency_code, item_count,
      case when is_deal_primary then amount_count else 0 end,
      case when is_deal_primary then amount end,
      case when is_deal_primary then converted_amount end,
      case when is_deal_primary then unconverted_count else 0 end,
      case when is_deal_primary then unconverted_amount end
    from sums where is_expiring`,
  overdue: figureOf(sql`is_overdue`),
})

/** The contracts, with all that their figures tell apart. */
export const contractItems = (choice: Choice, ends: PeriodEnds): Items => ({
  keys: [
    ...['registration_status', 'signed_quarter', 'is_signed_last_year', 'is_in_force'],
    ...['is_signed_this_week', 'is_signed_this_month', 'was_in_force_week', 'was_in_force_month'],
  ],
  rows: sql`
    select registration.registration_status, signed.fiscal_quarter_label as signed_quarter,
      ${inLastYear(sql`registration.contract_sign_date`, choice.day)} as is_signed_last_year,
      ${inForceOn(choice.day)} as is_in_force,
      registration.contract_sign_date > ${ends.week}::date
        and registration.contract_sign_date <= ${choice.day}::date as is_signed_this_week,
      registration.contract_sign_date > ${ends.month}::date
        and registration.contract_sign_date <= ${choice.day}::date as is_signed_this_month,
      ${inForceOn(ends.week)} as was_in_force_week,
      ${inForceOn(ends.month)} as was_in_force_month,
      registration.currency_code, registration.contract_acv_amount as amount,
      registration.contract_acv_reporting_amount as converted_amount
    from (${registrationsOf(choice)}) registration
    left join dw.dim_date signed on signed.date_day = registration.contract_sign_date`,
})

const inForceOn = (day: string) => sql`(registration.contract_start_date <= ${day}::date
        and registration.contract_end_exclusive_date > ${day}::date)`

export const contractFigures = (today: string, yearsBefore: number) => ({
  signed: figureOf(sql`is_signed_last_year`),
  inForce: figureOf(sql`is_in_force`),
  signedThisWeek: figureOf(sql`is_signed_this_week`),
  signedThisMonth: figureOf(sql`is_signed_this_month`),
  inForceWeek: figureOf(sql`was_in_force_week`),
  inForceMonth: figureOf(sql`was_in_force_month`),
  byStatus: figureOf(sql`true`, { label: sql`registration_status`, position: sql`0` }),
  signedByQuarter: byQuarter(today, yearsBefore, sql`signed_quarter`, sql`true`),
})

/**
 * Sums by fiscal quarter up to that of `today`, from the fiscal year `yearsBefore` earlier; quarters
 * without an item are kept.
 */
function byQuarter(today: string, yearsBefore: number, quarter: Expression, where: Expression) {
  const quarters = sql`
    select distinct day.fiscal_quarter_label, day.fiscal_quarter_start_date
    from dw.dim_date now
    join dw.dim_date day on day.date_day <= now.date_day
      and day.fiscal_year >= now.fiscal_year - ${yearsBefore}::integer
    where now.date_day = ${today}::date`
  return sql`
    select '' as period, fiscal_quarter_label as label,
      ${dayNo(sql`fiscal_quarter_start_date`)} as position, ${itemColumns}
    from (${quarters}) quarter
    left join sums on sums.${quarter} = quarter.fiscal_quarter_label and ${where}`
}

/**
 * Open deals by stage at each of the last month ends before `today`, as `mart.pipeline_month_end` has them.
 * That mart looks up the month ends of every version of all years, which takes twice as long.
 */
export const monthEndItems = (choice: Choice, months: number): Items => {
  const today = sql`${choice.day}::date`
  // Of a timestamp without a zone it is computed once, not for each row.
  const since = sql`(date_trunc('month', ${today}::timestamp)
        - make_interval(months => ${months}::integer))::date`
  return {
    keys: ['snapshot_date', 'stage_label', 'stage_sort'],
    rows: sql`
      select day.date_day as snapshot_date, held.stage_label, held.stage_sort, held.currency_code,
        held.deal_value_amount as amount,
        ${converted(sql`held.deal_value_amount`)} as converted_amount
      from (
        select status.stage_label, status.stage_sort, history.currency_code,
          history.deal_value_amount,
          greatest(history.valid_from_date, deal.valid_from_date, ${since}) as from_date,
          least(history.valid_to_date, deal.valid_to_date, ${today}) as to_date
        from dw.fact_referral_history history
        join dw.dim_status status on status.status_key = history.status_key and status.is_open
        join dw.fact_engagement_history deal
          on deal.primary_referral_key = history.referral_key
          and deal.partner_account_key = history.partner_account_key
        where not history.is_missing and ${ofAccount(choice, 'history')}
          and history.valid_from_date < ${today}
          and coalesce(history.valid_to_date, 'infinity') > ${since}
          and deal.valid_from_date < ${today}
          and coalesce(deal.valid_to_date, 'infinity') > ${since}
      ) held
      join dw.dim_date day
        on day.is_month_end and day.date_day >= held.from_date and day.date_day < held.to_date
      left join dw.fx_rate rate
        on rate.currency_code = held.currency_code and rate.rate_date = day.date_day`,
  }
}

/** An amount in the reporting currency by the rate of the row, as the marts convert it. */
const converted = (amount: Expression) => sql`
  case
    when rate.reporting_units = rate.currency_units then ${amount}
    when abs(${amount}) * rate.reporting_units < rate.currency_units * 999999999999999.99995
      then div(
        ${amount} * rate.reporting_units * 20000 + sign(${amount}) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4)`

export const monthEndFigures = {
  openAtMonthEnds: figureOf(sql`true`, { ...byStage, period: sql`snapshot_date::text` }),
}

/** The contract years by the fiscal year in which they start; both keys are null without a date. */
export const scheduleItems = (choice: Choice): Items => ({
  keys: ['fiscal_year', 'fiscal_year_label'],
  rows: sql`
    select day.fiscal_year, day.fiscal_year_label, contract_currency_code as currency_code,
      scheduled_contract_amount as amount, scheduled_contract_reporting_amount as converted_amount
    from mart.acv_schedule schedule
    left join dw.dim_date day on day.date_day = schedule.period_start_date
    where ${ofAccount(choice, 'schedule')} and ${isRegistered(choice, 'schedule')}`,
})

/**
 * Contract years by the fiscal year in which they start; '' for those without a date. Fiscal years
 * from `before` to `after` that of `today` are kept even if empty.
 */
export const scheduleFigures = (today: string, before: number, after: number) => ({
  schedule: sql`
    select '' as period, coalesce(fiscal_year_label, '') as label, fiscal_year as position,
      ${itemColumns}
    from sums
    union all
    select '', year.fiscal_year_label, year.fiscal_year, ${noItems}
    from (
      select distinct other.fiscal_year_label, other.fiscal_year
      from dw.dim_date now
      join dw.dim_date other on other.fiscal_year
        between now.fiscal_year - ${before}::integer and now.fiscal_year + ${after}::integer
      where now.date_day = ${today}::date
    ) year`,
})

/** The registration lines, with their share of the contract's annual value. */
export const lineItems = (choice: Choice): Items => ({
  keys: ['solution', 'country'],
  rows: sql`
    select solution_name as solution, coalesce(country_code, '') as country,
      contract_currency_code as currency_code, allocated_contract_acv_amount as amount,
      contract_acv_reporting_amount as converted_amount
    from mart.acv_line line
    where ${ofAccount(choice, 'line')} and ${isRegistered(choice, 'line')}`,
})

/**
 * The `kept` largest solutions and countries ('' when unknown), by converted amount, or by number
 * without rates; and how many there are, as the count of a figure.
 */
export const lineFigures = (kept: number, isConverted: boolean) => ({
  solutions: largest(sql`solution`, kept, isConverted),
  solutionLabels: labelsOf(sql`solution`),
  countries: largest(sql`country`, kept, isConverted),
  countryLabels: labelsOf(sql`country`),
})

const labelsOf = (label: Expression): Figure => sql`
  select '' as period, '' as label, 0 as position, null::text, count(distinct ${label}), 0,
    null::numeric, null::numeric, 0, null::numeric
  from sums`

const largest = (label: Expression, kept: number, isConverted: boolean): Figure => sql`
  select '' as period, ranked.label, ranked.position, ${itemColumns}
  from sums
  join (
    select ${label} as label, row_number() over (order by
      case when ${isConverted}::boolean then sum(converted_amount) end desc nulls last,
      sum(item_count) desc, ${label}) as position
    from sums
    group by ${label}
    order by position
    limit ${kept}
  ) ranked on ranked.label = sums.${label}`
