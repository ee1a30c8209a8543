-- Published quotes are kept apart from the rates that follow from them: dw.fx_rate is computed from
-- these quotes for the reporting currency of today, so another one needs no file.
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
  'One exchange rate as it was published: base_units of the base currency were worth '
  'currency_units of the other one. dw.fx_rate follows from these rows by crossing and by filling '
  'gaps.';
comment on column etl.fx_quote.rate_source is
  'ECB (its reference rates), manual (a file of currency, date and rate) or sandbox (invented, for '
  'the demo; goes when real rates are loaded). Where two know a currency on a day, manual takes '
  'precedence over ECB, and ECB over sandbox.';
comment on column etl.fx_quote.base_currency_code is
  'Currency that all quotes of the source share: EUR for the ECB; for a file, the reporting '
  'currency when it was loaded.';
comment on column etl.fx_quote.currency_code is 'The other currency; ISO 4217 by its form.';
comment on column etl.fx_quote.observed_date is 'Day the quote was published for.';
comment on column etl.fx_quote.base_units is
  'Units of the base currency: 1 where the source quotes the other currency, the rate otherwise.';
comment on column etl.fx_quote.currency_units is
  'Units of the other currency that they were worth: the rate where the source quotes the other '
  'currency, 1 otherwise.';

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
