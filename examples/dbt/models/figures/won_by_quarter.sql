-- One row per account, fiscal quarter of closing and solution area.
select
  partner_account_key,
  closed_fiscal_quarter,
  solution_area,
  sum(deal_count) as won_deal_count,
  sum(deal_value_once_reporting_amount)::numeric(28, 4) as won_value_reporting_amount,
  count(*) filter (where deal_count = 1 and deal_value_once_reporting_amount is null)
    as without_value_count
from {{ ref('stg_referral') }}
where is_won
group by partner_account_key, closed_fiscal_quarter, solution_area
