-- Erased people reach the star as members without a name, so that counts and shares stay.
alter table stg.contact
  add column is_erased boolean not null default false,
  add column erased_at timestamptz;
-- A batch that a crash left behind may be there.
alter table stg.contact alter column is_erased drop default;

comment on table pii.erasure is
  'One person or referral whose people were erased, known by hash alone, so that a later load leaves '
  'them out. A file in COSELL_HOME has the same rows, for the restore of an older copy.';
comment on column pii.erasure.contact_hash is
  'Keyed hash, hex: of an e-mail address or a phone number as in pii.contact, of a name, or of the id of '
  'a referral.';
comment on column pii.erasure.last_applied_at is
  'When it was last carried out in all accounts; null while that is due, and the next run does it.';
comment on column pii.contact.is_erased is
  'The person was erased: role, number and key are left. The number may be another one afterwards.';
comment on column stg.contact.is_erased is
  'The person was erased: role, number and key are left. The number may be another one afterwards.';
comment on column pii.contact.erased_at is 'When the person was erased; null otherwise.';
comment on column stg.contact.erased_at is 'When the person was erased; null otherwise.';
comment on table raw.payload is
  'One version of one resource as received, without people and free text; rows are added, and '
  'changed only to erase people. A version is new when its content differs from the one before.';
comment on column raw.payload.payload is
  'The JSON as received, without people and notes, and without addresses of erased people elsewhere; '
  '{} for presence; for absence the principal who was not shown it. For a row of a file its layout, the '
  'part of a referral that it shows, and its other cells.';
comment on column pii.payload.people is
  'People and notes of the payload as JSON; for a row of a file these, and the cells of people, '
  'free text and unknown columns. An erased person is an object with the key (erased). Source: '
  'customerProfile.team[], team[], details.notes, inviteContext.notes';
