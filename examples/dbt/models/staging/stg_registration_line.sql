-- One row per solution line of a deal registration.
select
  partner_account_key,
  registration_line_key,
  referral_key,
  registration_no,
  line_no,
  registration_status,
  is_approved,
  sign_fiscal_year,
  contract_sign_date,
  contract_start_date,
  contract_end_exclusive_date,
  currency_code,
  solution_acv_amount,
  solution_acv_reporting_amount,
  is_incentive_eligible
from {{ source('mart', 'acv_line') }}
