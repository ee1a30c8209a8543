-- What the versions of dw.fact_referral_history do not tell apart: which solutions came and went, and
-- which people. `cosell rebuild` fills both tables for what is there.
create table dw.fact_solution_change (
  partner_account_key integer     not null,
  referral_key        bigint      not null,
  change_no           integer     not null,
  list_name           text        not null,
  changed_at          timestamptz not null,
  observed_at         timestamptz not null,
  before_solutions    text        not null,
  after_solutions     text        not null,
  row_hash            bigint      not null,
  created_run_id      bigint      not null,
  updated_run_id      bigint      not null,
  primary key (referral_key, partner_account_key, change_no),
  constraint fact_solution_change_referral
    foreign key (referral_key) references dw.dim_referral (referral_key)
);
comment on table dw.fact_solution_change is
  'One change of the solutions of a referral, those that it asks for or those that its registrations '
  'sold, from one landed version to the next. Solutions are compared by id, and by name where there '
  'is none: another name of the same id is no change. A referral that was seen in one version has '
  'none.';
comment on column dw.fact_solution_change.partner_account_key is 'Account of the referral.';
comment on column dw.fact_solution_change.referral_key is 'The referral; dw.dim_referral.';
comment on column dw.fact_solution_change.change_no is
  'Number of the change, from 1 for each referral, in order of time.';
comment on column dw.fact_solution_change.list_name is
  'List that changed: requested or sold. Source: details.requirements.solutions[], '
  'details.requirements.offers[], registrations[].solutionDetails[]';
comment on column dw.fact_solution_change.changed_at is
  'When the source changed it; when it was seen, if the source''s own time did not move. Source: '
  'computed from updatedDateTime';
comment on column dw.fact_solution_change.observed_at is
  'When the payload that shows the change was fetched.';
comment on column dw.fact_solution_change.before_solutions is
  'Names before the change, joined by a bar with blanks, each with its id where the names are the same '
  'before and after; empty for none. Source: '
  'details.requirements.solutions[].name, details.requirements.offers[].name, '
  'registrations[].solutionDetails[].name';
comment on column dw.fact_solution_change.after_solutions is
  'Names after the change, joined by a bar with blanks, each with its id where the names are the same '
  'before and after; empty for none. Source: '
  'details.requirements.solutions[].name, details.requirements.offers[].name, '
  'registrations[].solutionDetails[].name';
comment on column dw.fact_solution_change.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column dw.fact_solution_change.created_run_id is
  'Run that wrote the row first; etl.run.';
comment on column dw.fact_solution_change.updated_run_id is
  'Run that changed the row last; etl.run.';

create table pii.contact_change (
  partner_account_key integer     not null,
  referral_key        bigint      not null,
  change_no           integer     not null,
  contact_role        text        not null,
  is_joining          boolean     not null,
  changed_at          timestamptz not null,
  observed_at         timestamptz not null,
  first_name          text,
  last_name           text,
  email               text,
  phone_number        text,
  title               text,
  contact_hash        text,
  row_hash            bigint      not null,
  created_run_id      bigint      not null,
  updated_run_id      bigint      not null,
  primary key (referral_key, partner_account_key, change_no)
);
comment on table pii.contact_change is
  'One person who joined or left the people of a referral, in one role, from one landed version to '
  'the next.';
comment on column pii.contact_change.partner_account_key is 'Account of the referral.';
comment on column pii.contact_change.referral_key is 'The referral; dw.dim_referral.';
comment on column pii.contact_change.change_no is
  'Number of the change, from 1 for each referral, in order of time; who leaves comes first.';
comment on column pii.contact_change.contact_role is
  'Role of the person: customer or referral_team. Source: customerProfile.team[], team[]';
comment on column pii.contact_change.is_joining is
  'The person joined; false for one who left.';
comment on column pii.contact_change.changed_at is
  'When the source changed it; when it was seen, if the source''s own time did not move. Source: '
  'computed from updatedDateTime';
comment on column pii.contact_change.observed_at is
  'When the payload that shows the change was fetched.';
comment on column pii.contact_change.first_name is
  'First name of the person. Source: customerProfile.team[].firstName, team[].firstName';
comment on column pii.contact_change.last_name is
  'Last name of the person. Source: customerProfile.team[].lastName, team[].lastName';
comment on column pii.contact_change.email is
  'E-mail of the person. Source: customerProfile.team[].email, team[].email';
comment on column pii.contact_change.phone_number is
  'Phone number of the person. Source: customerProfile.team[].phoneNumber, team[].phoneNumber';
comment on column pii.contact_change.title is
  'Title of the person. Source: customerProfile.team[].title, team[].title';
comment on column pii.contact_change.contact_hash is
  'Keyed hash, hex, as in pii.contact; null when there is neither e-mail nor phone number.';
comment on column pii.contact_change.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column pii.contact_change.created_run_id is 'Run that wrote the row first; etl.run.';
comment on column pii.contact_change.updated_run_id is 'Run that changed the row last; etl.run.';

create index contact_change_hash on pii.contact_change (contact_hash);

create unlogged table stg.fact_solution_change (
  like dw.fact_solution_change including comments,
  referral_no integer not null
);
alter table stg.fact_solution_change
  drop column referral_key,
  drop column created_run_id,
  drop column updated_run_id;
create unlogged table stg.contact_change (
  like pii.contact_change including comments,
  referral_no integer not null
);
alter table stg.contact_change
  drop column referral_key,
  drop column created_run_id,
  drop column updated_run_id;
comment on table stg.fact_solution_change is
  'Rows for dw.fact_solution_change in the batch that is being published.';
comment on table stg.contact_change is
  'Rows for pii.contact_change in the batch that is being published.';
comment on column stg.fact_solution_change.referral_no is
  'Number of the referral within the batch.';
comment on column stg.contact_change.referral_no is 'Number of the referral within the batch.';

create view pii.referral_change with (security_invoker = true) as
select
  change.partner_account_key,
  account.account_code,
  change.referral_key,
  referral.referral_id,
  change.change_no,
  change.changed_at,
  (change.changed_at at time zone 'utc')::date as changed_date,
  change.observed_at as seen_at,
  (change.observed_at at time zone 'utc')::date as seen_date,
  case change.contact_role when 'customer' then 'customer contact' else 'team member' end
    as property,
  case when not change.is_joining then person.label end as before_value,
  case when change.is_joining then person.label end as after_value
from pii.contact_change change
join dw.dim_referral referral
  on referral.referral_key = change.referral_key
  and referral.partner_account_key = change.partner_account_key
join dw.dim_partner_account account on account.partner_account_key = change.partner_account_key
cross join lateral (
  select coalesce(
    nullif(
      concat_ws(
        ' ',
        change.first_name,
        change.last_name,
        coalesce('<' || change.email || '>', change.phone_number)
      ),
      ''
    ),
    change.title,
    '(Not provided)'
  ) as label
) person;
comment on view pii.referral_change is
  'One row per person who joined or left a referral: the changes of owners and contacts, beside '
  'those of all else in mart.referral_change. Answers: who took over the deal, and when? Filter '
  'referral_id or changed_date.';
comment on column pii.referral_change.partner_account_key is
  'Account of the referral; dw.dim_partner_account.';
comment on column pii.referral_change.account_code is 'Name of the account in the configuration.';
comment on column pii.referral_change.referral_key is 'The referral; dw.dim_referral.';
comment on column pii.referral_change.referral_id is 'Id of the referral. Source: id';
comment on column pii.referral_change.change_no is
  'Number of the change, from 1 for each referral, in order of time.';
comment on column pii.referral_change.changed_at is
  'When the source changed it. Source: computed from updatedDateTime';
comment on column pii.referral_change.changed_date is
  'Day of the change, by UTC. Source: computed from updatedDateTime';
comment on column pii.referral_change.seen_at is 'When the night that brought it fetched it.';
comment on column pii.referral_change.seen_date is 'Day of seen_at, by UTC.';
comment on column pii.referral_change.property is 'What changed: team member or customer contact.';
comment on column pii.referral_change.before_value is
  'Person who left: name with e-mail, else with phone number, else the title; null when one joined. '
  'Source: '
  'customerProfile.team[], team[]';
comment on column pii.referral_change.after_value is
  'Person who joined: name with e-mail, else with phone number, else the title; null when one left. '
  'Source: customerProfile.team[], team[]';
