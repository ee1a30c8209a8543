-- Ten decimals of a cross rate put an amount of a weak currency off by cents. The two quotes keep all
-- digits. Rows that are here get the rate as it was, until the program derives them again: right after
-- the migration, or at the next run, by the version below.
alter table dw.fx_rate
  add column reporting_units numeric(28,15) not null default 1,
  add column currency_units numeric(28,15) not null default 1;
update dw.fx_rate set reporting_units = rate_to_reporting where rate_to_reporting <> 1;
alter table dw.fx_rate
  alter column reporting_units drop default,
  alter column currency_units drop default,
  add check (reporting_units > 0 and currency_units > 0);
comment on column dw.fx_rate.rate_to_reporting is
  'What one unit of the currency is in the reporting currency of etl.setting, rounded to ten '
  'decimals: to read, and for small amounts. reporting_units and currency_units are exact.';
comment on column dw.fx_rate.reporting_units is
  'Units of the reporting currency that currency_units were worth, with all digits of the source: '
  'multiply an amount by reporting_units, then divide it by currency_units, and round once.';
comment on column dw.fx_rate.currency_units is
  'Units of the currency that were worth reporting_units, with all digits of the source.';
comment on column dw.fx_rate.rate_source is
  'Who published it: ECB, manual (a file of your own), sandbox; fixed: the currency joined the euro, '
  'so it is the rate of the euro and the conversion rate of dw.dim_currency; identity: 1.';
comment on table dw.fx_rate is
  'One currency on one calendar day; days without a rate of their own carry the last one, for a '
  'week, or as long as etl.fx_quote says.';

-- Version 2 of the rules has both quotes and the fixed rates of the euro. Rates that are here follow
-- version 1; the identity of the dollar alone is the same in both.
insert into etl.setting (setting_name, setting_value)
select
  'fx_rate_rules_version',
  case when exists (
    select from dw.fx_rate where rate_source <> 'identity' or currency_code <> 'USD'
  ) then '1' else '2' end;

alter table etl.fx_quote add column days_carried_max smallint check (days_carried_max >= 0);
comment on column etl.fx_quote.days_carried_max is
  'Days after observed_date for which the quote may be used when no newer one is there, as cosell fx '
  '--carry-days gave it; null: fx_rate_days_max of etl.setting.';

-- Conversion rates: Article 1 of Council Regulation (EC) No 2866/98 as amended by the regulations
-- below. RUB: the ECB suspended its reference rate on 2 March 2022.
alter table dw.dim_currency
  add column euro_changeover_date date,
  add column units_per_euro numeric(10,6) check (units_per_euro > 0),
  add column euro_regulation text,
  add column ecb_last_quoted_date date,
  add check (num_nulls(euro_changeover_date, units_per_euro, euro_regulation) in (0, 3));
comment on column dw.dim_currency.euro_changeover_date is
  'First day on which the euro replaced the currency; null where it did not. From then on it '
  'converts at units_per_euro.';
comment on column dw.dim_currency.units_per_euro is
  'Units of the currency for one euro, fixed by the Council of the European Union.';
comment on column dw.dim_currency.euro_regulation is
  'Regulation that fixed units_per_euro, an amendment of Regulation (EC) No 2866/98.';
comment on column dw.dim_currency.ecb_last_quoted_date is
  'Last day on which the ECB quoted the currency, if it stopped for another reason than the euro.';

insert into dw.dim_currency as known
  (currency_code, currency_name, minor_unit, is_documented, euro_changeover_date, units_per_euro,
    euro_regulation)
select
  currency_code, currency_name, 2, true, changeover::date, units, 'Council Regulation ' || regulation
from (
  values
    ('SIT', 'Tolar', '2007-01-01', 239.640, '(EC) No 1086/2006'),
    ('CYP', 'Cyprus Pound', '2008-01-01', 0.585274, '(EC) No 1135/2007'),
    ('MTL', 'Maltese Lira', '2008-01-01', 0.429300, '(EC) No 1134/2007'),
    ('SKK', 'Slovak Koruna', '2009-01-01', 30.1260, '(EC) No 694/2008'),
    ('EEK', 'Kroon', '2011-01-01', 15.6466, '(EU) No 671/2010'),
    ('LVL', 'Latvian Lats', '2014-01-01', 0.702804, '(EU) No 870/2013'),
    ('LTL', 'Lithuanian Litas', '2015-01-01', 3.45280, '(EU) No 851/2014'),
    ('HRK', 'Kuna', '2023-01-01', 7.53450, '(EU) 2022/1208'),
    ('BGN', 'Bulgarian Lev', '2026-01-01', 1.95583, '(EU) 2025/1409')
) as joined (currency_code, currency_name, changeover, units, regulation)
on conflict (currency_code) do update
  set currency_name = excluded.currency_name,
      minor_unit = excluded.minor_unit,
      is_documented = true,
      euro_changeover_date = excluded.euro_changeover_date,
      units_per_euro = excluded.units_per_euro,
      euro_regulation = excluded.euro_regulation;
update dw.dim_currency set ecb_last_quoted_date = '2022-03-01' where currency_code = 'RUB';
