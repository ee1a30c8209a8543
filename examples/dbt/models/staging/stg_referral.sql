-- One row per referral. Everything below reads it instead of the source.
select
  partner_account_key,
  referral_key,
  referral_id,
  deal_id,
  customer_match_id,
  customer_name,
  stage_label,
  solution_area,
  is_open,
  is_won,
  is_decided,
  is_deal_primary,
  deal_count,
  created_date,
  closed_date,
  closed_fiscal_quarter,
  deal_value_once_reporting_amount
from {{ source('mart', 'referral') }}
