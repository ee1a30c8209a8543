create or replace view mart.pipeline_month_end with (security_invoker = true) as
select
  pipeline.snapshot_date,
  pipeline.snapshot_fiscal_year,
  pipeline.snapshot_fiscal_quarter,
  pipeline.partner_account_key,
  pipeline.referral_key,
  pipeline.referral_id,
  pipeline.solution_area,
  pipeline.solution_play,
  pipeline.deal_type,
  pipeline.referral_status,
  pipeline.referral_substatus,
  pipeline.stage_label,
  pipeline.stage_sort,
  pipeline.is_open,
  pipeline.is_won,
  pipeline.registration_status,
  pipeline.deal_value_amount,
  pipeline.currency_code,
  pipeline.deal_value_reporting_amount,
  pipeline.expected_close_date,
  pipeline.is_estimated,
  pipeline.days_in_state,
  pipeline.is_deal_primary,
  pipeline.deal_count,
  pipeline.deal_value_once_amount,
  pipeline.deal_value_once_reporting_amount
from mart.pipeline_as_of pipeline
where pipeline.is_month_end;

comment on view mart.pipeline_month_end is
  'One row per month end and referral: the state in which it ended the month. Answers: how has the '
  'open pipeline moved over the months? Filter is_open for the pipeline, and sum deal_value_once_amount to count a '
  'deal once; months never add up. Few '
  'enough rows to import.';
comment on column mart.pipeline_month_end.snapshot_date is 'Last day of the month, up to today.';
