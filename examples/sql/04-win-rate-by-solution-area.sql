-- What is the win rate by solution area in FY26?
select
  solution_area,
  round(sum(decided_deal_weight), 1) as decided,
  round(sum(won_deal_weight) / nullif(sum(decided_deal_weight), 0), 3) as win_rate
from mart.win_rate
where closed_fiscal_year = 'FY26'
group by solution_area
order by solution_area;

-- Answer over the demo:
-- solution_area | decided | win_rate
-- (Not provided) | 151.0 | 0.755
-- AI Business Solutions | 17.0 | 0.706
-- Cloud and AI Platforms | 8.0 | 0.875
-- Data & AI | 8.0 | 0.750
-- Infrastructure | 6.0 | 0.500
-- Microsoft Unified | 2.0 | 1.000
-- Modern Work | 12.0 | 0.667
-- Security | 7.0 | 0.857
