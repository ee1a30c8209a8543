-- What was the open pipeline by stage on 30 June 2026?
select
  stage_label,
  sum(deal_count) as deal_count,
  round(sum(deal_value_once_reporting_amount)) as value_usd
from mart.pipeline_as_of
where snapshot_date = date '2026-06-30' and is_open
group by stage_sort, stage_label
having sum(deal_count) > 0
order by stage_sort;

-- Answer over the demo:
-- stage_label | deal_count | value_usd
-- New | 3 | 12000
-- Active | 220 | 27022137
