create table etl.setting (
  setting_name  text primary key,
  setting_value text not null
);
comment on table etl.setting is 'One setting of the warehouse that rules, checks and views read.';
comment on column etl.setting.setting_name is
  'Name of the setting; its unit is the last word where it is a number.';
comment on column etl.setting.setting_value is 'Value, as text.';

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
  -- After this many days the next run is a full read.
  ('full_read_days_max', '7'),
  -- An exchange rate older than this is no rate.
  ('fx_rate_days_max', '7'),

  -- Limits of the incentive programme, which change with the fiscal year of Microsoft.
  ('registration_days_max', '60'),
  ('start_days_before_registration_max', '90'),
  ('won_hours_min', '72'),
  ('acv_minimum_usd', '25000'),

  -- on: readers see the accounts that etl.bi_access gives them. Set by cosell migrate, which also
  -- makes the policies; the row alone does nothing until the next migrate.
  ('row_level_security', 'off');

create table etl.bi_access (
  role_name           text    not null,
  partner_account_key integer not null,
  primary key (role_name, partner_account_key)
);
comment on table etl.bi_access is
  'One partner account that one database role may read. Matters only where row-level security is '
  'on.';
comment on column etl.bi_access.role_name is
  'Login, or a group: all who have its rights see the account.';
comment on column etl.bi_access.partner_account_key is 'Account whose rows it may see.';

-- The views of mart lie in sql/marts and follow their files. These tables record what is in force,
-- so that a view whose file did not change is not touched.
create table etl.mart_view (
  view_name         text        primary key,
  definition_digest text        not null,
  created_at        timestamptz not null default now()
);
comment on table etl.mart_view is 'One view of mart as it was last created from its file.';
comment on column etl.mart_view.view_name is
  'View in mart, and file in sql/marts without its ending.';
comment on column etl.mart_view.definition_digest is
  'SHA-256 of the file; empty while the view is dropped and its grants wait.';
comment on column etl.mart_view.created_at is 'When it was created or replaced.';

create table etl.mart_grant (
  view_name    text    not null,
  column_name  text    not null,
  grantee      text    not null,
  privilege    text    not null,
  is_grantable boolean not null,
  primary key (view_name, column_name, grantee, privilege)
);
comment on table etl.mart_grant is
  'One right to a view that had to be dropped, until the view is created again.';
comment on column etl.mart_grant.view_name is 'View in mart.';
comment on column etl.mart_grant.column_name is 'Column of the view; empty: the whole of it.';
comment on column etl.mart_grant.grantee is 'Role; public for all roles.';
comment on column etl.mart_grant.privilege is 'Right, such as SELECT.';
comment on column etl.mart_grant.is_grantable is 'The role may pass it on.';
