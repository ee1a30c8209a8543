-- One row per account and customer, as far as customers can be matched.
with referral as (
  select * from {{ ref('stg_referral') }}
),

contract as (
  select
    partner_account_key,
    referral_key,
    sum(solution_acv_reporting_amount) as solution_acv_reporting_amount
  from {{ ref('stg_registration_line') }}
  where is_approved
  group by partner_account_key, referral_key
)

select
  referral.partner_account_key,
  referral.customer_match_id,
  min(referral.customer_name) as customer_name,
  sum(referral.deal_count) as deal_count,
  (sum(referral.deal_value_once_reporting_amount) filter (where referral.is_open))::numeric(28, 4)
    as open_value_reporting_amount,
  (sum(referral.deal_value_once_reporting_amount) filter (where referral.is_won))::numeric(28, 4)
    as won_value_reporting_amount,
  sum(contract.solution_acv_reporting_amount)::numeric(28, 4)
    as approved_acv_reporting_amount
from referral
left join contract
  on contract.referral_key = referral.referral_key
  and contract.partner_account_key = referral.partner_account_key
where referral.customer_match_id is not null
group by referral.partner_account_key, referral.customer_match_id
