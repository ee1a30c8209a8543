-- How large is the open pipeline today, against a year and two years ago?
select
  snapshot_date,
  sum(deal_count) as deal_count,
  round(sum(deal_value_once_reporting_amount)) as value_usd
from mart.pipeline_as_of
where snapshot_date in (date '2024-06-30', date '2025-06-30', date '2026-06-30') and is_open
group by snapshot_date
order by snapshot_date;

-- Answer over the demo:
-- snapshot_date | deal_count | value_usd
-- 2024-06-30 | 148 | 15297263
-- 2025-06-30 | 185 | 19511654
-- 2026-06-30 | 223 | 27034137
