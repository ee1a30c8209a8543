-- What is the win rate by solution area in FY26?
select
  solution_area,
  round(sum(decided_weight), 1) as decided,
  round(sum(won_weight) / nullif(sum(decided_weight), 0), 3) as win_rate
from mart.win_rate
where closed_fiscal_year = 'FY26'
group by solution_area
order by solution_area;

-- Answer over the demo:
-- solution_area | decided | win_rate
-- (Not provided) | 206.0 | 0.617
-- AI Business Solutions | 23.0 | 0.652
-- Cloud and AI Platforms | 9.0 | 0.778
-- Data & AI | 11.0 | 0.545
-- Infrastructure | 9.0 | 0.444
-- Microsoft Unified | 2.0 | 1.000
-- Modern Work | 15.0 | 0.600
-- Security | 11.0 | 0.545
