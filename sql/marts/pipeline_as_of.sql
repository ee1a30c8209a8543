create or replace view mart.pipeline_as_of with (security_invoker = true) as
select
  d.date_day as snapshot_date,
  d.fiscal_year_label as snapshot_fiscal_year,
  d.fiscal_quarter_label as snapshot_fiscal_quarter,
  d.is_month_end,
  h.partner_account_key,
  h.referral_key,
  r.referral_id,
  r.solution_area,
  r.solution_play,
  r.deal_type,
  s.referral_status,
  s.referral_substatus,
  s.stage_label,
  s.stage_sort,
  s.is_open,
  s.is_won,
  h.registration_status,
  h.deal_value_amount,
  h.currency_code,
  (h.deal_value_amount * fx.rate_to_reporting)::numeric(38, 14) as deal_value_reporting_amount,
  h.expected_close_date,
  h.is_estimated,
  d.date_day - h.valid_from_date as days_in_state
from dw.dim_date d
join dw.fact_referral_history h
  on coalesce(h.valid_to_date, 'infinity') > d.date_day
  and h.valid_from_date <= d.date_day
join dw.dim_status s on s.status_key = h.status_key
left join dw.dim_referral r
  on r.referral_key = h.referral_key and r.partner_account_key = h.partner_account_key
left join dw.fx_rate fx
  on fx.currency_code = h.currency_code and fx.rate_date = d.date_day
where d.date_day <= (now() at time zone 'utc')::date
  and not (h.is_missing and s.is_open);

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
