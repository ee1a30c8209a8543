-- Every account, key, currency and date that no foreign key guards is found in its dimension.
--
-- A key of another account is none: rows of an account lead to rows of the same account.
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
from touched
where not exists (
  select 1 from dw.dim_partner_account d where d.partner_account_key = touched.partner_account_key)
union all
-- Every row of a referral has its key.
select 'referral ' || touched.referral_id, touched.referral_key::text
from touched
where not exists (
  select 1 from dw.dim_referral d
  where d.referral_key = touched.referral_key
    and d.partner_account_key = :partner_account_key)
union all
select 'tag of ' || t.referral_id, t.tag_key::text
from touched_bridge_referral_tag t
where not exists (
  select 1 from dw.dim_tag d
  where d.tag_key = t.tag_key and d.partner_account_key = :partner_account_key)
union all
select 'seller of ' || t.referral_id, t.seller_key::text
from touched_bridge_referral_seller t
where not exists (
  select 1 from dw.dim_seller d
  where d.seller_key = t.seller_key and d.partner_account_key = :partner_account_key)
union all
select 'schedule of ' || t.referral_id, concat_ws(' ', t.customer_key, t.solution_key,
  t.currency_code, t.contract_currency_code, t.period_start_date, t.period_end_date)
from touched_fact_acv_schedule t
where not exists (
  select 1 from dw.dim_customer d
  where d.customer_key = t.customer_key and d.partner_account_key = :partner_account_key)
  or not exists (
    select 1 from dw.dim_solution d
    where d.solution_key = t.solution_key and d.partner_account_key = :partner_account_key)
  or t.currency_code not in (select currency_code from dw.dim_currency)
  or t.contract_currency_code not in (select currency_code from dw.dim_currency)
  or least(t.period_start_date, t.period_end_date) < (select first_day from calendar)
union all
select 'fact of ' || t.referral_id, concat_ws(' ', t.currency_code, t.created_date,
  t.updated_date, t.accepted_date, t.expected_close_date, t.expiration_date, t.closed_date,
  t.registered_date, t.registration_approved_date, t.registration_first_approved_date)
from touched_fact_referral t
where t.currency_code not in (select currency_code from dw.dim_currency)
  or least(t.created_date, t.updated_date, t.accepted_date, t.expected_close_date,
    t.expiration_date, t.closed_date, t.registered_date, t.registration_approved_date,
    t.registration_first_approved_date)
    < (select first_day from calendar)
  or greatest(t.created_date, t.updated_date, t.accepted_date, t.expected_close_date,
    t.expiration_date, t.closed_date, t.registered_date, t.registration_approved_date,
    t.registration_first_approved_date)
    > (select last_day from calendar)
union all
select 'history of ' || t.referral_id, concat_ws(' ', t.currency_code,
  t.registered_acv_currency_code, t.valid_from_date, t.valid_to_date, t.expected_close_date,
  t.expiration_date, t.customer_key, t.status_key, t.previous_status_key)
from touched_fact_referral_history t
where t.currency_code not in (select currency_code from dw.dim_currency)
  or not exists (
    select 1 from dw.dim_customer d
    where d.customer_key = t.customer_key and d.partner_account_key = :partner_account_key)
  or t.status_key not in (select status_key from dw.dim_status)
  or t.previous_status_key not in (select status_key from dw.dim_status)
  or t.registered_acv_currency_code not in (select currency_code from dw.dim_currency)
  or least(t.valid_from_date, t.valid_to_date, t.expected_close_date, t.expiration_date) < (select first_day from calendar)
  or greatest(t.valid_from_date, t.valid_to_date, t.expected_close_date, t.expiration_date)
    > (select last_day from calendar)
union all
select 'requested line of ' || t.referral_id, concat_ws(' ', t.currency_code, t.solution_key)
from touched_fact_referral_solution t
where t.currency_code not in (select currency_code from dw.dim_currency)
  or not exists (
    select 1 from dw.dim_solution d
    where d.solution_key = t.solution_key and d.partner_account_key = :partner_account_key)
union all
select 'registration of ' || t.referral_id, concat_ws(' ', t.currency_code, t.contract_sign_date,
  t.contract_start_date, t.contract_end_date, t.contract_end_exclusive_date, t.registered_date,
  t.review_pending_date, t.action_required_date, t.first_approved_date, t.approved_date,
  t.decided_date)
from touched_fact_registration t
where t.currency_code not in (select currency_code from dw.dim_currency)
  or least(t.contract_sign_date, t.contract_start_date, t.contract_end_date,
    t.contract_end_exclusive_date, t.registered_date, t.review_pending_date,
    t.action_required_date, t.first_approved_date, t.approved_date, t.decided_date)
    < (select first_day from calendar)
  or greatest(t.contract_sign_date, t.contract_start_date, t.contract_end_date, t.registered_date,
    t.review_pending_date, t.action_required_date, t.first_approved_date, t.approved_date,
    t.decided_date)
    > (select last_day from calendar)
union all
select 'registration line of ' || t.referral_id, concat_ws(' ', t.currency_code,
  t.contract_currency_code, t.contract_sign_date, t.contract_start_date, t.registered_date,
  t.marketplace_transaction_date)
from touched_fact_registration_solution t
where t.currency_code not in (select currency_code from dw.dim_currency)
  or t.contract_currency_code not in (select currency_code from dw.dim_currency)
  or least(t.contract_sign_date, t.contract_start_date, t.registered_date,
    t.marketplace_transaction_date)
    < (select first_day from calendar)
  or greatest(t.contract_sign_date, t.contract_start_date, t.registered_date,
    t.marketplace_transaction_date)
    > (select last_day from calendar)
union all
select 'eligibility of ' || t.referral_id, t.evaluated_date::text
from touched_fact_registration_eligibility t
where t.evaluated_date < (select first_day from calendar)
  or t.evaluated_date > (select last_day from calendar)
union all
select 'review of ' || t.referral_id, concat_ws(' ', t.entered_date, t.left_date)
from touched_fact_registration_review t
where t.entered_date < (select first_day from calendar)
  or greatest(t.entered_date, t.left_date) > (select last_day from calendar)
union all
-- Its dates come from a file that a person downloads, and lead to no fact of the calendar.
select 'annual contract value of ' || t.referral_id,
  concat_ws(' ', t.currency_code, t.solution_currency_code)
from touched_fact_microsoft_acv t
where t.currency_code not in (select currency_code from dw.dim_currency)
  or t.solution_currency_code not in (select currency_code from dw.dim_currency)
