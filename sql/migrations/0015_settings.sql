insert into etl.setting (setting_name, setting_value)
values
  -- Converted columns of the views are in this currency; Microsoft states its thresholds in it.
  ('reporting_currency', 'USD'),
  -- Read once, when the calendar is filled: another month needs a refilled dw.dim_date.
  ('fiscal_year_start_month', '7'),
  -- nearest_midnight: a calendar date arrives as the local midnight of the person who picked it, so
  -- a day east of Greenwich comes as the evening before. utc: take the UTC day as it is.
  ('calendar_date_rule', 'nearest_midnight'),

  -- A run that holds back more than this share and this number of referrals publishes nothing.
  ('quarantine_percent_max', '1'),
  ('quarantine_count_max', '10'),
  -- Likewise one that would miss more: a role that was taken away looks like a mass deletion.
  ('missing_percent_max', '5'),
  ('missing_count_max', '20'),
  -- After this many days the next run reads everything.
  ('full_read_days_max', '7'),
  -- An exchange rate older than this is no rate.
  ('fx_rate_days_max', '7'),

  -- Limits of the incentive programme, which change with the fiscal year of Microsoft.
  ('registration_days_max', '60'),
  ('start_days_before_registration_max', '90'),
  ('won_hours_min', '72'),
  ('acv_minimum_usd', '25000');
