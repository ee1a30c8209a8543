import { type RawBuilder, sql } from 'kysely'
import type { ItemQuery } from './groups.ts'

// Queries for `groupItems`: the items of each figure with their amounts.

type Expression = RawBuilder<unknown>

const ungrouped: Grouping = { label: sql`''`, position: sql`0` }

interface Grouping {
  readonly period?: Expression
  readonly label: Expression
  readonly position: Expression
}

const dealColumns = ({ period = sql`''`, label, position }: Grouping) => sql`
  ${period} as period, ${label} as label, ${position} as position, currency_code,
  deal_value_amount as amount, deal_value_reporting_amount as converted_amount`

/** Deals, each by its primary referral: the parties of a deal have a referral each. */
const deals = (where: Expression, grouping = ungrouped): ItemQuery => sql`
  select ${dealColumns(grouping)} from mart.referral where is_deal_primary and ${where}`

const contractColumns = ({ period = sql`''`, label, position }: Grouping) => sql`
  ${period} as period, ${label} as label, ${position} as position, currency_code,
  contract_acv_amount as amount, contract_acv_reporting_amount as converted_amount`

const contracts = (where: Expression, grouping = ungrouped): ItemQuery => sql`
  select ${contractColumns(grouping)} from mart.registration where ${where}`

const byStage: Grouping = { label: sql`stage_label`, position: sql`stage_sort` }

export const openByStage = deals(sql`is_open`, byStage)

export const allOpen = deals(sql`is_open`)

/** Open deals by stage at each of the last month ends before `today`. */
export const openAtMonthEnds = (today: string, months: number): ItemQuery => sql`
  select ${dealColumns({ ...byStage, period: sql`snapshot_date::text` })}
  from mart.pipeline_month_end
  where is_deal_primary and is_open
    and snapshot_date < ${today}::date
    and snapshot_date >=
      date_trunc('month', ${today}::date) - make_interval(months => ${months}::integer)`

const inLastYear = (day: Expression, today: string) => sql`
  ${day} <= ${today}::date and ${day} > ${today}::date - interval '1 year'`

export const wonLastYear = (today: string) =>
  deals(sql`is_won and ${inLastYear(sql`closed_date`, today)}`)

export const signedLastYear = (today: string) =>
  contracts(inLastYear(sql`contract_sign_date`, today))

/** Contracts in force on the day. */
export const inForce = (today: string) =>
  contracts(
    sql`contract_start_date <= ${today}::date and contract_end_exclusive_date > ${today}::date`,
  )

/** Open referrals that expire within `days`: each of a deal needs an answer, its value counts once. */
export const expiringWithin = (today: string, days: number): ItemQuery => sql`
  select '' as period, '' as label, 0 as position, currency_code,
    deal_value_once_amount as amount, deal_value_once_reporting_amount as converted_amount
  from mart.referral
  where is_open and expiration_date
    between ${today}::date and ${today}::date + ${days}::integer`

const byQuarter: Grouping = {
  label: sql`fiscal_quarter_label`,
  position: sql`fiscal_quarter_start_date`,
}

/** Fiscal quarters up to that of `today`, from the fiscal year `yearsBefore` earlier. */
const lastQuarters = (today: string, yearsBefore: number) => sql`
  select distinct day.fiscal_quarter_label, day.fiscal_quarter_start_date
  from dw.dim_date now
  join dw.dim_date day on day.date_day <= now.date_day
    and day.fiscal_year >= now.fiscal_year - ${yearsBefore}::integer
  where now.date_day = ${today}::date`

/** Won deals by the fiscal quarter of closing; quarters without a deal are kept. */
export const wonByQuarter = (today: string, yearsBefore: number): ItemQuery => sql`
  select ${dealColumns(byQuarter)}
  from (${lastQuarters(today, yearsBefore)}) quarter
  left join mart.referral referral
    on referral.closed_fiscal_quarter = quarter.fiscal_quarter_label and referral.is_won
    and referral.is_deal_primary`

/** Contracts by the fiscal quarter of signing; quarters without a contract are kept. */
export const signedByQuarter = (today: string, yearsBefore: number): ItemQuery => sql`
  select ${contractColumns(byQuarter)}
  from (${lastQuarters(today, yearsBefore)}) quarter
  left join (
    select signed.fiscal_quarter_label as signed_quarter, registration.currency_code,
      registration.contract_acv_amount, registration.contract_acv_reporting_amount
    from mart.registration registration
    join dw.dim_date signed on signed.date_day = registration.contract_sign_date
  ) contract on contract.signed_quarter = quarter.fiscal_quarter_label`

/**
 * Contract years by the fiscal year in which they start; '' for those without a date. Fiscal years
 * from `before` to `after` that of `today` are kept even if empty.
 */
export const scheduledByFiscalYear = (
  today: string,
  before: number,
  after: number,
): ItemQuery => sql`
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

/** Registration lines with their share of the contract's annual value, by solution. */
export const linesBySolution: ItemQuery = sql`
  select '' as period, solution_name as label, ${lineColumns} from mart.acv_line`

/** Registration lines by country of the customer; '' when unknown. */
export const linesByCountry: ItemQuery = sql`
  select '' as period, coalesce(country_code, '') as label, ${lineColumns} from mart.acv_line`

/** Items of the `kept` largest labels: by converted amount, or by number without rates. */
export const largestGroups = (
  items: ItemQuery,
  kept: number,
  isConverted: boolean,
): ItemQuery => sql`
  select item.period, item.label, ranked.position, item.currency_code, item.amount,
    item.converted_amount
  from (${items}) item
  join (
    select label, row_number() over (order by
      case when ${isConverted}::boolean then sum(converted_amount) end desc nulls last,
      count(*) desc, label) as position
    from (${items}) labelled
    group by label
    order by position
    limit ${kept}
  ) ranked on ranked.label = item.label`
