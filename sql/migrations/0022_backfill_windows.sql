comment on column etl.run.filter_from is
  'First source time asked for: of the last update, in a backfill of the creation. Null when the run '
  'read everything.';
comment on column etl.run.filter_to is
  'Source time before which the run read, of the same kind as filter_from; null when it had no upper '
  'end.';
comment on column etl.extract_window.filter_from is
  'Start of the window, inclusive, by updatedDateTime; in a backfill by createdDateTime.';
comment on column etl.extract_window.filter_to is 'End of the window, exclusive.';
comment on column etl.extract_window.resume_at is
  'Where a backfill goes on, as the reader of pages wrote it. Null before the first page, after the '
  'last one, and in other runs, which begin anew.';
comment on column etl.extract_window.page_count is
  'Pages landed so far by this run; those before the position it began at are of earlier runs.';
comment on column etl.extract_window.referral_count is 'Referrals of those pages.';
comment on column etl.lease.holder is
  'Who holds it: host and process, after "backfill on" when it is a backfill, which others wait for.';
