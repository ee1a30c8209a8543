create table pii.contact (
  partner_account_key   integer  not null,
  referral_key          bigint   not null,
  contact_role          text     not null,
  contact_no            smallint not null,
  first_name            text,
  last_name             text,
  phone_number          text,
  email                 text,
  title                 text,
  extra                 jsonb,
  contact_hash          text,
  locale                text,
  disable_notifications boolean,
  is_erased             boolean  not null default false,
  erased_at             timestamptz,
  row_hash              bigint   not null,
  created_run_id        bigint   not null,
  updated_run_id        bigint   not null,
  primary key (referral_key, partner_account_key, contact_role, contact_no)
);
comment on table pii.contact is 'One person in one role on one referral.';
comment on column pii.contact.partner_account_key is 'Account of the referral.';
comment on column pii.contact.referral_key is 'The referral; dw.dim_referral.';
comment on column pii.contact.contact_role is
  'customer (customerProfile.team) or referral_team (team).';
comment on column pii.contact.contact_no is
  'Number of the person within role and referral, by e-mail and name.';
comment on column pii.contact.first_name is 'firstName of the member.';
comment on column pii.contact.last_name is 'lastName of the member.';
comment on column pii.contact.phone_number is 'phoneNumber of the member.';
comment on column pii.contact.email is 'customerProfile.team[].email or team[].email.';
comment on column pii.contact.title is
  'customerProfile.team[].title or team[].title; returned by the API though not documented.';
comment on column pii.contact.extra is
  'Further properties of the member, as received; the member is cut from raw.payload, so nothing '
  'else keeps them.';
comment on column pii.contact.contact_hash is
  'Keyed hash, hex, of the e-mail in lower case, else of the digits of phone_number; null when '
  'there is neither.';
comment on column pii.contact.locale is 'contactPreference.locale of the member.';
comment on column pii.contact.disable_notifications is
  'contactPreference.disableNotifications of the member; null when not stated.';
comment on column pii.contact.is_erased is
  'The person was erased: the columns above are empty and stay so.';
comment on column pii.contact.erased_at is 'When the person was erased; null otherwise.';
comment on column pii.contact.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column pii.contact.created_run_id is 'Run that wrote the row first; etl.run.';
comment on column pii.contact.updated_run_id is 'Run that changed the row last; etl.run.';

create index contact_hash on pii.contact (contact_hash);

create table pii.referral_text (
  partner_account_key integer not null,
  referral_key        bigint  not null,
  details_notes       text,
  invite_notes        text,
  row_hash            bigint  not null,
  created_run_id      bigint  not null,
  updated_run_id      bigint  not null,
  primary key (referral_key, partner_account_key)
);
comment on table pii.referral_text is 'One referral: its free text, which may name people.';
comment on column pii.referral_text.partner_account_key is 'Account of the referral.';
comment on column pii.referral_text.referral_key is 'The referral; dw.dim_referral.';
comment on column pii.referral_text.details_notes is 'Notes on the deal: details.notes.';
comment on column pii.referral_text.invite_notes is
  'Notes with the invitation: inviteContext.notes.';
comment on column pii.referral_text.row_hash is
  'Hash of the row without the run columns; compared between two states of this row only.';
comment on column pii.referral_text.created_run_id is 'Run that wrote the row first; etl.run.';
comment on column pii.referral_text.updated_run_id is 'Run that changed the row last; etl.run.';

create table pii.erasure (
  contact_hash    text        primary key,
  requested_at    timestamptz not null,
  requested_by    text        not null,
  reason          text,
  last_applied_at timestamptz
);
comment on table pii.erasure is
  'One person who was erased, known by hash alone, so that a later load leaves them out.';
comment on column pii.erasure.contact_hash is 'Keyed hash, as in pii.contact.';
comment on column pii.erasure.requested_at is 'When the erasure was asked for.';
comment on column pii.erasure.requested_by is 'Who ran it.';
comment on column pii.erasure.reason is 'Why, in words, without naming the person.';
comment on column pii.erasure.last_applied_at is
  'When it was last carried out; null before the first time.';

create table pii.secret (
  secret_name  text primary key,
  secret_value text not null
);
comment on table pii.secret is 'One secret of this installation.';
comment on column pii.secret.secret_name is
  'install: the key of the hashes of payloads and contacts. It must outlive them: with another key '
  'no erased person is recognised.';
comment on column pii.secret.secret_value is 'The secret, as text.';

-- The only randomness at hand without an extension is the uuid: three carry 366 random bits.
insert into pii.secret (secret_name, secret_value)
select
  'install',
  encode(
    sha256(
      convert_to(
        gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text,
        'UTF8'
      )
    ),
    'hex'
  );
