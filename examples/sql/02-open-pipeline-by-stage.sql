-- What was the open pipeline by stage on 30 June 2026?
select
  stage_label,
  count(*) as referral_count,
  round(sum(deal_value_reporting_amount)) as value_usd
from mart.pipeline_as_of
where snapshot_date = date '2026-06-30' and is_open
group by stage_sort, stage_label
order by stage_sort;

-- Answer over the demo:
-- stage_label | referral_count | value_usd
-- New - Pending | 4 | 63000
-- New - Received | 2 | 182000
-- Active - Accepted | 310 | 36184259
