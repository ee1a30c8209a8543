alter table etl.run
  add column watermark_text text,
  add column principal text;

-- Digits beyond the microsecond were not kept before.
update etl.run
set watermark_text = to_char(watermark_to at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"0Z"')
where watermark_to is not null;

-- Texts of one layout order as the instants do.
alter table etl.run add constraint run_watermark_text_layout check (
  watermark_text ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$'
);

comment on column etl.run.watermark_to is
  'watermark_text cut to microseconds, for people.';
comment on column etl.run.watermark_text is
  'Latest updatedDateTime that is certainly published, in UTC with seven fraction digits; never '
  'later than the start of the read. The next incremental run starts here minus an overlap. Null '
  'when nothing was read.';
comment on column etl.run.principal is
  'Hash of the user who signed in; null when the access token does not tell.';
comment on column etl.run.is_complete is
  'Every referral that its principal sees was listed, as many as the source counted where it '
  'counts them. Only such a run can tell that one is missing.';

create table etl.principal_referral (
  partner_account_key integer not null,
  principal           text    not null,
  referral_id         text    not null,
  primary key (partner_account_key, principal, referral_id)
);
comment on table etl.principal_referral is
  'One referral that one user was once shown. Only who was shown it can tell that it is missing; '
  'a user whose rows are deleted starts anew.';
comment on column etl.principal_referral.partner_account_key is 'Account of the referral.';
comment on column etl.principal_referral.principal is
  'User, as in etl.run; unknown for all whom the access token does not tell.';
comment on column etl.principal_referral.referral_id is 'Referral that was returned; resource_id of raw.payload.';

comment on column raw.payload.payload is
  'The JSON as received, without team, customerProfile.team, details.notes and '
  'inviteContext.notes; {} for presence; for absence the principal whose full read it was.';
