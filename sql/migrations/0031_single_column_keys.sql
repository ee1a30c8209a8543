-- Tools relate tables by one column. Registrations and their lines get such a key, computed from
-- the key that they have: it is the same after every load, and needs no look-up in one.
--
-- Three digits for the registrations of a referral, of which the source allows one today, and five
-- for the lines of a registration, which smallint bounds. Up to 90 million referrals the keys are
-- whole numbers that a double holds.
alter table dw.fact_registration
  add constraint fact_registration_registration_no check (registration_no between 1 and 999);

alter table dw.fact_registration
  add column registration_key bigint not null
    generated always as (referral_key * 1000 + registration_no) stored;
comment on column dw.fact_registration.registration_key is
  'Key of the registration in one column, for tools that relate tables by one: referral_key * '
  '1000 + registration_no.';

alter table dw.fact_registration_review
  add column registration_key bigint not null
    generated always as (referral_key * 1000 + registration_no) stored;
comment on column dw.fact_registration_review.registration_key is
  'Key of the registration in one column, for tools that relate tables by one: referral_key * '
  '1000 + registration_no; dw.fact_registration.';

alter table dw.fact_registration_solution
  add column registration_key bigint not null
    generated always as (referral_key * 1000 + registration_no) stored,
  add column registration_line_key bigint not null
    generated always as ((referral_key * 1000 + registration_no) * 100000 + line_no) stored;
comment on column dw.fact_registration_solution.registration_key is
  'Key of the registration in one column, for tools that relate tables by one: referral_key * '
  '1000 + registration_no; dw.fact_registration.';
comment on column dw.fact_registration_solution.registration_line_key is
  'Key of the registration line in one column, for tools that relate tables by one: '
  'registration_key * 100000 + line_no.';

alter table dw.fact_acv_schedule
  add column registration_key bigint not null
    generated always as (referral_key * 1000 + registration_no) stored,
  add column registration_line_key bigint not null
    generated always as ((referral_key * 1000 + registration_no) * 100000 + line_no) stored;
comment on column dw.fact_acv_schedule.registration_key is
  'Key of the registration in one column, for tools that relate tables by one: referral_key * '
  '1000 + registration_no; dw.fact_registration.';
comment on column dw.fact_acv_schedule.registration_line_key is
  'Key of the registration line in one column, for tools that relate tables by one: '
  'registration_key * 100000 + line_no; dw.fact_registration_solution.';

alter table dw.fact_microsoft_acv
  add column registration_key bigint
    generated always as (referral_key * 1000 + registration_no) stored;
comment on column dw.fact_microsoft_acv.registration_key is
  'Key of the registration in one column, for tools that relate tables by one: referral_key * '
  '1000 + registration_no; dw.fact_registration. Null when the referral has no such registration.';

alter table dw.bridge_line_incentive
  add column registration_key bigint not null
    generated always as (referral_key * 1000 + registration_no) stored,
  add column registration_line_key bigint not null
    generated always as ((referral_key * 1000 + registration_no) * 100000 + line_no) stored;
comment on column dw.bridge_line_incentive.registration_key is
  'Key of the registration in one column, for tools that relate tables by one: referral_key * '
  '1000 + registration_no; dw.fact_registration.';
comment on column dw.bridge_line_incentive.registration_line_key is
  'Key of the registration line in one column, for tools that relate tables by one: '
  'registration_key * 100000 + line_no; dw.fact_registration_solution.';
