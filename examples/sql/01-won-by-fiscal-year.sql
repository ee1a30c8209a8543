-- What did we win in each fiscal year, in US dollars?
select
  closed_fiscal_year,
  sum(deal_count) as won_count,
  round(sum(deal_value_once_reporting_amount)) as won_value_usd
from mart.referral
where is_won
group by closed_fiscal_year
order by closed_fiscal_year;

-- Answer over the demo:
-- closed_fiscal_year | won_count | won_value_usd
-- FY21 | 46 | 3938556
-- FY22 | 70 | 7649622
-- FY23 | 92 | 9033357
-- FY24 | 124 | 11880289
-- FY25 | 150 | 13604364
-- FY26 | 158 | 16411287
