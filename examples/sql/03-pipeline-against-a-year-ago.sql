-- How large is the open pipeline today, against a year and two years ago?
select
  snapshot_date,
  count(*) as referral_count,
  round(sum(deal_value_reporting_amount)) as value_usd
from mart.pipeline_as_of
where snapshot_date in (date '2024-06-30', date '2025-06-30', date '2026-06-30') and is_open
group by snapshot_date
order by snapshot_date;

-- Answer over the demo:
-- snapshot_date | referral_count | value_usd
-- 2024-06-30 | 224 | 21563098
-- 2025-06-30 | 271 | 28003858
-- 2026-06-30 | 316 | 36429259
