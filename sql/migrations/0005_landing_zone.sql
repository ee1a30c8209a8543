create table raw.payload (
  partner_account_key integer     not null,
  resource_type       text        not null,
  resource_id         text        not null,
  version_no          integer     not null,
  observed_at         timestamptz not null,
  payload_hash        text        not null,
  source_updated_at   timestamptz,
  source_updated_text text,
  source_ref          text        not null,
  run_id              bigint      not null,
  payload             jsonb       not null,
  primary key (partner_account_key, resource_type, resource_id, version_no)
);
comment on table raw.payload is
  'One version of one resource as received, without people and free text; rows are only added. A '
  'version is new when its content differs from the one before.';
comment on column raw.payload.partner_account_key is 'Account the resource was read for.';
comment on column raw.payload.resource_type is
  'referral, referral_absence (a full read that listed all did not return it), referral_presence '
  '(it did, unchanged), registration_eligibility, or a kind of CSV row.';
comment on column raw.payload.resource_id is 'Id of the resource in the source.';
comment on column raw.payload.version_no is
  '1, 2, 3 and so on for each resource, in the order observed.';
comment on column raw.payload.observed_at is 'When it was fetched.';
comment on column raw.payload.payload_hash is
  'Keyed hash, hex, of the canonical JSON before people were cut out; links, etag, @odata '
  'properties and the order of lists do not count.';
comment on column raw.payload.source_updated_at is
  'updatedDateTime, cut (not rounded) to microseconds; null when the source gives none.';
comment on column raw.payload.source_updated_text is
  'updatedDateTime as received, up to seven fraction digits; the order of versions and the '
  'watermark compare this.';
comment on column raw.payload.source_ref is
  'Where it came from: request id of the page, or file and line.';
comment on column raw.payload.run_id is 'Run that landed it; etl.run.';
comment on column raw.payload.payload is
  'The JSON as received, without team, customerProfile.team, details.notes and '
  'inviteContext.notes; {} for presence; for absence the principal whose full read it was.';

-- Which versions are landed but not yet published is asked by run, at every publish.
create index payload_run on raw.payload (partner_account_key, run_id);
-- Rows arrive in the order they are observed, so a few pages of BRIN serve a purge by age.
create index payload_observed_at on raw.payload using brin (observed_at);

-- lz4 takes less time than the default, but it is a build option of the server: Debian's has it,
-- the embedded one has not.
do $$
begin
  alter table raw.payload alter column payload set compression lz4;
exception
  when feature_not_supported then null;
end
$$;

create table pii.payload (
  partner_account_key integer not null,
  resource_type       text    not null,
  resource_id         text    not null,
  version_no          integer not null,
  people              jsonb   not null,
  primary key (partner_account_key, resource_type, resource_id, version_no)
);
comment on table pii.payload is
  'What was cut out of one version in raw.payload, under the same key.';
comment on column pii.payload.partner_account_key is 'Account the resource was read for.';
comment on column pii.payload.resource_type is 'As in raw.payload.';
comment on column pii.payload.resource_id is 'As in raw.payload.';
comment on column pii.payload.version_no is 'As in raw.payload.';
comment on column pii.payload.people is
  'JSON of team, customerProfile.team, details.notes and inviteContext.notes.';
