import { type RawBuilder, sql } from 'kysely'
import type { Items } from './groups.ts'

// Each of these feeds `groupItems`: what is one item of a theme, and what it is worth.

type Expression = RawBuilder<unknown>

const all: Place = { label: sql`''`, position: sql`0` }

interface Place {
  readonly period?: Expression
  readonly label: Expression
  readonly position: Expression
}

const dealColumns = ({ period = sql`''`, label, position }: Place) => sql`
  ${period} as period, ${label} as label, ${position} as position, currency_code,
  deal_value_amount as amount, deal_value_reporting_amount as converted_amount`

const deals = (where: Expression, place = all): Items => sql`
  select ${dealColumns(place)} from mart.referral where ${where}`

const contractColumns = ({ period = sql`''`, label, position }: Place) => sql`
  ${period} as period, ${label} as label, ${position} as position, currency_code,
  contract_acv_amount as amount, contract_acv_reporting_amount as converted_amount`

const contracts = (where: Expression, place = all): Items => sql`
  select ${contractColumns(place)} from mart.registration where ${where}`

const byStage: Place = { label: sql`stage_label`, position: sql`stage_sort` }

export const openByStage = deals(sql`is_open`, byStage)

export const allOpen = deals(sql`is_open`)

/** Open referrals by stage as they stood at each of the last month ends before `today`. */
export const openAtMonthEnds = (today: string, months: number): Items => sql`
  select ${dealColumns({ ...byStage, period: sql`snapshot_date::text` })}
  from mart.pipeline_month_end
  where is_open
    and snapshot_date < ${today}::date
    and snapshot_date >=
      date_trunc('month', ${today}::date) - make_interval(months => ${months}::integer)`

const inLastYear = (day: Expression, today: string) => sql`
  ${day} <= ${today}::date and ${day} > ${today}::date - interval '1 year'`

export const wonLastYear = (today: string) =>
  deals(sql`is_won and ${inLastYear(sql`closed_date`, today)}`)

export const signedLastYear = (today: string) =>
  contracts(inLastYear(sql`contract_sign_date`, today))

/** Contracts that run on the day. */
export const inForce = (today: string) =>
  contracts(
    sql`contract_start_date <= ${today}::date and contract_end_exclusive_date > ${today}::date`,
  )

/** Open referrals that expire within so many days. */
export const expiringWithin = (today: string, days: number) =>
  deals(sql`is_open and expiration_date
    between ${today}::date and ${today}::date + ${days}::integer`)

const quarterPlace: Place = {
  label: sql`fiscal_quarter_label`,
  position: sql`fiscal_quarter_start_date`,
}

/** The quarters of the fiscal year of `today`, up to its own, and of so many years before. */
const lastQuarters = (today: string, yearsBefore: number) => sql`
  select distinct day.fiscal_quarter_label, day.fiscal_quarter_start_date
  from dw.dim_date now
  join dw.dim_date day on day.date_day <= now.date_day
    and day.fiscal_year >= now.fiscal_year - ${yearsBefore}::integer
  where now.date_day = ${today}::date`

/** Won referrals by the fiscal quarter in which they closed; quarters without any are kept. */
export const wonByQuarter = (today: string, yearsBefore: number): Items => sql`
  select ${dealColumns(quarterPlace)}
  from (${lastQuarters(today, yearsBefore)}) quarter
  left join mart.referral referral
    on referral.closed_fiscal_quarter = quarter.fiscal_quarter_label and referral.is_won`

/** Contracts by the fiscal quarter in which they were signed; quarters without any are kept. */
export const signedByQuarter = (today: string, yearsBefore: number): Items => sql`
  select ${contractColumns(quarterPlace)}
  from (${lastQuarters(today, yearsBefore)}) quarter
  left join (
    select signed.fiscal_quarter_label as signed_quarter, registration.currency_code,
      registration.contract_acv_amount, registration.contract_acv_reporting_amount
    from mart.registration registration
    join dw.dim_date signed on signed.date_day = registration.contract_sign_date
  ) contract on contract.signed_quarter = quarter.fiscal_quarter_label`

/**
 * What falls into each fiscal year, by the start of the contract year; '' where it has no date.
 * Years so near to that of `today` are kept without any.
 */
export const scheduledByFiscalYear = (today: string, before: number, after: number): Items => sql`
  select '' as period, coalesce(schedule.period_start_fiscal_year, '') as label,
    day.fiscal_year as position, schedule.contract_currency_code as currency_code,
    schedule.scheduled_contract_amount as amount,
    schedule.scheduled_contract_reporting_amount as converted_amount
  from mart.acv_schedule schedule
  left join dw.dim_date day on day.date_day = schedule.period_start_date
  union all
  select distinct '', year.fiscal_year_label, year.fiscal_year, null, null::numeric, null::numeric
  from dw.dim_date now
  join dw.dim_date year on year.fiscal_year
    between now.fiscal_year - ${before}::integer and now.fiscal_year + ${after}::integer
  where now.date_day = ${today}::date`

export const registrationsByStatus = contracts(sql`true`, {
  label: sql`registration_status`,
  position: sql`0`,
})

const lineColumns = sql`0 as position, contract_currency_code as currency_code,
  allocated_contract_acv_amount as amount, contract_acv_reporting_amount as converted_amount`

/** Lines of registrations with their share of the contract's annual value, by solution. */
export const linesBySolution: Items = sql`
  select '' as period, solution_name as label, ${lineColumns} from mart.acv_line`

/** The same by the customer's country; '' where none is given. */
export const linesByCountry: Items = sql`
  select '' as period, coalesce(country_code, '') as label, ${lineColumns} from mart.acv_line`

/** The items of the `kept` labels that are worth most; of those with most items `byNumber`. */
export const largest = (of: Items, kept: number, isConverted: boolean): Items => sql`
  select item.period, item.label, place.position, item.currency_code, item.amount,
    item.converted_amount
  from (${of}) item
  join (
    select label, row_number() over (order by
      case when ${isConverted}::boolean then sum(converted_amount) end desc nulls last,
      count(*) desc, label) as position
    from (${of}) ranked
    group by label
    order by position
    limit ${kept}
  ) place on place.label = item.label`
