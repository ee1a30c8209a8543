create table dw.dim_date (
  date_day                  date     primary key,
  date_key                  integer  not null unique,
  day_name                  text     not null,
  day_of_week               smallint not null,
  is_weekend                boolean  not null,
  iso_year                  smallint not null,
  iso_week                  smallint not null,
  month_start_date          date     not null,
  month_end_date            date     not null,
  month_number              smallint not null,
  month_name                text     not null,
  year_month                text     not null,
  calendar_quarter          smallint not null,
  calendar_year             smallint not null,
  fiscal_year               smallint not null,
  fiscal_year_label         text     not null,
  fiscal_quarter            smallint not null,
  fiscal_quarter_label      text     not null,
  fiscal_month              smallint not null,
  fiscal_quarter_start_date date     not null,
  fiscal_quarter_end_date   date     not null,
  fiscal_year_start_date    date     not null,
  fiscal_year_end_date      date     not null,
  is_month_end              boolean  not null,
  is_fiscal_quarter_end     boolean  not null,
  is_fiscal_year_end        boolean  not null
);
comment on table dw.dim_date is
  'One calendar day from 2000-01-01 to 2099-12-31, with the fiscal year that starts in the month '
  'of etl.setting fiscal_year_start_month.';
comment on column dw.dim_date.date_day is 'The day; what every *_date column joins to.';
comment on column dw.dim_date.date_key is
  'The day as the number yyyymmdd, for tools that relate on integers.';
comment on column dw.dim_date.day_name is 'Monday to Sunday.';
comment on column dw.dim_date.day_of_week is 'ISO day of the week: Monday 1, Sunday 7.';
comment on column dw.dim_date.is_weekend is 'Saturday or Sunday.';
comment on column dw.dim_date.iso_year is
  'Year the ISO week belongs to; differs from calendar_year around New Year.';
comment on column dw.dim_date.iso_week is 'ISO week, 1 to 53.';
comment on column dw.dim_date.month_start_date is 'First day of the month.';
comment on column dw.dim_date.month_end_date is 'Last day of the month.';
comment on column dw.dim_date.month_number is 'Calendar month, 1 to 12.';
comment on column dw.dim_date.month_name is 'January to December.';
comment on column dw.dim_date.year_month is 'Year and month as 2026-03; sorts as text.';
comment on column dw.dim_date.calendar_quarter is 'Calendar quarter, 1 to 4.';
comment on column dw.dim_date.calendar_year is 'Calendar year.';
comment on column dw.dim_date.fiscal_year is
  'Fiscal year, named after the calendar year in which it ends: 2026 runs from July 2025 to June '
  '2026.';
comment on column dw.dim_date.fiscal_year_label is 'Fiscal year as FY26.';
comment on column dw.dim_date.fiscal_quarter is
  'Quarter of the fiscal year, 1 to 4: July to September is 1.';
comment on column dw.dim_date.fiscal_quarter_label is 'Fiscal quarter as FY26 Q3; sorts as text.';
comment on column dw.dim_date.fiscal_month is 'Month of the fiscal year, 1 to 12: July is 1.';
comment on column dw.dim_date.fiscal_quarter_start_date is 'First day of the fiscal quarter.';
comment on column dw.dim_date.fiscal_quarter_end_date is 'Last day of the fiscal quarter.';
comment on column dw.dim_date.fiscal_year_start_date is 'First day of the fiscal year.';
comment on column dw.dim_date.fiscal_year_end_date is 'Last day of the fiscal year.';
comment on column dw.dim_date.is_month_end is 'The day is the last of its month.';
comment on column dw.dim_date.is_fiscal_quarter_end is 'The day is the last of its fiscal quarter.';
comment on column dw.dim_date.is_fiscal_year_end is 'The day is the last of its fiscal year.';

create table dw.dim_partner_account (
  partner_account_key integer     primary key,
  account_code        text        not null unique,
  account_name        text        not null,
  tenant_id           text,
  default_mpn_id      text,
  is_active           boolean     not null default true,
  created_at          timestamptz not null
);
comment on table dw.dim_partner_account is
  'One partner account that is extracted: one credential in one tenant. It may hold several '
  'Partner IDs.';
comment on column dw.dim_partner_account.partner_account_key is
  '1, 2, 3 and so on, given by the loader; part of every key.';
comment on column dw.dim_partner_account.account_code is
  'Name of the account in the configuration.';
comment on column dw.dim_partner_account.account_name is 'Name of the account for people.';
comment on column dw.dim_partner_account.tenant_id is 'Microsoft Entra tenant of the credential.';
comment on column dw.dim_partner_account.default_mpn_id is
  'Partner ID to assume where a referral names none; never copied into the referral.';
comment on column dw.dim_partner_account.is_active is 'The account is still extracted.';
comment on column dw.dim_partner_account.created_at is
  'When the account was first configured here.';

create table dw.dim_currency (
  currency_code text     primary key,
  currency_name text     not null,
  minor_unit    smallint not null default 2,
  is_documented boolean  not null
);
comment on table dw.dim_currency is 'One currency code.';
comment on column dw.dim_currency.currency_code is
  'ISO 4217 code; XXX where the source gives no currency.';
comment on column dw.dim_currency.currency_name is
  'Name of the currency; the code where it is unknown.';
comment on column dw.dim_currency.minor_unit is
  'Decimals of the currency (USD 2, JPY 0, KWD 3); computed amounts are rounded to it.';
comment on column dw.dim_currency.is_documented is
  'ISO 4217 lists or listed the code; false: seen in data only.';

create table dw.dim_status (
  status_key             smallint primary key,
  referral_status        text     not null,
  referral_substatus     text     not null,
  stage_label            text     not null,
  stage_sort             smallint not null,
  is_open                boolean  not null,
  is_closed              boolean  not null,
  is_won                 boolean  not null,
  is_lost                boolean  not null,
  is_decided             boolean  not null,
  is_documented          boolean  not null,
  is_allowed_combination boolean,
  unique (referral_status, referral_substatus)
);
comment on table dw.dim_status is 'One pair of status and substatus.';
comment on column dw.dim_status.status_key is
  'Number of the pair; -1 where neither was given. Pairs first met in data are appended.';
comment on column dw.dim_status.referral_status is
  'status: None, New, Active, Closed, or whatever arrives.';
comment on column dw.dim_status.referral_substatus is
  'substatus: None, Pending, Received, Accepted, Won, Lost, Declined, Expired, Error, or whatever '
  'arrives.';
comment on column dw.dim_status.stage_label is
  'referral_status and referral_substatus together, such as New - Received.';
comment on column dw.dim_status.stage_sort is 'Order of the stages in reports.';
comment on column dw.dim_status.is_open is 'referral_status is New or Active.';
comment on column dw.dim_status.is_closed is 'referral_status is Closed.';
comment on column dw.dim_status.is_won is
  'Closed and won: by referral_status and referral_substatus.';
comment on column dw.dim_status.is_lost is
  'Closed and lost: by referral_status and referral_substatus.';
comment on column dw.dim_status.is_decided is
  'Won or lost, by referral_status and referral_substatus; the denominator of a win rate.';
comment on column dw.dim_status.is_documented is 'The documentation lists both values.';
comment on column dw.dim_status.is_allowed_combination is
  'The documentation allows this substatus under this status; null where it says nothing (None, or '
  'values it does not list).';

-- Views that run with their owner's rights, since readers have none to etl, select from this one to
-- leave out what row-level security would: it reads dim_partner_account as the asking role.
create view etl.visible_account with (security_invoker = true) as
select a.partner_account_key
from dw.dim_partner_account a;
comment on view etl.visible_account is
  'One account whose rows the asking role may see: every one while row-level security is off.';
comment on column etl.visible_account.partner_account_key is 'Account; dw.dim_partner_account.';
