-- The deal, contract and solution values of the published referrals add up to what was staged, in every currency.
with staged as (
  select 'deal value' as amount, s.currency_code, sum(s.deal_value_amount) as total
  from stg.fact_referral s join touched using (partner_account_key, referral_no)
  group by s.currency_code
  union all
  select 'contract value', s.currency_code, sum(s.contract_value_amount)
  from stg.fact_registration s join touched using (partner_account_key, referral_no)
  group by s.currency_code
  union all
  select 'solution value', s.currency_code, sum(s.solution_value_amount)
  from stg.fact_registration_solution s join touched using (partner_account_key, referral_no)
  group by s.currency_code
),
published as (
  select 'deal value' as amount, t.currency_code, sum(t.deal_value_amount) as total
  from touched_fact_referral t
  group by t.currency_code
  union all
  select 'contract value', t.currency_code, sum(t.contract_value_amount)
  from touched_fact_registration t
  group by t.currency_code
  union all
  select 'solution value', t.currency_code, sum(t.solution_value_amount)
  from touched_fact_registration_solution t
  group by t.currency_code
)
select amount, currency_code, staged.total as staged, published.total as published
from staged
full join published using (amount, currency_code)
where staged.total is distinct from published.total
