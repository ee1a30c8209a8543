-- How much annual contract value is in force on 30 June 2026, by solution area?
select
  solution_area,
  count(*) as line_count,
  round(sum(solution_acv_reporting_amount)) as solution_acv_usd
from mart.acv_line
where contract_start_date <= date '2026-06-30'
  and contract_end_exclusive_date > date '2026-06-30'
group by solution_area
order by solution_area;

-- Answer over the demo:
-- solution_area | line_count | solution_acv_usd
-- (Not provided) | 154 | 4729575
-- AI Business Solutions | 11 | 340560
-- Cloud and AI Platforms | 2 | 107610
-- Data & AI | 18 | 614362
-- Infrastructure | 33 | 565761
-- Microsoft Unified | 1 | 20000
-- Modern Work | 26 | 251357
