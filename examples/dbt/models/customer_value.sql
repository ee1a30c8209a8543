-- One row per account and customer, as far as customers can be matched.
with referral as (
  select * from {{ source('mart', 'referral') }}
),

contract as (
  select
    partner_account_key,
    referral_key,
    sum(contract_acv_reporting_amount) as contract_acv_reporting_amount
  from {{ source('mart', 'registration') }}
  group by partner_account_key, referral_key
)

select
  referral.partner_account_key,
  referral.customer_match_id,
  min(referral.customer_name) as customer_name,
  count(*) as referral_count,
  sum(referral.deal_value_reporting_amount) filter (where referral.is_open)
    as open_value_reporting_amount,
  sum(referral.deal_value_reporting_amount) filter (where referral.is_won)
    as won_value_reporting_amount,
  sum(contract.contract_acv_reporting_amount) as contract_acv_reporting_amount
from referral
left join contract
  on contract.referral_key = referral.referral_key
  and contract.partner_account_key = referral.partner_account_key
where referral.customer_match_id is not null
group by referral.partner_account_key, referral.customer_match_id
