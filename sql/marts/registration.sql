create or replace view mart.registration with (security_invoker = true) as
select
  g.partner_account_key,
  g.referral_key,
  r.referral_id,
  r.referral_name,
  g.registration_no,
  g.registration_id,
  g.registration_type,
  g.registration_status,
  g.is_terminal,
  g.status_reason,
  c.customer_name,
  c.country_code,
  g.contract_term,
  g.is_perpetual,
  g.contract_sign_date,
  g.contract_start_date,
  g.contract_end_date,
  g.contract_end_exclusive_date,
  g.term_months,
  g.acv_status,
  g.currency_code,
  g.contract_value_amount,
  g.contract_acv_amount,
  g.contract_annualized_amount,
  g.solution_value_amount,
  g.nonrecurring_amount,
  (g.contract_acv_amount * fx.rate_to_reporting)::numeric(38, 14)
    as contract_acv_reporting_amount,
  g.line_count,
  g.registered_at,
  g.review_pending_at,
  g.action_required_at,
  g.approved_at,
  g.passed_at,
  g.failed_at,
  g.registered_date,
  g.review_pending_date,
  g.action_required_date,
  g.approved_date,
  g.decided_date,
  d.fiscal_year_label as registered_fiscal_year,
  d.fiscal_quarter_label as registered_fiscal_quarter,
  g.action_required_at is not null as was_sent_back,
  g.approval_lead_days,
  g.decision_lead_days,
  g.sign_to_registration_days
from dw.fact_registration g
left join dw.dim_referral r
  on r.referral_key = g.referral_key and r.partner_account_key = g.partner_account_key
left join dw.dim_customer c
  on c.customer_key = g.customer_key and c.partner_account_key = g.partner_account_key
left join dw.dim_date d on d.date_day = g.registered_date
left join dw.fx_rate fx
  on fx.currency_code = g.currency_code
  and fx.rate_date = coalesce(g.contract_sign_date, g.contract_start_date, g.registered_date);

comment on view mart.registration is
  'One row per deal registration. Answers: how long does approval take, how many are sent back, how '
  'many days pass from signing to registration, which contracts are below the minimum of the '
  'incentive programme (USD 25,000 a year)? Filter registered_fiscal_year. Registrations stay when '
  'the source no longer shows the referral.';
comment on column mart.registration.contract_acv_reporting_amount is
  'contract_acv_amount in the reporting currency, at the rate of the day of signing, else of the '
  'start, else of the registration; it never restates. Null where there is no rate for it.';
comment on column mart.registration.registered_fiscal_year is
  'Fiscal year of registered_date, as FY26.';
comment on column mart.registration.registered_fiscal_quarter is
  'Fiscal quarter of registered_date, as FY26 Q3.';
comment on column mart.registration.was_sent_back is
  'The review sent it back to the partner at least once.';
