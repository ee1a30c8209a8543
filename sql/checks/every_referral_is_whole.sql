-- Every published referral has one fact and exactly one current history version.
select touched.referral_id, count(distinct fact.referral_key) as facts,
  count(distinct history.version_no) as current_versions
from stg.referral_key touched
left join dw.fact_referral fact
  on fact.referral_key = touched.referral_key and fact.partner_account_key = touched.partner_account_key
left join dw.fact_referral_history history
  on history.referral_key = touched.referral_key
  and history.partner_account_key = touched.partner_account_key
  and history.is_current
group by touched.partner_account_key, touched.referral_no, touched.referral_id
having count(distinct fact.referral_key) <> 1 or count(distinct history.version_no) <> 1
