-- One row per account, fiscal year of signing and currency. Divide the sums for the share.
select
  partner_account_key,
  sign_fiscal_year,
  currency_code,
  (sum(solution_acv_amount) filter (where is_incentive_eligible))::numeric(28, 4)
    as incentive_acv_amount,
  sum(solution_acv_amount)::numeric(28, 4) as solution_acv_amount
from {{ ref('stg_registration_line') }}
where sign_fiscal_year is not null and is_approved
group by partner_account_key, sign_fiscal_year, currency_code
