import { sql } from 'kysely'
import { countryName } from '../../report/page/format.ts'
import type { Choice, Choices, Option } from '../answers.ts'
import { readChoice } from '../choice.ts'
import { playSpellings } from '../rows/chosen-columns.ts'
import type { Query } from '../rows/filters.ts'

/** Reads the values of every filter. */
export async function readChoices(query: Query, today: string): Promise<Omit<Choices, 'made_at'>> {
  const preset: Choice = readChoice(new URLSearchParams(), today)
  const currency = await readReportingCurrency(query, today)
  const present = await readPresent(query)
  const firstDay = await readFirstDay(query)
  return {
    today,
    first_day: firstDay,
    ...currency,
    accounts: await readAccounts(query),
    periods: await readPeriods(query, today, firstDay),
    areas: asOptions(present.filter(({ kind }) => kind === 'area')),
    plays: present
      .filter(({ kind }) => kind === 'play')
      .map(({ value, area }) => ({ value, label: value, area })),
    countries: asOptions(
      present.filter(({ kind }) => kind === 'country'),
      countryName,
    ),
    deal_types: asOptions(present.filter(({ kind }) => kind === 'deal_type')),
    currencies: await readCurrencies(query),
    preset,
  }
}

export interface ReportingCurrency {
  readonly reporting_currency: string
  readonly reporting_minor_unit: number
  readonly is_converted: boolean
}

/** Reads the reporting currency from its rates, as a reader may: it is worth itself on every day. */
export async function readReportingCurrency(
  query: Query,
  today: string,
): Promise<ReportingCurrency> {
  const { rows } = await sql<ReportingCurrency>`
    select
      currency.currency_code as reporting_currency,
      currency.minor_unit as reporting_minor_unit,
      exists (
        select from dw.fx_rate other where other.currency_code <> currency.currency_code)
      or not exists (
        select from dw.fact_referral fact
        where fact.currency_code <> currency.currency_code and fact.deal_value_amount is not null
      ) as is_converted
    from dw.dim_currency currency
    join dw.fx_rate own
      on own.currency_code = currency.currency_code
      and own.rate_date = ${today}::date
      and own.rate_source = 'identity'`.execute(query)
  return rows[0] ?? { reporting_currency: 'USD', reporting_minor_unit: 2, is_converted: false }
}

interface Present {
  readonly kind: string
  readonly value: string
  readonly area: string
}

/** Values that occur, in their order. */
async function readPresent(query: Query): Promise<Present[]> {
  const { rows } = await sql<Present>`
    with theme as materialized (
      select referral.solution_area, referral.solution_play, referral.deal_type
      from dw.dim_referral referral
      group by referral.solution_area, referral.solution_play, referral.deal_type
    ),
    spelling as (${playSpellings})
    select 'area' as kind, theme.solution_area as value, '' as area
    from theme
    union
    select 'play', coalesce(spelling.canonical_value, theme.solution_play), theme.solution_area
    from theme
    left join spelling on spelling.enum_value = theme.solution_play
    union
    select 'deal_type', theme.deal_type, ''
    from theme
    union
    select 'country', country.code, ''
    from (
      select distinct coalesce(customer.country_code, '') as code
      from dw.dim_customer customer
    ) country
    order by kind, value, area`.execute(query)
  return rows
}

function asOptions(
  present: readonly Present[],
  labelOf: (value: string) => string = (value) => value,
): Option[] {
  return present.map(({ value }) => ({ value, label: labelOf(value) }))
}

async function readAccounts(query: Query): Promise<Option[]> {
  const { rows } = await sql<Option>`
    select account.account_code as value, account.account_name as label
    from dw.dim_partner_account account
    order by account.partner_account_key`.execute(query)
  return rows
}

async function readFirstDay(query: Query): Promise<string | null> {
  const { rows } = await sql<{ day: string | null }>`
    select min(first.day) as day
    from dw.dim_partner_account account
    cross join lateral (
      select min(fact.created_date) as day
      from dw.fact_referral fact
      where fact.partner_account_key = account.partner_account_key
    ) first`.execute(query)
  return rows[0]?.day ?? null
}

/** Fiscal years offered beyond the present one, for close dates and contract years. */
const yearsAhead = 5

/** Fiscal years from that of the first referral, each followed by its quarters, latest first. */
async function readPeriods(
  query: Query,
  today: string,
  firstDay: string | null,
): Promise<Option[]> {
  const { rows } = await sql<Option>`
    select known.label as value, known.label
    from dw.dim_date first
    join dw.dim_date now on now.date_day = ${today}::date
    join dw.dim_date day
      on day.fiscal_year between first.fiscal_year and now.fiscal_year + ${yearsAhead}::integer
    cross join lateral (
      values (day.fiscal_year_label, 0), (day.fiscal_quarter_label, day.fiscal_quarter)
    ) known (label, position)
    where first.date_day = least(${firstDay}::date, ${today}::date)
    group by known.label, day.fiscal_year, known.position
    order by day.fiscal_year desc, known.position`.execute(query)
  return rows
}

async function readCurrencies(query: Query): Promise<Choices['currencies']> {
  const { rows } = await sql<Choices['currencies'][number]>`
    select currency.currency_code as value, currency.currency_code as label, currency.minor_unit
    from dw.dim_currency currency
    where currency.currency_code in (
      select fact.currency_code from dw.fact_referral fact
      union
      select contract.currency_code from dw.fact_registration contract)
    order by currency.currency_code`.execute(query)
  return rows
}
