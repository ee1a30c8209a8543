-- Rows of downloaded files are versions of the landing zone: each distinct one is landed once.
alter table raw.payload
  add column source_digest text;
comment on column raw.payload.source_digest is
  'SHA-256, hex, of the file that a row was first read from; null for what the API gave.';
comment on column raw.payload.resource_type is
  'referral, referral_absence (in one night the API showed it no more, or no file of a complete set '
  'did), referral_presence (it did again, unchanged), registration_eligibility, microsoft_acv, or '
  'csv_row (the row of a downloaded file, which shows a part of a referral).';
comment on column raw.payload.version_no is
  '1, 2, 3 and so on for each resource and type, in the order observed; rows of files in the order '
  'of their import, on which nothing depends.';
comment on column raw.payload.payload_hash is
  'Keyed hash, hex, of the canonical JSON before people were cut out; links, etag, @odata '
  'properties and the order of lists do not count. Name and place of a file do not count either.';
comment on column raw.payload.source_updated_text is
  'updatedDateTime as received, up to seven fraction digits; the order of versions and the '
  'watermark compare this. Of a row of a file the day that it is of, where that is known.';
comment on column raw.payload.source_ref is
  'Where it came from: request id of the page, or file and line.';
comment on column raw.payload.payload is
  'The JSON as received, without team, customerProfile.team, details.notes and '
  'inviteContext.notes; {} for presence; for absence the principal who was not shown it. For a row '
  'of a file its layout, the part of a referral that it shows, and its other cells.';
comment on column pii.payload.people is
  'JSON of team, customerProfile.team, details.notes and inviteContext.notes; for a row of a file '
  'these, and the cells of people, free text and unknown columns.';
comment on column etl.quarantine.resource_type is
  'Kind of resource, as in raw.payload: referral, or csv_row for a row of a file.';
comment on column stg.quarantine.resource_type is
  'Kind of resource, as in raw.payload: referral, or csv_row for a row of a file.';
