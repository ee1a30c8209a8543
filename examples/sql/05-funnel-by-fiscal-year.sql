-- Of what was created in a fiscal year, how much was accepted, won and registered?
select
  created_fiscal_year,
  sum(created_count) as created,
  sum(accepted_count) as accepted,
  sum(won_count) as won,
  sum(registered_count) as registered,
  round(sum(won_count)::numeric / nullif(sum(created_count), 0), 3) as won_share
from mart.funnel
group by created_fiscal_year
order by created_fiscal_year;

-- Answer over the demo:
-- created_fiscal_year | created | accepted | won | registered | won_share
-- FY21 | 190 | 150 | 86 | 31 | 0.453
-- FY22 | 235 | 189 | 89 | 25 | 0.379
-- FY23 | 343 | 267 | 123 | 50 | 0.359
-- FY24 | 355 | 297 | 148 | 55 | 0.417
-- FY25 | 442 | 357 | 190 | 66 | 0.430
-- FY26 | 435 | 337 | 102 | 42 | 0.234
