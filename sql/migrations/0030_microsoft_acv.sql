-- Microsoft's own annual contract value, which the Insights co-sell download alone has. Readings are
-- landed with the rows of the files; a publish makes rows of this fact of them.
create table dw.fact_microsoft_acv (
  partner_account_key       integer  not null,
  referral_key              bigint   not null,
  reading_no                smallint not null,
  registration_no           smallint,
  registration_id           text,
  as_of_date                date,
  is_latest                 boolean  not null,
  contract_term             text     not null,
  is_perpetual              boolean  not null,
  contract_sign_date        date,
  contract_start_date       date,
  contract_end_date         date,
  approved_date             date,
  passed_date               date,
  failed_date               date,
  currency_code             text     not null,
  contract_value_amount     numeric(19,4),
  contract_value_usd_amount numeric(19,4),
  microsoft_acv_amount      numeric(19,4),
  solution_currency_code    text     not null,
  solution_value_amount     numeric(19,4),
  solution_value_usd_amount numeric(19,4),
  deal_value_usd_amount     numeric(19,4),
  row_hash                  bigint   not null,
  created_run_id            bigint   not null,
  updated_run_id            bigint   not null,
  primary key (referral_key, partner_account_key, reading_no),
  constraint fact_microsoft_acv_referral
    foreign key (referral_key) references dw.dim_referral (referral_key)
);
comment on table dw.fact_microsoft_acv is
  'One reading of what an Insights co-sell download has about one referral: Microsoft''s annual '
  'contract value, its US dollars, and the contract that they are of. Equal readings of the same day '
  'are one row. Empty where no such file was imported.';
comment on column dw.fact_microsoft_acv.partner_account_key is 'Account of the referral.';
comment on column dw.fact_microsoft_acv.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_microsoft_acv.reading_no is
  '1, 2, 3 and so on for each referral, by as_of_date, readings without one first; of one day by '
  'content.';
comment on column dw.fact_microsoft_acv.registration_no is
  'Number of the registration within the referral, by registration_id, or the only one when the file '
  'gives no id; dw.fact_registration. Null when the referral has no such registration.';
comment on column dw.fact_microsoft_acv.registration_id is
  'Deal ID of the file; null when not given.';
comment on column dw.fact_microsoft_acv.as_of_date is
  'Day of the file: the one given with --as-of, else the latest day of those that Partner Center '
  'itself wrote into the file, on or after which it was downloaded. Null when it has none.';
comment on column dw.fact_microsoft_acv.is_latest is
  'The last reading of its registration, by reading_no.';
comment on column dw.fact_microsoft_acv.contract_term is
  'Contract Term of the file: Perpetual, Finite or whatever it says.';
comment on column dw.fact_microsoft_acv.is_perpetual is 'contract_term is Perpetual.';
comment on column dw.fact_microsoft_acv.contract_sign_date is 'Contract Sign Date of the file.';
comment on column dw.fact_microsoft_acv.contract_start_date is 'Contract Start Date of the file.';
comment on column dw.fact_microsoft_acv.contract_end_date is 'Contract End Date of the file.';
comment on column dw.fact_microsoft_acv.approved_date is 'Deal Approved Date of the file.';
comment on column dw.fact_microsoft_acv.passed_date is 'Deal Review Passed Date of the file.';
comment on column dw.fact_microsoft_acv.failed_date is 'Deal Review Failed Date of the file.';
comment on column dw.fact_microsoft_acv.currency_code is
  'Contract Currency of the file; XXX when not given.';
comment on column dw.fact_microsoft_acv.contract_value_amount is
  'Contract Value of the file, in currency_code.';
comment on column dw.fact_microsoft_acv.contract_value_usd_amount is
  'Contract Value (USD) of the file: in US dollars, at a rate of Microsoft''s.';
comment on column dw.fact_microsoft_acv.microsoft_acv_amount is
  'Annual Contract Value of the file, which has no currency beside it: mart.acv_reconciliation finds '
  'out which one. Null unless the registration is approved or passed.';
comment on column dw.fact_microsoft_acv.solution_currency_code is
  'Registered deal solution currency of the file; XXX when not given.';
comment on column dw.fact_microsoft_acv.solution_value_amount is
  'Registered deal solution value of the file, that of the first solution, in '
  'solution_currency_code.';
comment on column dw.fact_microsoft_acv.solution_value_usd_amount is
  'Registered deal solution value (USD) of the file, in US dollars.';
comment on column dw.fact_microsoft_acv.deal_value_usd_amount is
  'Estimated Deal value (USD) of the file, in US dollars.';
comment on column dw.fact_microsoft_acv.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_microsoft_acv.created_run_id is 'Run that wrote the row first; etl.run.';
comment on column dw.fact_microsoft_acv.updated_run_id is 'Run that changed the row last; etl.run.';

create unlogged table stg.fact_microsoft_acv (
  like dw.fact_microsoft_acv including comments,
  referral_no integer not null
);
alter table stg.fact_microsoft_acv
  drop column referral_key,
  drop column created_run_id,
  drop column updated_run_id;
comment on table stg.fact_microsoft_acv is
  'Rows on their way to dw.fact_microsoft_acv; the referral by its number in the batch.';
comment on column stg.fact_microsoft_acv.referral_no is 'Number of the referral within the batch.';
