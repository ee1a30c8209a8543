-- What was published is kept apart from what follows from it: dw.fx_rate is computed from these
-- quotes for the reporting currency of today, so that another one needs no file.
create table etl.fx_quote (
  rate_source        text           not null,
  base_currency_code text           not null,
  currency_code      text           not null,
  observed_date      date           not null,
  base_units         numeric(30,15) not null,
  currency_units     numeric(30,15) not null,
  primary key (rate_source, base_currency_code, observed_date, currency_code),
  check (base_units > 0 and currency_units > 0)
);
comment on table etl.fx_quote is
  'One exchange rate as it was published: base_units of the base currency were worth currency_units '
  'of the other one. dw.fx_rate follows from these rows by crossing and by filling gaps.';
comment on column etl.fx_quote.rate_source is
  'ECB (its reference rates), manual (a file of currency, date and rate) or sandbox (invented, for '
  'the demo; goes when real rates are loaded). Where two know a currency on a day, manual counts '
  'before ECB and ECB before sandbox.';
comment on column etl.fx_quote.base_currency_code is
  'Currency that all quotes of the source share: EUR for the ECB; for a file, the reporting currency '
  'when it was loaded.';
comment on column etl.fx_quote.currency_code is 'The other currency; ISO 4217 by its form.';
comment on column etl.fx_quote.observed_date is 'Day the quote was published for.';
comment on column etl.fx_quote.base_units is
  'Units of the base currency: 1 where the source quotes the other currency, the rate otherwise.';
comment on column etl.fx_quote.currency_units is
  'Units of the other currency that they were worth: the rate where the source quotes the other '
  'currency, 1 otherwise.';

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
