-- Each table holds as many rows of the published referrals as were staged for them.
with staged as (
  select 'fact_referral' as table_name, count(*) as row_count
  from stg.fact_referral join touched using (partner_account_key, referral_no)
  union all select 'fact_referral_history', count(*)
  from stg.fact_referral_history join touched using (partner_account_key, referral_no)
  union all select 'fact_referral_solution', count(*)
  from stg.fact_referral_solution join touched using (partner_account_key, referral_no)
  union all select 'fact_registration', count(*)
  from stg.fact_registration join touched using (partner_account_key, referral_no)
  union all select 'fact_registration_review', count(*)
  from stg.fact_registration_review join touched using (partner_account_key, referral_no)
  union all select 'fact_registration_solution', count(*)
  from stg.fact_registration_solution join touched using (partner_account_key, referral_no)
  union all select 'fact_acv_schedule', count(*)
  from stg.fact_acv_schedule join touched using (partner_account_key, referral_no)
  union all select 'bridge_referral_tag', count(*)
  from stg.bridge_referral_tag join touched using (partner_account_key, referral_no)
  union all select 'bridge_referral_seller', count(*)
  from stg.bridge_referral_seller join touched using (partner_account_key, referral_no)
  union all select 'bridge_line_incentive', count(*)
  from stg.bridge_line_incentive join touched using (partner_account_key, referral_no)
  union all select 'fact_registration_eligibility', count(*)
  from stg.fact_registration_eligibility join touched using (partner_account_key, referral_no)
  union all select 'fact_microsoft_acv', count(*)
  from stg.fact_microsoft_acv join touched using (partner_account_key, referral_no)
  union all select 'contact', count(*)
  from stg.contact join touched using (partner_account_key, referral_no)
  union all select 'referral_text', count(*)
  from stg.referral_text join touched using (partner_account_key, referral_no)
),
published as (
  select 'fact_referral' as table_name, count(*) as row_count
  from touched_fact_referral
  union all select 'fact_referral_history', count(*)
  from touched_fact_referral_history
  union all select 'fact_referral_solution', count(*)
  from touched_fact_referral_solution
  union all select 'fact_registration', count(*)
  from touched_fact_registration
  union all select 'fact_registration_review', count(*)
  from touched_fact_registration_review
  union all select 'fact_registration_solution', count(*)
  from touched_fact_registration_solution
  union all select 'fact_acv_schedule', count(*)
  from touched_fact_acv_schedule
  union all select 'bridge_referral_tag', count(*)
  from touched_bridge_referral_tag
  union all select 'bridge_referral_seller', count(*)
  from touched_bridge_referral_seller
  union all select 'bridge_line_incentive', count(*)
  from touched_bridge_line_incentive
  union all select 'fact_registration_eligibility', count(*)
  from touched_fact_registration_eligibility
  union all select 'fact_microsoft_acv', count(*)
  from touched_fact_microsoft_acv
  union all select 'contact', count(*)
  from touched_contact
  union all select 'referral_text', count(*)
  from touched_referral_text
)
select table_name, staged.row_count as staged, published.row_count as published
from staged
join published using (table_name)
where staged.row_count <> published.row_count
