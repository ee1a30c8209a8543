-- The lines of a registration sum exactly to its contract value and to its contract ACV.
select registration.referral_id, registration.registration_no, registration.contract_value_amount,
  sum(line.allocated_contract_value_amount) as allocated_value,
  registration.contract_acv_amount, sum(line.allocated_contract_acv_amount) as allocated_acv
from touched_fact_registration registration
left join touched_fact_registration_solution line
  using (referral_key, partner_account_key, registration_no)
group by registration.referral_id, referral_key, partner_account_key, registration_no,
  registration.contract_value_amount, registration.contract_acv_amount
having sum(line.allocated_contract_value_amount) is distinct from registration.contract_value_amount
  or sum(line.allocated_contract_acv_amount) is distinct from registration.contract_acv_amount
