create table etl.quarantine (
  partner_account_key integer not null,
  resource_type       text    not null,
  resource_id         text    not null,
  version_no          integer not null,
  reason_code         text    not null,
  item_path           text    not null,
  detail              text    not null,
  first_run_id        bigint  not null,
  last_run_id         bigint  not null,
  attempts            integer not null,
  resolved_run_id     bigint,
  primary key (partner_account_key, resource_type, resource_id, version_no)
);
comment on table etl.quarantine is
  'One version of one resource that could not be transformed or loaded. The last good rows of the '
  'referral stay in dw.';
comment on column etl.quarantine.partner_account_key is 'Account of the resource.';
comment on column etl.quarantine.resource_type is 'Kind of resource, as in raw.payload.';
comment on column etl.quarantine.resource_id is 'Id of the resource, as in raw.payload.';
comment on column etl.quarantine.version_no is 'Landed version that failed, as in raw.payload.';
comment on column etl.quarantine.reason_code is 'Stable code of what is wrong.';
comment on column etl.quarantine.item_path is
  'Property that is wrong, such as registrations[0].contract.value.';
comment on column etl.quarantine.detail is 'Expected and got, without people and free text.';
comment on column etl.quarantine.first_run_id is 'Run that failed on it first.';
comment on column etl.quarantine.last_run_id is 'Run that tried it last.';
comment on column etl.quarantine.attempts is 'How often it was tried.';
comment on column etl.quarantine.resolved_run_id is
  'Run after which the resource loaded; null while it is held.';

create table etl.dq_finding (
  partner_account_key integer not null,
  referral_id         text    not null,
  rule_code           text    not null,
  item_ref            text    not null,
  severity            text    not null,
  detail              text,
  observed_value      text,
  first_seen_run_id   bigint  not null,
  last_seen_run_id    bigint  not null,
  primary key (partner_account_key, referral_id, rule_code, item_ref)
);
comment on table etl.dq_finding is
  'One open finding of one rule about one item of a referral. Belongs to the referral and is '
  'replaced with it.';
comment on column etl.dq_finding.partner_account_key is 'Account of the referral.';
comment on column etl.dq_finding.referral_id is
  'Referral that is concerned; empty for findings about the warehouse as a whole.';
comment on column etl.dq_finding.rule_code is
  'Rule that was broken, such as status_transition_not_allowed.';
comment on column etl.dq_finding.item_ref is
  'Line, property or value concerned; empty when it is the referral itself.';
comment on column etl.dq_finding.severity is 'info, warn or error.';
comment on column etl.dq_finding.detail is 'What was expected, in words.';
comment on column etl.dq_finding.observed_value is
  'What was got. Holds enumeration values, numbers and dates only, never text about people.';
comment on column etl.dq_finding.first_seen_run_id is 'Run that reported it first.';
comment on column etl.dq_finding.last_seen_run_id is 'Run that reported it last.';

create table etl.enum_value (
  enum_name         text     not null,
  parent_value      text     not null default '',
  enum_value        text     not null,
  canonical_value   text     not null,
  description       text,
  sort_order        smallint not null,
  is_documented     boolean  not null,
  first_seen_run_id bigint,
  primary key (enum_name, parent_value, enum_value)
);
comment on table etl.enum_value is
  'One value of one enumeration, under its parent where it has one. Seeded from the documentation; '
  'values that only the data knows are added.';
comment on column etl.enum_value.enum_name is
  'Enumeration, such as RegistrationStatus. ReferralStatusTransition lists the allowed moves.';
comment on column etl.enum_value.parent_value is
  'Value this one belongs to: the status of a substatus, the area of a play, the status moved '
  'from. Empty at the top.';
comment on column etl.enum_value.enum_value is 'The value as the source spells it.';
comment on column etl.enum_value.canonical_value is
  'Spelling to group by; differs where the source spells one value in two ways.';
comment on column etl.enum_value.description is
  'What the value stands for; null where the name says it.';
comment on column etl.enum_value.sort_order is
  'Position in reports, from 1 within the enumeration and parent.';
comment on column etl.enum_value.is_documented is
  'The resource documentation lists it; false: seen in data only.';
comment on column etl.enum_value.first_seen_run_id is
  'Run that met an undocumented value first; null for documented ones.';
