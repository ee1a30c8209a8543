-- What a month says is worked out once a month: with 36,525 days it took four fifths of the time.
with setting as (
  select setting_value::integer as start_month
  from etl.setting
  where setting_name = 'fiscal_year_start_month'
),
-- Months and days are counted, not stepped by interval: generate_series over dates would make
-- instants of them, and a session with daylight saving time would repeat or skip a day.
month as (
  select
    make_date(2000 + n / 12, n % 12 + 1, 1) as month_start_date,
    n % 12 + 1 as month_number,
    2000 + n / 12 as calendar_year,
    (n % 12 + 1 - start_month + 12) % 12 as months_into_year
  from generate_series(0, 1199) as n
  cross join setting
),
fiscal as (
  select
    *,
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
),
described as materialized (
  select
    *,
    to_char(month_start_date, 'FMMonth') as month_name,
    to_char(month_start_date, 'YYYY-MM') as year_month,
    calendar_year * 10000 + month_number * 100 as first_date_key,
    extract(year from year_end_date) as fiscal_year,
    'FY' || to_char(year_end_date, 'YY') as fiscal_year_label,
    months_into_year + 1 as fiscal_month,
    months_into_year / 3 + 1 as fiscal_quarter
  from bounded
),
-- The barrier keeps an expression of a day from being worked out for each column that uses it.
day as (
  select
    date '2000-01-01' + n as date_day,
    date_trunc('month', (date '2000-01-01' + n)::timestamp)::date as month_start_date,
    extract(day from date '2000-01-01' + n)::integer as day_of_month,
    extract(isodow from date '2000-01-01' + n)::integer as day_of_week
  from generate_series(0, date '2099-12-31' - date '2000-01-01') as n
  offset 0
)
insert into dw.dim_date
select
  date_day,
  first_date_key + day_of_month as date_key,
  (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[
    day_of_week
  ] as day_name,
  day_of_week,
  day_of_week in (6, 7) as is_weekend,
  extract(isoyear from date_day) as iso_year,
  extract(week from date_day) as iso_week,
  month_start_date,
  month_end_date,
  month_number,
  month_name,
  year_month,
  (month_number + 2) / 3 as calendar_quarter,
  calendar_year,
  fiscal_year,
  fiscal_year_label,
  fiscal_quarter,
  fiscal_year_label || ' Q' || fiscal_quarter as fiscal_quarter_label,
  fiscal_month,
  quarter_start_date as fiscal_quarter_start_date,
  quarter_end_date as fiscal_quarter_end_date,
  year_start_date as fiscal_year_start_date,
  year_end_date as fiscal_year_end_date,
  date_day = month_end_date as is_month_end,
  date_day = quarter_end_date as is_fiscal_quarter_end,
  date_day = year_end_date as is_fiscal_year_end
from day
join described using (month_start_date)
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
