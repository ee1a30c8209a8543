create or replace view mart.acv_schedule with (security_invoker = true) as
select
  y.partner_account_key,
  y.referral_key,
  y.registration_no,
  y.line_no,
  y.contract_year_no,
  y.period_start_date,
  y.period_end_date,
  y.period_months,
  d.fiscal_year_label as period_start_fiscal_year,
  d.fiscal_quarter_label as period_start_fiscal_quarter,
  y.currency_code,
  y.scheduled_solution_amount,
  y.contract_currency_code,
  y.scheduled_contract_amount,
  (y.scheduled_solution_amount * fx.rate_to_reporting)::numeric(38, 14)
    as scheduled_solution_reporting_amount,
  (y.scheduled_contract_amount * fc.rate_to_reporting)::numeric(38, 14)
    as scheduled_contract_reporting_amount,
  o.solution_name,
  o.publisher_name,
  c.customer_name,
  c.country_code,
  y.is_incentive_eligible,
  y.is_marketplace_transacted
from dw.fact_acv_schedule y
left join dw.fact_registration_solution l
  on l.referral_key = y.referral_key
  and l.registration_no = y.registration_no
  and l.line_no = y.line_no
  and l.partner_account_key = y.partner_account_key
left join dw.dim_solution o
  on o.solution_key = y.solution_key and o.partner_account_key = y.partner_account_key
left join dw.dim_customer c
  on c.customer_key = y.customer_key and c.partner_account_key = y.partner_account_key
left join dw.dim_date d on d.date_day = y.period_start_date
left join dw.fx_rate fx
  on fx.currency_code = y.currency_code
  and fx.rate_date = coalesce(l.contract_sign_date, l.contract_start_date, l.registered_date)
left join dw.fx_rate fc
  on fc.currency_code = y.contract_currency_code
  and fc.rate_date = coalesce(l.contract_sign_date, l.contract_start_date, l.registered_date);

comment on view mart.acv_schedule is
  'One row per contract year of a registration line. Answers: what falls due in each contract year? '
  'Filter period_start_fiscal_year; the years of a line add up exactly to its values. Year 0 holds '
  'what cannot be placed in time.';
comment on column mart.acv_schedule.period_start_fiscal_year is
  'Fiscal year in which the contract year begins, as FY26; null in year 0.';
comment on column mart.acv_schedule.period_start_fiscal_quarter is
  'Fiscal quarter in which the contract year begins, as FY26 Q3; null in year 0.';
comment on column mart.acv_schedule.scheduled_solution_reporting_amount is
  'scheduled_solution_amount in the reporting currency, at the rate of the day of signing, else of '
  'the start, else of the registration. Null where there is no rate for it.';
comment on column mart.acv_schedule.scheduled_contract_reporting_amount is
  'scheduled_contract_amount in the reporting currency, at the rate of the same day. Null where '
  'there is no rate for it.';
comment on column mart.acv_schedule.is_incentive_eligible is 'The line has an incentive.';
comment on column mart.acv_schedule.is_marketplace_transacted is
  'The line was transacted on the marketplace; null when not stated.';
