-- How much annual contract value earns which incentive, each line counted once?
select
  incentive,
  count(*) as line_count,
  round(sum(weighted_solution_acv_reporting_amount)) as solution_acv_usd
from mart.incentive_acv
where sign_fiscal_year = 'FY26'
group by incentive
order by incentive;

-- Answer over the demo:
-- incentive | line_count | solution_acv_usd
-- Azure IP Co-Sell Eligible | 30 | 526106
-- MSFT Internal Azure IP Co-Sell | 67 | 2272213
-- Marketplace Rewards | 15 | 250224
