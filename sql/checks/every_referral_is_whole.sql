-- Every published referral has one fact and exactly one current history version.
select touched.referral_id, count(distinct fact.referral_key) as facts,
  count(distinct history.version_no) as current_versions
from touched
left join touched_fact_referral fact using (referral_key, partner_account_key)
left join (
  select referral_key, partner_account_key, version_no from touched_fact_referral_history
  where is_current
) history using (referral_key, partner_account_key)
group by partner_account_key, touched.referral_no, touched.referral_id
having count(distinct fact.referral_key) <> 1 or count(distinct history.version_no) <> 1
