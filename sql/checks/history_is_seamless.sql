-- The versions of a referral neither overlap nor leave a gap, and only the last one is open.
select referral_id, version_no, valid_from, valid_to, next_valid_from
from (
  select referral_id, version_no, valid_from, valid_to, is_current,
    lead(valid_from) over same_referral as next_valid_from
  from touched_fact_referral_history
  window same_referral as (
    partition by referral_key, partner_account_key order by version_no)
) versions
where valid_to is distinct from next_valid_from or is_current <> (valid_to is null)
