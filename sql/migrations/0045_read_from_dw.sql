-- Readers have rights to dw and mart alone, on every node of a cluster and in a copy of the two schemas. So what
-- they see of findings and of runs is in dw: the findings themselves, and of each run its state without
-- principals and messages.

alter table etl.dq_finding set schema dw;
alter table dw.dq_finding rename to fact_finding;
alter index dw.dq_finding_pkey rename to fact_finding_pkey;

create view etl.dq_finding with (security_invoker = true) as
select
  finding.partner_account_key,
  finding.referral_id,
  finding.rule_code,
  finding.item_ref,
  finding.severity,
  finding.detail,
  finding.observed_value,
  finding.first_seen_run_id,
  finding.last_seen_run_id
from dw.fact_finding finding;
comment on view etl.dq_finding is
  'One open finding of one rule about one item of a referral: dw.fact_finding by its former name.';
comment on column etl.dq_finding.partner_account_key is 'Account; dw.dim_partner_account.';
comment on column etl.dq_finding.referral_id is
  'Referral that is concerned; empty for findings about the warehouse as a whole.';
comment on column etl.dq_finding.rule_code is
  'Rule that was broken, such as status_transition_not_allowed.';
comment on column etl.dq_finding.item_ref is
  'Line, property or value concerned; empty when it is the referral itself.';
comment on column etl.dq_finding.severity is 'How serious the finding is: info, warn or error.';
comment on column etl.dq_finding.detail is 'What was expected, in words.';
comment on column etl.dq_finding.observed_value is
  'What was got. Holds enumeration values, numbers and dates only, never text about people.';
comment on column etl.dq_finding.first_seen_run_id is 'Run that reported it first; dw.fact_run.';
comment on column etl.dq_finding.last_seen_run_id is 'Run that reported it last; dw.fact_run.';
comment on column dw.fact_finding.partner_account_key is 'Account; dw.dim_partner_account.';
comment on column dw.fact_finding.first_seen_run_id is 'Run that reported it first; dw.fact_run.';
comment on column dw.fact_finding.last_seen_run_id is 'Run that reported it last; dw.fact_run.';

create table dw.fact_run (
  partner_account_key     integer     not null,
  run_id                  bigint      not null,
  run_mode                text        not null,
  run_status              text        not null,
  started_at              timestamptz not null,
  published_at            timestamptz,
  watermark_to            timestamptz,
  quarantined_entry_count bigint,
  primary key (partner_account_key, run_id)
);
comment on table dw.fact_run is
  'One run of one partner account, as readers may see it: written in the transactions that write etl.run, '
  'and deleted with it.';
comment on column dw.fact_run.partner_account_key is 'Account; dw.dim_partner_account.';
comment on column dw.fact_run.run_id is 'Number of the run, as in etl.run.';
comment on column dw.fact_run.run_mode is
  'What the run read: incremental, full, backfill, import or rebuild.';
comment on column dw.fact_run.run_status is
  'How far the run came: running, extracted (all landed), published (readers see it), failed, or abandoned (a later run '
  'published what this one had landed).';
comment on column dw.fact_run.started_at is 'When the run took the lease of the account.';
comment on column dw.fact_run.published_at is
  'Instant of the publish transaction; null when nothing became visible.';
comment on column dw.fact_run.watermark_to is
  'Source time up to which all changes are published; null when nothing was read. Source: '
  'computed from updatedDateTime';
comment on column dw.fact_run.quarantined_entry_count is
  'Versions of the account that were in quarantine after this publish; null for runs that published '
  'nothing or before this was kept.';

insert into dw.fact_run (
  partner_account_key, run_id, run_mode, run_status, started_at, published_at, watermark_to,
  quarantined_entry_count
)
select
  run.partner_account_key,
  run.run_id,
  run.run_mode,
  run.run_status,
  run.started_at,
  run.published_at,
  run.watermark_to,
  case
    when run.run_id = max(run.run_id) filter (where run.run_status = 'published')
      over (partition by run.partner_account_key)
      then (
        select count(*)
        from etl.quarantine held
        where held.partner_account_key = run.partner_account_key
          and held.resolved_run_id is null
      )
  end
from etl.run run;

-- Half of the marts group by documented values. A later migration that documents a value adds it here too.
create table dw.documented_enum_value (
  enum_name       text     not null,
  parent_value    text     not null default '',
  enum_value      text     not null,
  canonical_value text     not null,
  description     text,
  sort_order      smallint not null,
  valid_from_date date,
  min_employees   integer,
  max_employees   integer,
  primary key (enum_name, parent_value, enum_value)
);
comment on table dw.documented_enum_value is
  'One documented value of one enumeration, under its parent where it has one: the rows of etl.enum_value that '
  'do not come from the data of an account.';
comment on column dw.documented_enum_value.enum_name is
  'List of values, such as SolutionPlay, ReferralSubstatus or CustomerSize.';
comment on column dw.documented_enum_value.parent_value is
  'Value this one belongs to: the area of a play, the status of a substatus. Empty at the top.';
comment on column dw.documented_enum_value.enum_value is 'The value as the source spells it.';
comment on column dw.documented_enum_value.canonical_value is
  'Spelling to group by; differs where the source spells one value in two ways.';
comment on column dw.documented_enum_value.description is
  'What the value stands for; null where the name says it.';
comment on column dw.documented_enum_value.sort_order is
  'Position in reports, from 1 within the enumeration and parent.';
comment on column dw.documented_enum_value.valid_from_date is
  'Day from which the documentation lists it; null where it names none.';
comment on column dw.documented_enum_value.min_employees is
  'Least number of employees of a CustomerSize; null for other enumerations.';
comment on column dw.documented_enum_value.max_employees is
  'Greatest number of employees of a CustomerSize; null for the last of a scale.';

insert into dw.documented_enum_value (
  enum_name, parent_value, enum_value, canonical_value, description, sort_order, valid_from_date,
  min_employees, max_employees
)
select
  value.enum_name,
  value.parent_value,
  value.enum_value,
  value.canonical_value,
  value.description,
  value.sort_order,
  value.valid_from_date,
  value.min_employees,
  value.max_employees
from etl.enum_value value
where value.is_documented;
