create table dw.fx_rate (
  currency_code     text           not null,
  rate_date         date           not null,
  rate_to_reporting numeric(20,10) not null,
  observed_date     date           not null,
  rate_source       text           not null,
  primary key (currency_code, rate_date)
);
comment on table dw.fx_rate is
  'One currency on one calendar day; days without a rate of their own carry the last one, for a '
  'week at most.';
comment on column dw.fx_rate.currency_code is 'Currency converted from.';
comment on column dw.fx_rate.rate_date is 'Day the rate is used for.';
comment on column dw.fx_rate.rate_to_reporting is
  'What one unit of the currency is in the reporting currency of etl.setting: multiply by it.';
comment on column dw.fx_rate.observed_date is 'Day the rate was published.';
comment on column dw.fx_rate.rate_source is 'Who published it, such as ECB or manual.';
