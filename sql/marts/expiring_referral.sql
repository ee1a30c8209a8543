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
  referral.deal_value_reporting_amount,
  referral.expiration_date < (now() at time zone 'utc')::date as is_overdue,
  greatest((now() at time zone 'utc')::date - referral.expiration_date, 0) as days_overdue,
  referral.deal_id,
  referral.is_deal_primary,
  referral.deal_count,
  referral.deal_value_once_amount,
  referral.deal_value_once_reporting_amount
from mart.referral referral
where referral.is_open and referral.expiration_date is not null;

comment on view mart.expiring_referral is
  'One row per open referral with a day of expiry, past ones included. Answers: what expires within '
  '14 days, by value, and what is still open past its day? Filter days_to_expiry between 0 and 14, '
  'or is_overdue. What is overdue is in mart.data_quality too.';
comment on column mart.expiring_referral.days_to_expiry is
  'Days from today, by UTC, to the day of expiry; 0 on the last day, negative after it. Source: '
  'computed from expirationDateTime';
comment on column mart.expiring_referral.is_overdue is
  'The day of expiry is past, by UTC, and the referral is still open. Source: computed from '
  'expirationDateTime';
comment on column mart.expiring_referral.days_overdue is
  'Days since the day of expiry; 0 until it is past. Source: computed from expirationDateTime';
