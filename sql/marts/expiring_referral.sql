create or replace view mart.expiring_referral with (security_invoker = true) as
select
  referral.partner_account_key,
  referral.account_code,
  referral.account_name,
  referral.referral_key,
  referral.referral_id,
  referral.engagement_id,
  referral.external_reference_id,
  referral.referral_name,
  referral.referral_status,
  referral.referral_substatus,
  referral.stage_label,
  referral.stage_sort,
  referral.referral_type,
  referral.referral_category,
  referral.deal_type,
  referral.direction,
  referral.solution_area,
  referral.solution_play,
  referral.customer_name,
  referral.country_code,
  referral.created_date,
  referral.expected_close_date,
  referral.expiration_date,
  referral.expiration_date - (now() at time zone 'utc')::date as days_to_expiry,
  referral.deal_value_amount,
  referral.currency_code,
  referral.deal_value_reporting_amount
from mart.referral referral
where referral.is_open and referral.expiration_date >= (now() at time zone 'utc')::date;

comment on view mart.expiring_referral is
  'One row per open referral that will expire, from today on. Answers: what expires within 14 days, '
  'by value? Filter days_to_expiry <= 14. What should have expired before today is a finding in '
  'mart.data_quality.';
comment on column mart.expiring_referral.days_to_expiry is
  'Days from today, by UTC, to expiration_date; 0 on the last day.';
