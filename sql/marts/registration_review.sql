create or replace view mart.registration_review with (security_invoker = true) as
select
  review.partner_account_key,
  review.referral_key,
  registration.referral_id,
  registration.referral_name,
  review.registration_no,
  registration.registration_id,
  registration.registration_type,
  registration.registration_status,
  registration.customer_name,
  registration.country_code,
  registration.registered_date,
  registration.registered_fiscal_year,
  registration.registered_fiscal_quarter,
  review.visit_no,
  review.review_stage,
  review.entered_at,
  review.left_at,
  review.entered_date,
  review.left_date,
  review.entered_at_basis,
  review.is_current,
  case
    when not review.is_current then null
    when review.review_stage = 'ActionRequired' then 'Partner'
    when review.review_stage = 'ReviewPending' then 'Microsoft'
  end as waits_for,
  case
    when not review.is_current then review.stage_days
    when review.review_stage in ('ActionRequired', 'ReviewPending')
      then greatest(extract(epoch from now() - review.entered_at) / 86400, 0)
  end::numeric(9, 2) as days_in_stage,
  review.sent_back_count,
  case when review.is_current then 1 else 0 end as registration_count,
  registration.currency_code,
  case when review.is_current then registration.contract_acv_amount end::numeric(19, 4)
    as current_contract_acv_amount,
  case when review.is_current then registration.contract_acv_reporting_amount end::numeric(19, 4)
    as current_contract_acv_reporting_amount,
  review.registration_key
from dw.fact_registration_review review
join mart.registration registration
  on registration.referral_key = review.referral_key
  and registration.partner_account_key = review.partner_account_key
  and registration.registration_no = review.registration_no;

comment on view mart.registration_review is
  'One row per deal registration and visit to a stage of its review. Answers: how long does each '
  'stage take, how often are registrations sent back, and which wait for us or for Microsoft since '
  'when? Filter waits_for for what is waiting, is_current for one row a registration. A stage that '
  'was entered twice has two rows.';
comment on column mart.registration_review.waits_for is
  'Who is to act now: Partner in ActionRequired, Microsoft in ReviewPending; null in visits that '
  'ended and when the review is decided. Source: computed from registrations[].status';
comment on column mart.registration_review.days_in_stage is
  'Days, with two decimals, from the beginning of the visit to its end, for a waiting '
  'registration to this moment; null in the stage that decided it. Source: computed from '
  'registrations[].statusHistory, registrations[].registrationDateTime';
comment on column mart.registration_review.registration_count is
  '1 in the current visit of a registration, 0 in its others: the sum is the number of '
  'registrations.';
comment on column mart.registration_review.registered_fiscal_year is
  'Fiscal year of the registration, as FY26. Source: computed from '
  'registrations[].registrationDateTime';
comment on column mart.registration_review.registered_fiscal_quarter is
  'Fiscal quarter of the registration, as FY26 Q3. Source: computed from '
  'registrations[].registrationDateTime';
comment on column mart.registration_review.current_contract_acv_amount is
  'Annual contract value of the registration in its current visit, in currency_code; null in the '
  'others: the sum has each contract once. Source: computed from registrations[].contract.value';
comment on column mart.registration_review.current_contract_acv_reporting_amount is
  'Annual contract value of the registration in its current visit, in the reporting currency as '
  'in mart.registration; null in the others. Source: computed from registrations[].contract.value';
