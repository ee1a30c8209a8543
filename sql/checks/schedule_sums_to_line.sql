-- The contract years of a line sum exactly to its solution value and to its share of the contract.
select line.referral_id, registration_no, line_no, line.solution_value_amount,
  line.allocated_contract_value_amount, sum(schedule.scheduled_solution_amount) as scheduled_solution,
  sum(schedule.scheduled_contract_amount) as scheduled_contract
from touched_fact_registration_solution line
left join touched_fact_acv_schedule schedule
  using (referral_key, partner_account_key, registration_no, line_no)
group by line.referral_id, referral_key, partner_account_key, registration_no, line_no,
  line.solution_value_amount, line.allocated_contract_value_amount
having sum(schedule.scheduled_solution_amount) is distinct from line.solution_value_amount
  or sum(schedule.scheduled_contract_amount) is distinct from line.allocated_contract_value_amount
