-- Every account, key, currency and date that no foreign key guards is found in its dimension.
--
-- A calendar without gaps holds every date from its first day to its last, which spares a look-up of
-- each. Past its last day only what the length of a contract leads to may lie: a perpetual one that
-- starts in 2095 ends in 2101.
with calendar as materialized (
  select min(date_day) as first_day, max(date_day) as last_day, count(*) as days from dw.dim_date
)
select 'calendar' as what, concat_ws(' ', first_day, last_day, days) as value
from calendar
where days is distinct from last_day - first_day + 1
union all
select distinct 'account', touched.partner_account_key::text
from stg.referral_key touched
where not exists (
  select 1 from dw.dim_partner_account d where d.partner_account_key = touched.partner_account_key)
union all
select 'tag of ' || touched.referral_id, t.tag_key::text
from stg.referral_key touched
join dw.bridge_referral_tag t using (referral_key, partner_account_key)
where not exists (select 1 from dw.dim_tag d where d.tag_key = t.tag_key)
union all
select 'schedule of ' || touched.referral_id, concat_ws(' ', t.customer_key, t.solution_key,
  t.currency_code, t.contract_currency_code, t.period_start_date, t.period_end_date)
from stg.referral_key touched
join dw.fact_acv_schedule t using (referral_key, partner_account_key)
cross join calendar
where not exists (select 1 from dw.dim_customer d where d.customer_key = t.customer_key)
  or not exists (select 1 from dw.dim_solution d where d.solution_key = t.solution_key)
  or t.currency_code not in (select currency_code from dw.dim_currency)
  or t.contract_currency_code not in (select currency_code from dw.dim_currency)
  or least(t.period_start_date, t.period_end_date) < first_day
union all
select 'fact of ' || touched.referral_id, concat_ws(' ', t.currency_code, t.created_date,
  t.updated_date, t.accepted_date, t.expected_close_date, t.expiration_date, t.closed_date,
  t.registered_date, t.registration_approved_date)
from stg.referral_key touched
join dw.fact_referral t using (referral_key, partner_account_key)
cross join calendar
where t.currency_code not in (select currency_code from dw.dim_currency)
  or least(t.created_date, t.updated_date, t.accepted_date, t.expected_close_date,
    t.expiration_date, t.closed_date, t.registered_date, t.registration_approved_date) < first_day
  or greatest(t.created_date, t.updated_date, t.accepted_date, t.expected_close_date,
    t.expiration_date, t.closed_date, t.registered_date, t.registration_approved_date) > last_day
union all
select 'history of ' || touched.referral_id, concat_ws(' ', t.currency_code,
  t.registered_acv_currency_code, t.valid_from_date, t.valid_to_date, t.expected_close_date,
  t.expiration_date)
from stg.referral_key touched
join dw.fact_referral_history t using (referral_key, partner_account_key)
cross join calendar
where t.currency_code not in (select currency_code from dw.dim_currency)
  or t.registered_acv_currency_code not in (select currency_code from dw.dim_currency)
  or least(t.valid_from_date, t.valid_to_date, t.expected_close_date, t.expiration_date) < first_day
  or greatest(t.valid_from_date, t.valid_to_date, t.expected_close_date, t.expiration_date)
    > last_day
union all
select 'requested line of ' || touched.referral_id, t.currency_code
from stg.referral_key touched
join dw.fact_referral_solution t using (referral_key, partner_account_key)
where t.currency_code not in (select currency_code from dw.dim_currency)
union all
select 'registration of ' || touched.referral_id, concat_ws(' ', t.currency_code, t.contract_sign_date,
  t.contract_start_date, t.contract_end_date, t.contract_end_exclusive_date, t.registered_date,
  t.review_pending_date, t.action_required_date, t.approved_date, t.decided_date)
from stg.referral_key touched
join dw.fact_registration t using (referral_key, partner_account_key)
cross join calendar
where t.currency_code not in (select currency_code from dw.dim_currency)
  or least(t.contract_sign_date, t.contract_start_date, t.contract_end_date,
    t.contract_end_exclusive_date, t.registered_date, t.review_pending_date,
    t.action_required_date, t.approved_date, t.decided_date) < first_day
  or greatest(t.contract_sign_date, t.contract_start_date, t.contract_end_date, t.registered_date,
    t.review_pending_date, t.action_required_date, t.approved_date, t.decided_date) > last_day
union all
select 'registration line of ' || touched.referral_id, concat_ws(' ', t.currency_code,
  t.contract_currency_code, t.contract_sign_date, t.contract_start_date, t.registered_date,
  t.marketplace_transaction_date)
from stg.referral_key touched
join dw.fact_registration_solution t using (referral_key, partner_account_key)
cross join calendar
where t.currency_code not in (select currency_code from dw.dim_currency)
  or t.contract_currency_code not in (select currency_code from dw.dim_currency)
  or least(t.contract_sign_date, t.contract_start_date, t.registered_date,
    t.marketplace_transaction_date) < first_day
  or greatest(t.contract_sign_date, t.contract_start_date, t.registered_date,
    t.marketplace_transaction_date) > last_day
