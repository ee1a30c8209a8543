-- The contract years of a line sum exactly to its solution value and to its share of the contract.
select touched.referral_id, line.registration_no, line.line_no, line.solution_value_amount,
  line.allocated_contract_value_amount, sum(schedule.scheduled_solution_amount) as scheduled_solution,
  sum(schedule.scheduled_contract_amount) as scheduled_contract
from stg.referral_key touched
join dw.fact_registration_solution line
  on line.referral_key = touched.referral_key and line.partner_account_key = touched.partner_account_key
left join dw.fact_acv_schedule schedule
  on schedule.referral_key = line.referral_key
  and schedule.partner_account_key = line.partner_account_key
  and schedule.registration_no = line.registration_no
  and schedule.line_no = line.line_no
group by touched.referral_id, line.referral_key, line.partner_account_key, line.registration_no,
  line.line_no
having sum(schedule.scheduled_solution_amount) is distinct from line.solution_value_amount
  or sum(schedule.scheduled_contract_amount) is distinct from line.allocated_contract_value_amount
