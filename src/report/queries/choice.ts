import { type RawBuilder, sql } from 'kysely'

type Expression = RawBuilder<unknown>

/** The business that the report is about. */
export interface Choice {
  /** Last day of the business. */
  readonly day: string
  /** Deals and registrations as they stood at the end of `day`, not as they are now. */
  readonly isAsOf: boolean
  /** The only account; null for all. */
  readonly accountKey: number | null
}

export type AccountChoice = Pick<Choice, 'accountKey'>
export const allAccounts: AccountChoice = { accountKey: null }

/** Condition for rows of the chosen account; `row` is the name of the rows in the query. */
export function ofAccount({ accountKey }: AccountChoice, row: string): Expression {
  const column = sql.ref(`${row}.partner_account_key`)
  return accountKey === null ? sql`true` : sql`${column} = ${accountKey}::integer`
}

/** Rows of the referrals with the columns of `mart.referral` that the report reads. */
export function referralsOf(choice: Choice): Expression {
  if (!choice.isAsOf) {
    return sql`select * from mart.referral where ${ofAccount(choice, 'referral')}`
  }
  const day = sql`${choice.day}::date`
  return sql`
    select pipeline.partner_account_key, pipeline.referral_key, account.account_code,
      pipeline.referral_id,
      referral.referral_name, pipeline.stage_label, pipeline.stage_sort, pipeline.is_open,
      pipeline.is_won, pipeline.is_decided, pipeline.is_deal_primary, pipeline.currency_code,
      pipeline.deal_value_amount, pipeline.deal_value_reporting_amount, pipeline.expiration_date,
      fact.created_date,
      case when fact.accepted_date <= ${day} then fact.accepted_date end as accepted_date,
      closing.closed_date,
      case when fact.registered_date <= ${day} then fact.registered_date end as registered_date,
      coalesce(
        case when fact.registration_approved_date <= ${day} then fact.registration_approved_date end,
        approval.entered_date
      ) as registration_approved_date,
      fact.days_to_accept, greatest(closing.closed_date - fact.created_date, 0) as days_to_close,
      closed.fiscal_quarter_label as closed_fiscal_quarter
    from mart.pipeline_as_of pipeline
    join dw.fact_referral fact
      on fact.referral_key = pipeline.referral_key
      and fact.partner_account_key = pipeline.partner_account_key
    left join dw.dim_referral referral
      on referral.referral_key = pipeline.referral_key
      and referral.partner_account_key = pipeline.partner_account_key
    left join dw.dim_partner_account account
      on account.partner_account_key = pipeline.partner_account_key
    left join (${closings(day)}) closed_then
      on closed_then.referral_key = pipeline.referral_key
      and closed_then.partner_account_key = pipeline.partner_account_key
    cross join lateral (
      select case
        when pipeline.is_open then null
        -- The source's own day, unless it is that of a later closing.
        when closed_then.is_last and fact.closed_date <= ${day} then fact.closed_date
        else closed_then.closed_date
      end as closed_date
    ) closing
    left join dw.dim_date closed on closed.date_day = closing.closed_date
    left join (
      select review.partner_account_key, review.referral_key, min(review.entered_date) as entered_date
      from dw.fact_registration_review review
      where ${isHeldOn(day)} and review.review_stage in ('Approved', 'Passed')
        and review.entered_at_basis = 'source'
      group by review.partner_account_key, review.referral_key
    ) approval
      on approval.referral_key = pipeline.referral_key
      and approval.partner_account_key = pipeline.partner_account_key
    where pipeline.snapshot_date = ${day} and ${ofAccount(choice, 'pipeline')}`
}

/** When each referral was closed last up to a day, and whether it was not closed anew since. */
const closings = (day: Expression) => sql`
  select history.partner_account_key, history.referral_key,
    max(history.valid_from_date) filter (where history.valid_from_date <= ${day}) as closed_date,
    max(history.valid_from_date) <= ${day} as is_last
  from dw.fact_referral_history history
  join dw.dim_status status on status.status_key = history.status_key
  left join dw.dim_status previous on previous.status_key = history.previous_status_key
  where status.referral_status = 'Closed'
    and previous.referral_status is distinct from status.referral_status
  group by history.partner_account_key, history.referral_key`

/** Condition for the visit of a review that a day ends in. */
const isHeldOn = (day: Expression) => sql`
  review.entered_date <= ${day} and coalesce(review.left_date, 'infinity') > ${day}`

/** Rows of the registrations with the columns of `mart.registration` that the report reads. */
export function registrationsOf(choice: Choice): Expression {
  if (!choice.isAsOf) {
    return sql`select * from mart.registration where ${ofAccount(choice, 'registration')}`
  }
  const day = sql`${choice.day}::date`
  return sql`
    select coalesce(review.review_stage, registration.registration_status) as registration_status,
      registration.contract_sign_date,
      registration.contract_start_date, registration.contract_end_exclusive_date,
      registration.currency_code, registration.contract_acv_amount,
      registration.contract_acv_reporting_amount,
      case when registration.approved_date <= ${day} then registration.approval_lead_days end
        as approval_lead_days
    from mart.registration registration
    left join dw.fact_registration_review review
      on review.referral_key = registration.referral_key
      and review.partner_account_key = registration.partner_account_key
      and review.registration_no = registration.registration_no
      and ${isHeldOn(day)}
    where ${isRegistered(choice, 'registration')} and ${ofAccount(choice, 'registration')}`
}

/**
 * Condition for rows of registrations that there were; `row` is the name of the rows in the query.
 * A registration without a date is there from its first review, else from the day of its referral.
 */
export function isRegistered({ day, isAsOf }: Choice, row: string): Expression {
  if (!isAsOf) return sql`true`
  return sql`${sql.ref(`${row}.registration_key`)} in (
    select known.registration_key
    from dw.fact_registration known
    join dw.fact_referral fact
      on fact.referral_key = known.referral_key
      and fact.partner_account_key = known.partner_account_key
    left join dw.fact_registration_review first
      on first.referral_key = known.referral_key
      and first.partner_account_key = known.partner_account_key
      and first.registration_no = known.registration_no
      and first.visit_no = 1
    where coalesce(known.registered_date, first.entered_date, fact.created_date) <= ${day}::date)`
}
