-- A number of referrals that moved without a known reason shows, in the same night, that one left or
-- came into view with an old date. A run keeps both numbers, so that the next one can compare.
alter table etl.run
  add column listed_total integer,
  add column known_total integer;
comment on column etl.run.listed_total is
  'Referrals that the API listed for the principal at the end of the read. Null when it does not '
  'show that, and when the read is known to be incomplete.';
comment on column etl.run.known_total is
  'Referrals that the principal was shown and did not miss, after the read; null when listed_total '
  'is. A run in which the difference of both moves reads everything.';
comment on column etl.run.run_mode is
  'incremental, full, backfill, import or rebuild. A run that began as incremental and then read '
  'everything is full.';

comment on column raw.payload.resource_type is
  'referral, referral_absence (in one night the API showed it no more), referral_presence (it did '
  'again, unchanged), registration_eligibility, or a kind of CSV row.';
comment on column raw.payload.payload is
  'The JSON as received, without team, customerProfile.team, details.notes and '
  'inviteContext.notes; {} for presence; for absence the principal who was not shown it.';
