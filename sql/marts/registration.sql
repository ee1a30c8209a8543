create or replace view mart.registration with (security_invoker = true) as
select
  registration.partner_account_key,
  registration.referral_key,
  referral.referral_id,
  referral.referral_name,
  registration.registration_no,
  registration.registration_id,
  registration.registration_type,
  registration.registration_status,
  registration.is_terminal,
  registration.status_reason,
  customer.customer_name,
  customer.country_code,
  registration.contract_term,
  registration.is_perpetual,
  registration.contract_sign_date,
  registration.contract_start_date,
  registration.contract_end_date,
  registration.contract_end_exclusive_date,
  registration.term_months,
  registration.acv_status,
  registration.currency_code,
  registration.contract_value_amount,
  registration.contract_acv_amount,
  registration.contract_annualized_amount,
  registration.solution_value_amount,
  registration.nonrecurring_amount,
  case
    when rate.reporting_units = rate.currency_units then registration.contract_acv_amount
    when abs(registration.contract_acv_amount) * rate.reporting_units
      < rate.currency_units * 999999999999999.99995
      then div(
        registration.contract_acv_amount * rate.reporting_units * 20000
          + sign(registration.contract_acv_amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as contract_acv_reporting_amount,
  registration.line_count,
  registration.registered_at,
  registration.review_pending_at,
  registration.action_required_at,
  registration.approved_at,
  registration.passed_at,
  registration.failed_at,
  registration.registered_date,
  registration.review_pending_date,
  registration.action_required_date,
  registration.approved_date,
  registration.decided_date,
  registration.first_approved_at,
  registration.first_approved_date,
  day.fiscal_year_label as registered_fiscal_year,
  day.fiscal_quarter_label as registered_fiscal_quarter,
  registration.action_required_at is not null as was_sent_back,
  registration.first_approved_at is not null and registration.approved_date is null
    as is_approval_taken_back,
  registration.first_approval_lead_days,
  registration.approval_lead_days,
  registration.decision_lead_days,
  registration.sign_to_registration_days,
  registration.registration_status in ('Approved', 'Passed') as is_approved,
  registration.registration_key
from dw.fact_registration registration
left join dw.dim_referral referral
  on referral.referral_key = registration.referral_key
  and referral.partner_account_key = registration.partner_account_key
left join dw.dim_customer customer
  on customer.customer_key = registration.customer_key
  and customer.partner_account_key = registration.partner_account_key
left join dw.dim_date day on day.date_day = registration.registered_date
left join dw.fx_rate rate
  on rate.currency_code = registration.currency_code
  and rate.rate_date = least(
    coalesce(
      registration.contract_sign_date,
      registration.contract_start_date,
      registration.registered_date
    ),
    (now() at time zone 'utc')::date
  );

comment on view mart.registration is
  'One row per deal registration. Answers: how long does approval take, how many are sent back, how '
  'many days pass from signing to registration, which contracts are below the minimum of the '
  'incentive programme (USD 25,000 a year)? Filter registered_fiscal_year. Registrations stay when '
  'the source no longer shows the referral.';
comment on column mart.registration.contract_acv_reporting_amount is
  'Annual contract value of the whole contract in the reporting currency, at the rate of the day '
  'of signing, else of the start, else of the registration, at the latest of today; past days '
  'never restate. Null where there is no rate for it. Source: computed from '
  'registrations[].contract.value';
comment on column mart.registration.registered_fiscal_year is
  'Fiscal year of the registration, as FY26. Source: computed from '
  'registrations[].registrationDateTime';
comment on column mart.registration.registered_fiscal_quarter is
  'Fiscal quarter of the registration, as FY26 Q3. Source: computed from '
  'registrations[].registrationDateTime';
comment on column mart.registration.was_sent_back is
  'The review sent it back to the partner at least once. Source: computed from '
  'registrations[].statusHistory.actionRequiredDateTime';
comment on column mart.registration.is_approval_taken_back is
  'It was approved once and is not now: failed in a manual review, or open again. Source: '
  'computed from registrations[].statusHistory, registrations[].status';
comment on column mart.registration.is_approved is
  'The registration is approved by rule or passed by a reviewer, which is what Microsoft''s '
  'Insights counts. Source: computed from registrations[].status';
