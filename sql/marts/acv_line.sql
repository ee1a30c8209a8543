create or replace view mart.acv_line with (security_invoker = true) as
select
  l.partner_account_key,
  l.referral_key,
  r.referral_id,
  l.registration_no,
  l.line_no,
  g.registration_id,
  g.registration_status,
  g.contract_term,
  g.is_perpetual,
  g.acv_status,
  r.is_missing,
  c.customer_name,
  c.country_code,
  o.solution_id,
  o.solution_name,
  o.publisher_name,
  o.solution_type,
  r.solution_area,
  r.solution_play,
  l.contract_sign_date,
  signed.fiscal_year_label as sign_fiscal_year,
  signed.fiscal_quarter_label as sign_fiscal_quarter,
  g.contract_start_date,
  g.contract_end_exclusive_date,
  g.term_months,
  l.currency_code,
  l.solution_value_amount,
  l.solution_acv_amount,
  l.solution_annualized_amount,
  l.contract_currency_code,
  l.allocated_contract_value_amount,
  l.allocated_contract_acv_amount,
  (l.solution_acv_amount * fx.rate_to_reporting)::numeric(38, 14)
    as solution_acv_reporting_amount,
  (l.allocated_contract_acv_amount * fc.rate_to_reporting)::numeric(38, 14)
    as contract_acv_reporting_amount,
  l.is_deployed_on_azure,
  l.primary_deployment_on,
  l.pricing_model,
  l.is_pay_as_you_go,
  l.is_marketplace_transacted,
  l.marketplace_transaction_date,
  r.customer_marketplace_intent,
  l.is_incentive_eligible,
  l.incentive_count,
  l.incentives
from dw.fact_registration_solution l
left join dw.fact_registration g
  on g.referral_key = l.referral_key
  and g.registration_no = l.registration_no
  and g.partner_account_key = l.partner_account_key
left join dw.dim_referral r
  on r.referral_key = l.referral_key and r.partner_account_key = l.partner_account_key
left join dw.dim_customer c
  on c.customer_key = l.customer_key and c.partner_account_key = l.partner_account_key
left join dw.dim_solution o
  on o.solution_key = l.solution_key and o.partner_account_key = l.partner_account_key
left join dw.dim_date signed on signed.date_day = l.contract_sign_date
left join dw.fx_rate fx
  on fx.currency_code = l.currency_code
  and fx.rate_date = coalesce(l.contract_sign_date, l.contract_start_date, l.registered_date)
left join dw.fx_rate fc
  on fc.currency_code = l.contract_currency_code
  and fc.rate_date = coalesce(l.contract_sign_date, l.contract_start_date, l.registered_date);

comment on view mart.acv_line is
  'One row per solution line of a deal registration. Answers: what is the annual contract value by '
  'solution, publisher and country, how much of it earns incentives, how much went through the '
  'marketplace? Filter sign_fiscal_year, and registration_status for approved ones. A registration '
  'without lines has one row, number 0. Contracts stay when the source no longer shows the '
  'referral.';
comment on column mart.acv_line.contract_sign_date is 'Day the contract was signed.';
comment on column mart.acv_line.sign_fiscal_year is
  'Fiscal year of contract_sign_date, as FY26; null without one.';
comment on column mart.acv_line.sign_fiscal_quarter is
  'Fiscal quarter of contract_sign_date, as FY26 Q3; null without one.';
comment on column mart.acv_line.contract_start_date is 'First day of the contract.';
comment on column mart.acv_line.solution_acv_reporting_amount is
  'solution_acv_amount in the reporting currency, at the rate of the day of signing, else of the '
  'start, else of the registration; it never restates. Null where there is no rate for it.';
comment on column mart.acv_line.contract_acv_reporting_amount is
  'allocated_contract_acv_amount in the reporting currency, at the rate of the same day. Null where '
  'there is no rate for it.';
