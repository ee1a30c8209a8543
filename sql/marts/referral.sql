create or replace view mart.referral with (security_invoker = true) as
select
  f.partner_account_key,
  a.account_code,
  a.account_name,
  f.referral_key,
  r.referral_id,
  r.engagement_id,
  r.external_reference_id,
  r.mpn_id,
  r.referral_name,
  s.referral_status,
  s.referral_substatus,
  s.stage_label,
  s.stage_sort,
  s.is_open,
  s.is_won,
  s.is_lost,
  s.is_decided,
  r.status_reason,
  r.referral_type,
  r.qualification,
  r.referral_category,
  r.deal_type,
  r.direction,
  r.referral_source,
  r.call_to_action,
  r.registration_status,
  r.solution_area,
  r.solution_play,
  r.partner_role,
  r.customer_marketplace_intent,
  r.invited_by_organization_name,
  r.is_missing,
  c.customer_match_id,
  c.customer_name,
  c.customer_size,
  c.customer_size_min_employees,
  c.city,
  c.state,
  c.country_code,
  f.created_date,
  f.accepted_date,
  f.expected_close_date,
  f.expiration_date,
  f.closed_date,
  f.registered_date,
  f.registration_approved_date,
  created.fiscal_year_label as created_fiscal_year,
  created.fiscal_quarter_label as created_fiscal_quarter,
  closed.fiscal_year_label as closed_fiscal_year,
  closed.fiscal_quarter_label as closed_fiscal_quarter,
  f.days_to_accept,
  f.days_to_close,
  f.deal_value_amount,
  f.currency_code,
  (f.deal_value_amount * fx.rate_to_reporting)::numeric(38, 14) as deal_value_reporting_amount
from dw.fact_referral f
left join dw.dim_status s on s.status_key = f.status_key
left join dw.dim_referral r
  on r.referral_key = f.referral_key and r.partner_account_key = f.partner_account_key
left join dw.dim_customer c
  on c.customer_key = f.customer_key and c.partner_account_key = f.partner_account_key
left join dw.dim_partner_account a on a.partner_account_key = f.partner_account_key
left join dw.dim_date created on created.date_day = f.created_date
left join dw.dim_date closed on closed.date_day = f.closed_date
left join dw.fx_rate fx
  on fx.currency_code = f.currency_code
  and fx.rate_date = least(
    coalesce(f.closed_date, f.expected_close_date, (now() at time zone 'utc')::date),
    (now() at time zone 'utc')::date
  )
where not exists (
  select
  from dw.dim_referral gone
  where gone.referral_key = f.referral_key
    and gone.partner_account_key = f.partner_account_key
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
