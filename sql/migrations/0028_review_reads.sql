-- How a night looks for registrations whose review left updatedDateTime as it was.
insert into etl.setting (setting_name, setting_value)
values
  -- An exception may be asked for within 60 days of the registration, and is decided within 14 working
  -- days. A registration that is as long out of review is looked at by full reads only.
  ('review_settled_days', '90'),
  -- Reads by id of a night, once reviews are known to move updatedDateTime. Where one in twenty of the
  -- others changed without a sign, six nights find one of those with more than 99.9 %.
  ('review_sample_count', '25')
on conflict (setting_name) do nothing;

comment on table etl.api_capability is
  'One thing that the API of one account was found to accept, to refuse or to do.';
comment on column etl.api_capability.capability is
  'What was tried, such as status_filter or page_cap, or what runs have learned, such as '
  'reviews_moved_in_row.';
comment on column etl.api_capability.observed_value is
  'What it did; for the reviews_… of runs a number, the way of the last night, or the last referral '
  'of its sample.';
comment on column etl.api_capability.observed_at is 'When it was tried, or seen last.';
