-- What falls due in contract years that begin in the coming fiscal years?
select
  period_start_fiscal_year,
  count(*) as year_count,
  round(sum(scheduled_contract_reporting_amount)) as scheduled_usd
from mart.acv_schedule
where period_start_fiscal_year between 'FY26' and 'FY29'
group by period_start_fiscal_year
order by period_start_fiscal_year;

-- Answer over the demo:
-- period_start_fiscal_year | year_count | scheduled_usd
-- FY26 | 260 | 8397323
-- FY27 | 155 | 2882659
-- FY28 | 106 | 1498924
-- FY29 | 69 | 705311
