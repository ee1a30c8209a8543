-- Every key, date and currency of the tables without foreign keys is found in its dimension.
select k.referral_id, 'schedule customer' as what, schedule.customer_key::text as value
from stg.referral_key k
join dw.fact_acv_schedule schedule
  on schedule.referral_key = k.referral_key
  and schedule.partner_account_key = k.partner_account_key
where not exists (select 1 from dw.dim_customer d where d.customer_key = schedule.customer_key)
union all
select k.referral_id, 'schedule solution', schedule.solution_key::text
from stg.referral_key k
join dw.fact_acv_schedule schedule
  on schedule.referral_key = k.referral_key
  and schedule.partner_account_key = k.partner_account_key
where not exists (select 1 from dw.dim_solution d where d.solution_key = schedule.solution_key)
union all
select k.referral_id, 'tag', bridge.tag_key::text
from stg.referral_key k
join dw.bridge_referral_tag bridge
  on bridge.referral_key = k.referral_key and bridge.partner_account_key = k.partner_account_key
where not exists (select 1 from dw.dim_tag d where d.tag_key = bridge.tag_key)
union all
select k.referral_id, 'currency', used.currency_code
from stg.referral_key k
cross join lateral (
  select fact.currency_code from dw.fact_referral fact
  where fact.referral_key = k.referral_key
    and fact.partner_account_key = k.partner_account_key
  union select line.currency_code from dw.fact_registration_solution line
  where line.referral_key = k.referral_key
    and line.partner_account_key = k.partner_account_key
  union select line.contract_currency_code from dw.fact_registration_solution line
  where line.referral_key = k.referral_key
    and line.partner_account_key = k.partner_account_key
) used
where not exists (select 1 from dw.dim_currency d where d.currency_code = used.currency_code)
union all
select k.referral_id, 'date', used.date_day::text
from stg.referral_key k
cross join lateral (
  select unnest(array[fact.created_date, fact.updated_date, fact.accepted_date,
    fact.expected_close_date, fact.expiration_date, fact.closed_date, fact.registered_date,
    fact.registration_approved_date]) as date_day
  from dw.fact_referral fact
  where fact.referral_key = k.referral_key
    and fact.partner_account_key = k.partner_account_key
) used
where used.date_day is not null
  and not exists (select 1 from dw.dim_date d where d.date_day = used.date_day)
