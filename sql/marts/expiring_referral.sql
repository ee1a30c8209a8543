create or replace view mart.expiring_referral with (security_invoker = true) as
select
  m.partner_account_key,
  m.account_code,
  m.account_name,
  m.referral_key,
  m.referral_id,
  m.engagement_id,
  m.external_reference_id,
  m.referral_name,
  m.referral_status,
  m.referral_substatus,
  m.stage_label,
  m.stage_sort,
  m.referral_type,
  m.referral_category,
  m.deal_type,
  m.direction,
  m.solution_area,
  m.solution_play,
  m.customer_name,
  m.country_code,
  m.created_date,
  m.expected_close_date,
  m.expiration_date,
  m.expiration_date - (now() at time zone 'utc')::date as days_to_expiry,
  m.deal_value_amount,
  m.currency_code,
  m.deal_value_reporting_amount
from mart.referral m
where m.is_open and m.expiration_date >= (now() at time zone 'utc')::date;

comment on view mart.expiring_referral is
  'One row per open referral that will expire, from today on. Answers: what expires within 14 days, '
  'by value? Filter days_to_expiry <= 14. What should have expired before today is a finding in '
  'mart.data_quality.';
comment on column mart.expiring_referral.days_to_expiry is
  'Days from today, by UTC, to expiration_date; 0 on the last day.';
