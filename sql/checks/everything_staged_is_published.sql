-- Each table holds as many rows of the published referrals as were staged for them.
with staged as (
  select 'fact_referral' as table_name, count(*) as row_count
  from stg.fact_referral s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'fact_referral_history', count(*)
  from stg.fact_referral_history s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'fact_referral_solution', count(*)
  from stg.fact_referral_solution s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'fact_registration', count(*)
  from stg.fact_registration s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'fact_registration_solution', count(*)
  from stg.fact_registration_solution s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'fact_acv_schedule', count(*)
  from stg.fact_acv_schedule s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'bridge_referral_tag', count(*)
  from stg.bridge_referral_tag s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'bridge_line_incentive', count(*)
  from stg.bridge_line_incentive s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'fact_registration_eligibility', count(*)
  from stg.fact_registration_eligibility s
    join stg.referral_key using (partner_account_key, referral_no)
  union all select 'contact', count(*)
  from stg.contact s join stg.referral_key using (partner_account_key, referral_no)
  union all select 'referral_text', count(*)
  from stg.referral_text s join stg.referral_key using (partner_account_key, referral_no)
),
published as (
  select 'fact_referral' as table_name, count(*) as row_count
  from dw.fact_referral t join stg.referral_key using (referral_key, partner_account_key)
  union all select 'fact_referral_history', count(*)
  from dw.fact_referral_history t join stg.referral_key using (referral_key, partner_account_key)
  union all select 'fact_referral_solution', count(*)
  from dw.fact_referral_solution t join stg.referral_key using (referral_key, partner_account_key)
  union all select 'fact_registration', count(*)
  from dw.fact_registration t join stg.referral_key using (referral_key, partner_account_key)
  union all select 'fact_registration_solution', count(*)
  from dw.fact_registration_solution t
    join stg.referral_key using (referral_key, partner_account_key)
  union all select 'fact_acv_schedule', count(*)
  from dw.fact_acv_schedule t join stg.referral_key using (referral_key, partner_account_key)
  union all select 'bridge_referral_tag', count(*)
  from dw.bridge_referral_tag t join stg.referral_key using (referral_key, partner_account_key)
  union all select 'bridge_line_incentive', count(*)
  from dw.bridge_line_incentive t join stg.referral_key using (referral_key, partner_account_key)
  union all select 'fact_registration_eligibility', count(*)
  from dw.fact_registration_eligibility t
    join stg.referral_key using (referral_key, partner_account_key)
  union all select 'contact', count(*)
  from pii.contact t join stg.referral_key using (referral_key, partner_account_key)
  union all select 'referral_text', count(*)
  from pii.referral_text t join stg.referral_key using (referral_key, partner_account_key)
)
select table_name, staged.row_count as staged, published.row_count as published
from staged
join published using (table_name)
where staged.row_count <> published.row_count
