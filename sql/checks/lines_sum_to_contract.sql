-- The lines of a registration sum exactly to its contract value and to its contract ACV.
select touched.referral_id, registration.registration_no, registration.contract_value_amount,
  sum(line.allocated_contract_value_amount) as allocated_value,
  registration.contract_acv_amount, sum(line.allocated_contract_acv_amount) as allocated_acv
from stg.referral_key touched
join dw.fact_registration registration
  on registration.referral_key = touched.referral_key
  and registration.partner_account_key = touched.partner_account_key
left join dw.fact_registration_solution line
  on line.referral_key = registration.referral_key
  and line.partner_account_key = registration.partner_account_key
  and line.registration_no = registration.registration_no
group by touched.referral_id, registration.referral_key, registration.partner_account_key,
  registration.registration_no
having sum(line.allocated_contract_value_amount) is distinct from registration.contract_value_amount
  or sum(line.allocated_contract_acv_amount) is distinct from registration.contract_acv_amount
