-- The deal, contract and solution values of the published referrals add up to what was staged, in every currency.
with staged as (
  select 'deal value' as amount, s.currency_code, sum(s.deal_value_amount) as total
  from stg.fact_referral s join stg.referral_key using (partner_account_key, referral_no)
  group by s.currency_code
  union all
  select 'contract value', s.currency_code, sum(s.contract_value_amount)
  from stg.fact_registration s join stg.referral_key using (partner_account_key, referral_no)
  group by s.currency_code
  union all
  select 'solution value', s.currency_code, sum(s.solution_value_amount)
  from stg.fact_registration_solution s join stg.referral_key using (partner_account_key, referral_no)
  group by s.currency_code
),
published as (
  select 'deal value' as amount, t.currency_code, sum(t.deal_value_amount) as total
  from dw.fact_referral t join stg.referral_key using (referral_key, partner_account_key)
  group by t.currency_code
  union all
  select 'contract value', t.currency_code, sum(t.contract_value_amount)
  from dw.fact_registration t join stg.referral_key using (referral_key, partner_account_key)
  group by t.currency_code
  union all
  select 'solution value', t.currency_code, sum(t.solution_value_amount)
  from dw.fact_registration_solution t
    join stg.referral_key using (referral_key, partner_account_key)
  group by t.currency_code
)
select amount, currency_code, staged.total as staged, published.total as published
from staged
full join published using (amount, currency_code)
where staged.total is distinct from published.total
