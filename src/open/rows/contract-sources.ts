import { sql } from 'kysely'
import { requireOneOf } from '../choice.ts'
import { head, ofReferral, playSpellings, recent, tail, value } from './chosen-columns.ts'
import { type Chosen, type Expression, filterOf } from './filters.ts'
import { bucketsOf, columnsOf, equals, type Source, waitingBuckets } from './source.ts'

// Contracts that can be listed, their lines and their years. Marts give the meaning, this file the choice.

/**
 * The referral that a contract is on, for the choice. Not mart.referral, which leaves out what the
 * source no longer shows: contracts stay. Joins that nothing asks for are left out by PostgreSQL.
 */
const joined = (contract: string) => sql`
  left join dw.dim_partner_account account
    on account.partner_account_key = ${sql.ref(`${contract}.partner_account_key`)}
  left join dw.dim_referral referral
    on referral.referral_key = ${sql.ref(`${contract}.referral_key`)}
    and referral.partner_account_key = ${sql.ref(`${contract}.partner_account_key`)}
  left join (${playSpellings}) spelling on spelling.enum_value = referral.solution_play`

const play = sql`coalesce(spelling.canonical_value, referral.solution_play)`

/** Columns that a choice filters, of rows with an account, a country and a currency of their own. */
const ofContract = (contract: string, currency: string, day?: string) => ({
  ...ofReferral(day === undefined ? undefined : sql.ref(day), sql.ref(`${contract}.${currency}`)),
  account: sql.ref(`${contract}.partner_account_key`),
  country: sql.ref(`${contract}.country_code`),
  play,
})

/** Registrations with the referral that they are on, for the choice. */
const contracts = (selected: Expression, from: Expression, where: Expression) => sql`
  select registration.partner_account_key, registration.referral_key, account.account_code as account,
    registration.referral_id, registration.referral_name, registration.customer_name,
    registration.country_code, referral.solution_area, ${play} as solution_play, referral.deal_type,
    registration.registration_no, registration.registration_id, registration.registration_type,
    registration.registration_status, registration.acv_status, registration.contract_term,
    registration.contract_sign_date, registration.contract_start_date,
    registration.contract_end_date, registration.registered_date, registration.approved_date,
    registration.currency_code, registration.contract_acv_amount as amount,
    registration.contract_acv_reporting_amount as converted_amount, ${selected}
  from ${from}
  ${joined('registration')}
  where ${where}`

const acv = { amount: 'Annual contract value' }
const contractTies = ['partner_account_key', 'referral_key', 'registration_no']

/** Contracts by the day of signing, up to the chosen day. */
export function bookedContracts(chosen: Chosen): Source {
  const { as_of } = chosen.choice
  return {
    title: 'Contracts signed',
    columns: columnsOf(
      [
        ...head,
        ...value,
        ...(['contract_sign_date', 'contract_start_date', 'contract_end_date'] as const),
        ...(['registration_status', 'acv_status', 'registration_id'] as const),
        ...tail,
      ],
      acv,
    ),
    rows: contracts(
      sql`signed.fiscal_quarter_label as quarter`,
      sql`mart.registration registration
        join dw.dim_date signed on signed.date_day = registration.contract_sign_date`,
      sql`registration.contract_sign_date <= ${as_of}::date
        and ${filterOf(recent(chosen), ofContract('registration', 'currency_code', 'registration.contract_sign_date'))}`,
    ),
    conditions: { quarter: equals('quarter') },
    sort: 'contract_sign_date',
    isDescending: true,
    ties: contractTies,
  }
}

/** Contracts in force on the two days. */
export function contractsInForce(chosen: Chosen): Source {
  const { as_of, compare } = chosen.choice
  const inForce = (day: string) => sql`
    (registration.contract_start_date <= ${day}::date
      and registration.contract_end_exclusive_date > ${day}::date) is true`
  return {
    title: 'Contracts in force',
    columns: columnsOf(
      [
        ...head,
        ...value,
        ...(['contract_start_date', 'contract_end_date'] as const),
        ...(['registration_status', 'acv_status', 'registration_id'] as const),
        ...tail,
      ],
      acv,
    ),
    rows: contracts(
      sql`${inForce(as_of)} as is_now, ${inForce(compare)} as is_before`,
      sql`mart.registration registration`,
      sql`(${inForce(as_of)} or ${inForce(compare)}) and ${filterOf(chosen, ofContract('registration', 'currency_code'))}`,
    ),
    conditions: {
      side: (side, name) => {
        requireOneOf(name, side, ['now', 'before'])
        return side === 'before' ? sql`is_before` : sql`is_now`
      },
    },
    sort: 'contract_end_date',
    isDescending: false,
    ties: contractTies,
  }
}

/** Registrations in the stage of review in which they stood on the chosen day. */
export function reviewedRegistrations(chosen: Chosen): Source {
  const { as_of } = chosen.choice
  const waitsFor = sql`
    case review.review_stage when 'ActionRequired' then 'Partner' when 'ReviewPending' then 'Microsoft'
    end`
  const days = sql`(${as_of}::date - review.entered_date)`
  const age = bucketsOf(days, waitingBuckets)
  return {
    title: 'Registrations',
    columns: columnsOf(
      [
        ...head,
        ...(['review_stage', 'waits_for', 'days', 'entered_date'] as const),
        ...value,
        ...(['registered_date', 'approved_date', 'registration_type', 'registration_id'] as const),
        ...tail,
      ],
      { ...acv, days: 'Days in stage' },
    ),
    rows: contracts(
      sql`review.review_stage, review.entered_date, ${waitsFor} as waits_for, ${days} as days,
        ${age.label} as age, ${age.position} as age_sort, registration.approval_lead_days`,
      sql`mart.registration registration
        join dw.fact_registration_review review
          on review.referral_key = registration.referral_key
          and review.partner_account_key = registration.partner_account_key
          and review.registration_no = registration.registration_no
          and review.entered_date <= ${as_of}::date
          and coalesce(review.left_date, 'infinity') > ${as_of}::date`,
      filterOf(chosen, ofContract('registration', 'currency_code', 'registration.registered_date')),
    ),
    conditions: {
      status: equals('review_stage'),
      waits_for: equals('waits_for'),
      age: equals('age'),
    },
    sort: 'entered_date',
    isDescending: false,
    ties: contractTies,
  }
}

/** Contract years with what they are worth: those of the periods, or from the last fiscal year on. */
export function contractYears(chosen: Chosen): Source {
  const { as_of } = chosen.choice
  // Whole fiscal years, so that no bar is a part of one; years without a date are kept.
  const isShown =
    chosen.periods.length > 0
      ? sql`true`
      : sql`coalesce(
          schedule.period_start_date >= (
            select (day.fiscal_year_start_date - interval '1 year')::date
            from dw.dim_date day
            where day.date_day = ${as_of}::date),
          true)`
  return {
    title: 'Contract years',
    columns: columnsOf(
      [
        ...head,
        ...(['solution_name', 'contract_year_no', 'period_start_date', 'period_end_date'] as const),
        ...value,
        'publisher_name',
        ...tail,
      ],
      { amount: 'Scheduled' },
    ),
    rows: sql`
      select schedule.partner_account_key, schedule.referral_key, account.account_code as account,
        referral.referral_id, referral.referral_name, schedule.customer_name, schedule.country_code,
        referral.solution_area, ${play} as solution_play, referral.deal_type, schedule.solution_name,
        schedule.publisher_name, schedule.registration_no, schedule.line_no, schedule.contract_year_no,
        schedule.period_start_date, schedule.period_end_date,
        coalesce(schedule.period_start_fiscal_year, '') as fiscal_year,
        schedule.contract_currency_code as currency_code,
        schedule.scheduled_contract_amount as amount,
        schedule.scheduled_contract_reporting_amount as converted_amount
      from mart.acv_schedule schedule
      ${joined('schedule')}
      where ${isShown}
        and ${filterOf(chosen, ofContract('schedule', 'contract_currency_code', 'schedule.period_start_date'))}`,
    conditions: { year: equals('fiscal_year') },
    sort: 'period_start_date',
    isDescending: false,
    ties: [...contractTies, 'line_no', 'contract_year_no'],
  }
}

/** Lines of contracts signed up to the chosen day, with their share of the annual value. */
export function contractLines(chosen: Chosen): Source {
  const { as_of } = chosen.choice
  return {
    title: 'Lines of contracts signed',
    columns: columnsOf(
      [
        ...head,
        'solution_name',
        ...value,
        ...(['contract_sign_date', 'line_no', 'publisher_name'] as const),
        ...tail,
      ],
      acv,
    ),
    rows: sql`
      select line.partner_account_key, line.referral_key, account.account_code as account,
        referral.referral_id, referral.referral_name, line.customer_name, line.country_code,
        referral.solution_area, ${play} as solution_play, referral.deal_type, line.solution_name,
        line.publisher_name, line.registration_no, line.line_no, line.contract_sign_date,
        line.contract_currency_code as currency_code, line.allocated_contract_acv_amount as amount,
        line.contract_acv_reporting_amount as converted_amount
      from mart.acv_line line
      ${joined('line')}
      where line.contract_sign_date <= ${as_of}::date
        and ${filterOf(recent(chosen), ofContract('line', 'contract_currency_code', 'line.contract_sign_date'))}`,
    conditions: { solution: equals('solution_name') },
    sort: 'converted_amount',
    isDescending: true,
    ties: [...contractTies, 'line_no'],
  }
}
