-- How much annual contract value was signed in each fiscal year?
select
  sign_fiscal_year,
  count(distinct referral_key) as contract_count,
  round(sum(contract_acv_reporting_amount)) as contract_acv_usd
from mart.acv_line
where sign_fiscal_year is not null
group by sign_fiscal_year
order by sign_fiscal_year;

-- Answer over the demo:
-- sign_fiscal_year | contract_count | contract_acv_usd
-- FY21 | 22 | 1199824
-- FY22 | 21 | 1508426
-- FY23 | 41 | 3924523
-- FY24 | 61 | 4353570
-- FY25 | 57 | 3294730
-- FY26 | 67 | 5662735
