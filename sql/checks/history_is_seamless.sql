-- The versions of a referral neither overlap nor leave a gap, and only the last one is open.
select referral_id, version_no, valid_from, valid_to, next_valid_from
from (
  select touched.referral_id, history.version_no, history.valid_from, history.valid_to,
    history.is_current,
    lead(history.valid_from) over same_referral as next_valid_from
  from stg.referral_key touched
  join dw.fact_referral_history history
    on history.referral_key = touched.referral_key
    and history.partner_account_key = touched.partner_account_key
  window same_referral as (
    partition by history.referral_key, history.partner_account_key order by history.version_no)
) versions
where valid_to is distinct from next_valid_from or is_current <> (valid_to is null)
