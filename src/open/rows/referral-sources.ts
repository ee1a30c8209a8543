import { sql } from 'kysely'
import { requireOneOf } from '../choice.ts'
import { head, ofReferral, recent, tail, value } from './chosen-columns.ts'
import { type Chosen, type Expression, filterOf } from './filters.ts'
import {
  bucketsOf,
  columnsOf,
  equals,
  expiringBuckets,
  holds,
  isTrue,
  type Source,
  waitingBuckets,
} from './source.ts'

// Referrals and deals that can be listed. Marts give the meaning, this file the choice.

const referralSelected = sql`
  referral.partner_account_key, referral.referral_key, referral.account_code as account,
  referral.referral_id, referral.referral_name, referral.customer_name, referral.country_code,
  referral.stage_label, referral.stage_sort, referral.solution_area, referral.solution_play,
  referral.deal_type, referral.created_date, referral.accepted_date, referral.closed_date,
  referral.currency_code`

const referralTies = ['partner_account_key', 'referral_key']

/** Referrals by their creation, and how far they had come by the chosen day. */
export function createdReferrals(chosen: Chosen): Source {
  const { as_of } = chosen.choice
  const by = (day: Expression) => sql`${day} <= ${as_of}::date`
  // One that was closed on a day that is not known counts as closed on every day.
  const open = sql`((referral.is_open or referral.closed_date > ${as_of}::date) is true)`
  return {
    title: 'Referrals created',
    columns: columnsOf([
      ...head,
      'stage_label',
      ...value,
      ...(['created_date', 'accepted_date', 'closed_date'] as const),
      ...(['registered_date', 'approved_date'] as const),
      ...tail,
    ]),
    rows: sql`
      select ${referralSelected}, referral.registered_date,
        referral.registration_approved_date as approved_date,
        referral.deal_value_once_amount as amount,
        referral.deal_value_once_reporting_amount as converted_amount,
        day.fiscal_quarter_label as cohort, day.fiscal_quarter_start_date as cohort_start,
        true as is_created,
        ${by(sql`referral.accepted_date`)} is true as is_accepted,
        referral.is_won and not ${open} as is_won_by_then,
        ${by(sql`referral.registered_date`)} is true as is_registered,
        ${by(sql`referral.registration_approved_date`)} is true as is_approved,
        referral.is_lost and not ${open} as is_lost_by_then,
        not referral.is_decided and not ${open} as is_dropped,
        ${open} as is_open_then,
        referral.days_to_accept, referral.days_to_close,
        referral.registered_date - referral.created_date as days_to_registered,
        referral.registration_approved_date - referral.created_date as days_to_approved
      from mart.referral referral
      left join dw.dim_date day on day.date_day = referral.created_date
      where referral.created_date <= ${as_of}::date
        and not (referral.is_missing and referral.is_open)
        and ${filterOf(recent(chosen), ofReferral(sql`referral.created_date`))}`,
    conditions: {
      step: (step, name) => {
        requireOneOf(name, step, Object.keys(funnelFlags))
        return sql.ref(funnelFlags[step] ?? '')
      },
      cohort: equals('cohort'),
    },
    sort: 'created_date',
    isDescending: true,
    ties: referralTies,
  }
}

/** Column of `createdReferrals` that says whether a referral had reached a step. */
export const funnelFlags: Readonly<Record<string, string>> = {
  Created: 'is_created',
  Accepted: 'is_accepted',
  Won: 'is_won_by_then',
  Registered: 'is_registered',
  Approved: 'is_approved',
  Lost: 'is_lost_by_then',
  Dropped: 'is_dropped',
  'Still open': 'is_open_then',
}

/** Deals won and lost up to the chosen day, each once. */
export function decidedDeals(chosen: Chosen): Source {
  const { as_of } = chosen.choice
  return {
    title: 'Deals won and lost',
    columns: columnsOf([
      ...head,
      'stage_label',
      ...value,
      ...(['created_date', 'closed_date', 'days_to_close'] as const),
      ...tail,
    ]),
    rows: sql`
      select ${referralSelected}, referral.days_to_close, referral.is_won, referral.is_lost,
        referral.closed_fiscal_quarter as quarter,
        referral.deal_value_once_amount as amount,
        referral.deal_value_once_reporting_amount as converted_amount
      from mart.referral referral
      where referral.is_deal_primary
        and (referral.is_won or referral.is_lost)
        and referral.closed_date <= ${as_of}::date
        and ${filterOf(recent(chosen), ofReferral(sql`referral.closed_date`))}`,
    conditions: { won: holds('is_won'), lost: holds('is_lost'), quarter: equals('quarter') },
    sort: 'closed_date',
    isDescending: true,
    ties: referralTies,
  }
}

/** Deals won that had no registration on the chosen day, each once. */
export function unregisteredDeals(chosen: Chosen): Source {
  const { as_of } = chosen.choice
  const days = sql`(${as_of}::date - referral.closed_date)`
  const age = bucketsOf(days, waitingBuckets)
  return {
    title: 'Deals won without a registration',
    columns: columnsOf([...head, ...value, 'closed_date', 'days', ...tail], {
      days: 'Days since it was won',
    }),
    rows: sql`
      select ${referralSelected}, ${days} as days, ${age.label} as age, ${age.position} as age_sort,
        referral.deal_value_once_amount as amount,
        referral.deal_value_once_reporting_amount as converted_amount
      from mart.referral referral
      where referral.is_deal_primary
        and referral.is_won
        and referral.closed_date <= ${as_of}::date
        and coalesce(referral.registered_date > ${as_of}::date, true)
        and ${filterOf(chosen, ofReferral(sql`referral.closed_date`))}`,
    conditions: { age: equals('age') },
    sort: 'days',
    isDescending: true,
    ties: referralTies,
  }
}

/** Open referrals with a day of expiry, as of the chosen day; the value of a deal counts once. */
export function expiringReferrals(chosen: Chosen): Source {
  const { as_of } = chosen.choice
  const left = sql`(pipeline.expiration_date - ${as_of}::date)`
  const soon = bucketsOf(left, expiringBuckets)
  const late = bucketsOf(sql`(- ${left})`, waitingBuckets)
  return {
    title: 'Open referrals with a day of expiry',
    columns: columnsOf([...head, 'stage_label', ...value, 'expiration_date', 'days', ...tail], {
      days: 'Days to expiry',
    }),
    rows: sql`
      select pipeline.partner_account_key, pipeline.referral_key, account.account_code as account,
        pipeline.referral_id, referral.referral_name, pipeline.customer_name,
        pipeline.country_code, pipeline.stage_label, pipeline.stage_sort, pipeline.solution_area,
        pipeline.solution_play, pipeline.deal_type, pipeline.expiration_date, ${left} as days,
        pipeline.expiration_date < ${as_of}::date as is_overdue,
        case when pipeline.expiration_date < ${as_of}::date then ${late.label} else ${soon.label} end
          as age,
        case when pipeline.expiration_date < ${as_of}::date then ${late.position} else ${soon.position}
          end as age_sort,
        pipeline.currency_code, pipeline.deal_value_once_amount as amount,
        pipeline.deal_value_once_reporting_amount as converted_amount
      from mart.pipeline_as_of pipeline
      join dw.dim_partner_account account
        on account.partner_account_key = pipeline.partner_account_key
      left join dw.dim_referral referral
        on referral.referral_key = pipeline.referral_key
        and referral.partner_account_key = pipeline.partner_account_key
      where pipeline.snapshot_date = ${as_of}::date
        and pipeline.is_open
        and pipeline.expiration_date is not null
        and ${filterOf(chosen, {
          account: sql`pipeline.partner_account_key`,
          area: sql`pipeline.solution_area`,
          play: sql`pipeline.solution_play`,
          country: sql`pipeline.country_code`,
          dealType: sql`pipeline.deal_type`,
          currency: sql`pipeline.currency_code`,
          day: sql`pipeline.expiration_date`,
        })}`,
    conditions: {
      overdue: holds('is_overdue'),
      expiring: isTrue(sql`not is_overdue`),
      age: equals('age'),
    },
    sort: 'expiration_date',
    isDescending: false,
    ties: referralTies,
  }
}
