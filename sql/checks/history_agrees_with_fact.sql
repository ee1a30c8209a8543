-- The current version of a referral's history holds the same status, value, currency and customer as its fact.
select fact.referral_id, fact.status_key, history.status_key as status_key_of_history,
  fact.deal_value_amount, history.deal_value_amount as deal_value_of_history,
  fact.currency_code, history.currency_code as currency_of_history,
  fact.customer_key, history.customer_key as customer_key_of_history
from touched_fact_referral fact
join touched_fact_referral_history history using (referral_key, partner_account_key)
where history.is_current
  and (fact.status_key <> history.status_key
    or fact.deal_value_amount is distinct from history.deal_value_amount
    or fact.currency_code <> history.currency_code
    or fact.customer_key <> history.customer_key)
