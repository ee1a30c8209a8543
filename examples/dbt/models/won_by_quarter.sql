-- One row per account, fiscal quarter of closing and solution area.
select
  partner_account_key,
  closed_fiscal_quarter,
  solution_area,
  count(*) as won_count,
  sum(deal_value_reporting_amount) as won_value_reporting_amount,
  count(*) filter (where deal_value_reporting_amount is null) as without_rate_count
from {{ source('mart', 'referral') }}
where is_won
group by partner_account_key, closed_fiscal_quarter, solution_area
