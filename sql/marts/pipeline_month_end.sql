create or replace view mart.pipeline_month_end with (security_invoker = true) as
select
  p.snapshot_date,
  p.snapshot_fiscal_year,
  p.snapshot_fiscal_quarter,
  p.partner_account_key,
  p.referral_key,
  p.referral_id,
  p.solution_area,
  p.solution_play,
  p.deal_type,
  p.referral_status,
  p.referral_substatus,
  p.stage_label,
  p.stage_sort,
  p.is_open,
  p.is_won,
  p.registration_status,
  p.deal_value_amount,
  p.currency_code,
  p.deal_value_reporting_amount,
  p.expected_close_date,
  p.is_estimated,
  p.days_in_state
from mart.pipeline_as_of p
where p.is_month_end;

comment on view mart.pipeline_month_end is
  'One row per month end and referral: the state in which it ended the month. Answers: how has the '
  'open pipeline moved over the months? Filter is_open for the pipeline; months never add up. Few '
  'enough rows to import.';
comment on column mart.pipeline_month_end.snapshot_date is 'Last day of the month, up to today.';
