-- The fiscal year may start in any month, which every command that writes brings into the calendar. The
-- months that the comments name are those of the default.
comment on table dw.dim_date is
  'One calendar day from 2000-01-01 to 2099-12-31, with the fiscal year that starts in the month of '
  'etl.setting fiscal_year_start_month. Another month changes the fiscal columns of all days at once.';
comment on column dw.dim_date.fiscal_year is
  'Fiscal year, named after the calendar year in which it ends: one that starts in July 2025 is '
  '2026.';
comment on column dw.dim_date.fiscal_quarter is
  'Quarter of the fiscal year, 1 to 4: July to September is 1 when the year starts in July.';
comment on column dw.dim_date.fiscal_month is
  'Month of the fiscal year, 1 to 12: July is 1 when the year starts in July.';

-- The resource page describes the policies of eligibility, and no address or property that has them.
insert into etl.setting (setting_name, setting_value)
values ('eligibility_source', 'registrationEligibilityPolicies')
on conflict (setting_name) do nothing;

comment on table dw.fact_registration_eligibility is
  'One policy that decides whether a referral may be registered, as last evaluated. Empty until the '
  'API offers policies where etl.setting eligibility_source says: Microsoft documents the entity '
  'and no place of it.';
comment on column raw.payload.resource_type is
  'referral, referral_absence (in one night the API showed it no more), referral_presence (it did '
  'again, unchanged), registration_eligibility (the policies of a referral, read from an address of '
  'their own), or a kind of CSV row.';
comment on column raw.payload.payload is
  'The JSON as received, without team, customerProfile.team, details.notes and '
  'inviteContext.notes; {} for presence; for absence the principal who was not shown it; for '
  'policies the list, the address and the version of the referral for which it was asked.';
