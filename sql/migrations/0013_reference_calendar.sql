with setting as (
  select setting_value::integer as start_month
  from etl.setting
  where setting_name = 'fiscal_year_start_month'
),
-- Days are counted, not stepped by interval: generate_series over dates would make instants of
-- them, and a session with daylight saving time would repeat or skip a day.
calendar as (
  select
    date '2000-01-01' + n as date_day,
    start_month
  from generate_series(0, date '2099-12-31' - date '2000-01-01') as n
  cross join setting
),
month as (
  select
    date_day,
    date_trunc('month', date_day::timestamp)::date as month_start_date,
    (extract(month from date_day)::integer - start_month + 12) % 12 as months_into_year
  from calendar
),
fiscal as (
  select
    date_day,
    month_start_date,
    months_into_year + 1 as fiscal_month,
    months_into_year / 3 + 1 as fiscal_quarter,
    (month_start_date - make_interval(months => months_into_year))::date as year_start_date,
    (month_start_date - make_interval(months => months_into_year % 3))::date as quarter_start_date
  from month
),
bounded as (
  select
    *,
    (month_start_date + interval '1 month' - interval '1 day')::date as month_end_date,
    (quarter_start_date + interval '3 months' - interval '1 day')::date as quarter_end_date,
    (year_start_date + interval '12 months' - interval '1 day')::date as year_end_date
  from fiscal
)
insert into dw.dim_date
select
  date_day,
  to_char(date_day, 'YYYYMMDD')::integer as date_key,
  to_char(date_day, 'FMDay') as day_name,
  extract(isodow from date_day) as day_of_week,
  extract(isodow from date_day) in (6, 7) as is_weekend,
  extract(isoyear from date_day) as iso_year,
  extract(week from date_day) as iso_week,
  month_start_date,
  month_end_date,
  extract(month from date_day) as month_number,
  to_char(date_day, 'FMMonth') as month_name,
  to_char(date_day, 'YYYY-MM') as year_month,
  extract(quarter from date_day) as calendar_quarter,
  extract(year from date_day) as calendar_year,
  extract(year from year_end_date) as fiscal_year,
  'FY' || to_char(year_end_date, 'YY') as fiscal_year_label,
  fiscal_quarter,
  'FY' || to_char(year_end_date, 'YY') || ' Q' || fiscal_quarter as fiscal_quarter_label,
  fiscal_month,
  quarter_start_date as fiscal_quarter_start_date,
  quarter_end_date as fiscal_quarter_end_date,
  year_start_date as fiscal_year_start_date,
  year_end_date as fiscal_year_end_date,
  date_day = month_end_date as is_month_end,
  date_day = quarter_end_date as is_fiscal_quarter_end,
  date_day = year_end_date as is_fiscal_year_end
from bounded
order by date_day;

-- The reporting currency is worth itself on every day, so views convert without a case apart.
insert into dw.fx_rate (currency_code, rate_date, rate_to_reporting, observed_date, rate_source)
select
  setting.setting_value as currency_code,
  day.date_day as rate_date,
  1 as rate_to_reporting,
  day.date_day as observed_date,
  'identity' as rate_source
from etl.setting setting
cross join dw.dim_date day
where setting.setting_name = 'reporting_currency';
