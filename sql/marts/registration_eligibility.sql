create or replace view mart.registration_eligibility with (security_invoker = true) as
select
  policy.partner_account_key,
  referral.account_code,
  referral.account_name,
  policy.referral_key,
  referral.referral_id,
  referral.referral_name,
  referral.customer_name,
  referral.country_code,
  referral.stage_label,
  referral.stage_sort,
  referral.is_open,
  referral.is_won,
  referral.registration_status,
  referral.solution_area,
  referral.solution_play,
  policy.policy_name,
  policy.is_eligible,
  policy.referral_properties,
  policy.additional_properties,
  policy.evaluated_at,
  policy.evaluated_date,
  referral.deal_value_amount,
  referral.currency_code,
  referral.deal_value_reporting_amount,
  referral.deal_id,
  referral.is_deal_primary
from dw.fact_registration_eligibility policy
join mart.referral referral
  on referral.referral_key = policy.referral_key
  and referral.partner_account_key = policy.partner_account_key;

comment on view mart.registration_eligibility is
  'One row per referral and policy that decides whether its deal may be registered. Answers: which '
  'won deals may be registered and are not yet? Filter is_eligible, is_won and registration_status. '
  'A value stands in each row of its referral and must not be added up. Empty until the API offers '
  'policies: Microsoft documents them without an address.';
