-- The current version of a referral's history holds the same status, value, currency and customer as its fact.
select touched.referral_id, fact.status_key, history.status_key as status_key_of_history,
  fact.deal_value_amount, history.deal_value_amount as deal_value_of_history,
  fact.currency_code, history.currency_code as currency_of_history,
  fact.customer_key, history.customer_key as customer_key_of_history
from stg.referral_key touched
join dw.fact_referral fact
  on fact.referral_key = touched.referral_key and fact.partner_account_key = touched.partner_account_key
join dw.fact_referral_history history
  on history.referral_key = touched.referral_key
  and history.partner_account_key = touched.partner_account_key
  and history.is_current
where fact.status_key <> history.status_key
  or fact.deal_value_amount is distinct from history.deal_value_amount
  or fact.currency_code <> history.currency_code
  or fact.customer_key <> history.customer_key
