-- What did we win in each fiscal year, in US dollars?
select
  closed_fiscal_year,
  count(*) as won_count,
  round(sum(deal_value_reporting_amount)) as won_value_usd
from mart.referral
where is_won
group by closed_fiscal_year
order by closed_fiscal_year;

-- Answer over the demo:
-- closed_fiscal_year | won_count | won_value_usd
-- FY21 | 52 | 4122234
-- FY22 | 81 | 9124847
-- FY23 | 107 | 9970840
-- FY24 | 147 | 13557139
-- FY25 | 175 | 16805560
-- FY26 | 176 | 18146649
