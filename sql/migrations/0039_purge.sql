-- What a purge removes; which rows it may not is in src/transform/redundant-versions.ts and
-- src/load/purge.
comment on table raw.payload is
  'One version of one resource as received, without people and free text. Rows are added, changed '
  'only to erase people, and deleted only by a purge. A version is new when its content differs from '
  'the one before.';
comment on column raw.payload.version_no is
  '1, 2, 3 and so on for each resource, in the order observed; a purge leaves gaps, and keeps the '
  'first and the last.';
comment on column pii.payload.people is
  'People and notes of the payload as JSON; for a row of a file these, and the cells of people, '
  'free text and unknown columns. A person who was erased, or purged with the contacts of a closed '
  'referral, is an object with the key (erased). Source: customerProfile.team[], team[], details.notes, '
  'inviteContext.notes';
comment on column pii.contact.is_erased is
  'The person was erased, or purged with the contacts of a closed referral: role, number and key are '
  'left. The number may be another one afterwards.';
comment on column stg.contact.is_erased is
  'The person was erased, or purged with the contacts of a closed referral: role, number and key are '
  'left. The number may be another one afterwards.';
comment on column pii.contact.erased_at is 'When the person was erased or purged; null otherwise.';
comment on column stg.contact.erased_at is 'When the person was erased or purged; null otherwise.';
comment on table etl.run is
  'One run of one partner account: what it read, what it did and whether readers see it. Every '
  'stored row names the run that wrote it; a purge deletes old runs that none names.';
comment on table etl.extract_window is
  'One span of source time read by one run; the progress that a resumed run continues from. It goes '
  'with its run.';
