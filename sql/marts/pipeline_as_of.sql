create or replace view mart.pipeline_as_of with (security_invoker = true) as
select
  day.date_day as snapshot_date,
  day.fiscal_year_label as snapshot_fiscal_year,
  day.fiscal_quarter_label as snapshot_fiscal_quarter,
  day.is_month_end,
  history.partner_account_key,
  history.referral_key,
  referral.referral_id,
  referral.solution_area,
  referral.solution_play,
  referral.deal_type,
  status.referral_status,
  status.referral_substatus,
  status.stage_label,
  status.stage_sort,
  status.is_open,
  status.is_won,
  history.registration_status,
  history.deal_value_amount,
  history.currency_code,
  (history.deal_value_amount * rate.rate_to_reporting)::numeric(38, 14)
    as deal_value_reporting_amount,
  history.expected_close_date,
  history.is_estimated,
  day.date_day - history.valid_from_date as days_in_state
from dw.dim_date day
join dw.fact_referral_history history
  on coalesce(history.valid_to_date, 'infinity') > day.date_day
  and history.valid_from_date <= day.date_day
join dw.dim_status status on status.status_key = history.status_key
left join dw.dim_referral referral
  on referral.referral_key = history.referral_key
  and referral.partner_account_key = history.partner_account_key
left join dw.fx_rate rate
  on rate.currency_code = history.currency_code and rate.rate_date = day.date_day
where day.date_day <= (now() at time zone 'utc')::date
  and not (history.is_missing and status.is_open);

comment on view mart.pipeline_as_of is
  'One row per day and referral: the state in which it ended the day. Answers: what was the '
  'pipeline on 30 June by stage, against today? Always filter snapshot_date to one day, and is_open '
  'for the pipeline; days never add up. Open referrals that the source no longer showed on the day '
  'are left out.';
comment on column mart.pipeline_as_of.snapshot_date is 'The day, up to today; always filter by it.';
comment on column mart.pipeline_as_of.snapshot_fiscal_year is
  'Fiscal year of snapshot_date, as FY26.';
comment on column mart.pipeline_as_of.snapshot_fiscal_quarter is
  'Fiscal quarter of snapshot_date, as FY26 Q3.';
comment on column mart.pipeline_as_of.is_month_end is 'snapshot_date is the last of its month.';
comment on column mart.pipeline_as_of.solution_area is
  'Solution area as it is now, not as on the day; (Multiple) when there are several.';
comment on column mart.pipeline_as_of.solution_play is
  'Solution play as it is now, not as on the day; (Multiple) when there are several.';
comment on column mart.pipeline_as_of.deal_type is
  'Private, Partner-led, Co-sell or Unknown, as it is now, not as on the day.';
comment on column mart.pipeline_as_of.deal_value_reporting_amount is
  'deal_value_amount in the reporting currency, at the rate of snapshot_date. Null where there is '
  'no rate for it.';
comment on column mart.pipeline_as_of.days_in_state is
  'Days from the beginning of the version that held on the day to snapshot_date. Any tracked '
  'change, also of the value, begins a version; mart.status_transition has the stages alone.';
