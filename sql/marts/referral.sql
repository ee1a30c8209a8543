create or replace view mart.referral with (security_invoker = true) as
select
  fact.partner_account_key,
  account.account_code,
  account.account_name,
  fact.referral_key,
  referral.referral_id,
  referral.engagement_id,
  referral.external_reference_id,
  referral.mpn_id,
  referral.referral_name,
  status.referral_status,
  status.referral_substatus,
  status.stage_label,
  status.stage_sort,
  status.is_open,
  status.is_won,
  status.is_lost,
  status.is_decided,
  referral.status_reason,
  referral.referral_type,
  referral.qualification,
  referral.referral_category,
  referral.deal_type,
  referral.direction,
  referral.referral_source,
  referral.call_to_action,
  referral.registration_status,
  referral.solution_area,
  referral.solution_play,
  referral.partner_role,
  referral.customer_marketplace_intent,
  referral.invited_by_organization_name,
  referral.is_missing,
  customer.customer_match_id,
  customer.customer_name,
  customer.customer_size,
  customer.customer_size_min_employees,
  customer.city,
  customer.state,
  customer.country_code,
  fact.created_date,
  fact.accepted_date,
  fact.expected_close_date,
  fact.expiration_date,
  fact.closed_date,
  fact.registered_date,
  fact.registration_approved_date,
  created.fiscal_year_label as created_fiscal_year,
  created.fiscal_quarter_label as created_fiscal_quarter,
  closed.fiscal_year_label as closed_fiscal_year,
  closed.fiscal_quarter_label as closed_fiscal_quarter,
  fact.days_to_accept,
  fact.days_to_close,
  fact.deal_value_amount,
  fact.currency_code,
  (fact.deal_value_amount * rate.rate_to_reporting)::numeric(38, 14) as deal_value_reporting_amount
from dw.fact_referral fact
left join dw.dim_status status on status.status_key = fact.status_key
left join dw.dim_referral referral
  on referral.referral_key = fact.referral_key
  and referral.partner_account_key = fact.partner_account_key
left join dw.dim_customer customer
  on customer.customer_key = fact.customer_key
  and customer.partner_account_key = fact.partner_account_key
left join dw.dim_partner_account account on account.partner_account_key = fact.partner_account_key
left join dw.dim_date created on created.date_day = fact.created_date
left join dw.dim_date closed on closed.date_day = fact.closed_date
left join dw.fx_rate rate
  on rate.currency_code = fact.currency_code
  and rate.rate_date = least(
    coalesce(fact.closed_date, fact.expected_close_date, (now() at time zone 'utc')::date),
    (now() at time zone 'utc')::date
  )
where not exists (
  select
  from dw.dim_referral gone
  where gone.referral_key = fact.referral_key
    and gone.partner_account_key = fact.partner_account_key
    and gone.is_missing
    and gone.referral_status in ('New', 'Active')
);

comment on view mart.referral is
  'One row per referral, everything about it in one flat row: the table for spreadsheets. Answers: '
  'what is the open value by stage and country? Filter is_open for the pipeline, is_won for won '
  'business. Open referrals that the source no longer shows are left out.';
comment on column mart.referral.created_fiscal_year is 'Fiscal year of created_date, as FY26.';
comment on column mart.referral.created_fiscal_quarter is
  'Fiscal quarter of created_date, as FY26 Q3.';
comment on column mart.referral.closed_fiscal_year is
  'Fiscal year of closed_date, as FY26; null while open.';
comment on column mart.referral.closed_fiscal_quarter is
  'Fiscal quarter of closed_date, as FY26 Q3; null while open.';
comment on column mart.referral.deal_value_reporting_amount is
  'deal_value_amount in the reporting currency, at the rate of the closing day, while open of the '
  'expected one, at the latest of today. Null where there is no rate for it.';
