create or replace view mart.load_status with (security_invoker = true) as
select
  account.partner_account_key,
  account.account_code,
  account.account_name,
  account.is_active,
  published.last_published_run_id,
  published.published_at,
  published.watermark_to,
  (extract(epoch from now() - published.published_at) / 3600)::numeric(12, 2) as age_hours,
  latest.run_id as last_run_id,
  latest.run_mode as last_run_mode,
  latest.run_status as last_run_status,
  latest.started_at as last_run_started_at,
  -- Quarantine changes in a publish alone, so its last one knows it.
  coalesce(shown.quarantined_entry_count, 0) as quarantined_referral_count
from dw.dim_partner_account account
left join (
  select
    run.partner_account_key,
    max(run.run_id) as last_run_id,
    max(run.run_id) filter (where run.run_status = 'published') as last_published_run_id,
    max(run.published_at) filter (where run.run_status = 'published') as published_at,
    max(run.watermark_to) filter (where run.run_status = 'published') as watermark_to
  from dw.fact_run run
  group by run.partner_account_key
) published on published.partner_account_key = account.partner_account_key
left join dw.fact_run shown
  on shown.partner_account_key = published.partner_account_key
  and shown.run_id = published.last_published_run_id
left join dw.fact_run latest
  on latest.partner_account_key = published.partner_account_key
  and latest.run_id = published.last_run_id;

comment on view mart.load_status is
  'One row per account. Answers: how fresh are the figures, and did the last run go well? Show '
  'published_at beside every report.';
comment on column mart.load_status.last_published_run_id is
  'Run whose result readers see; null before the first.';
comment on column mart.load_status.published_at is
  'When readers last got a new state; null before the first run.';
comment on column mart.load_status.watermark_to is
  'Source time up to which all changes are published; null before the first run. Source: '
  'computed from updatedDateTime';
comment on column mart.load_status.age_hours is 'Hours since published_at.';
comment on column mart.load_status.last_run_id is 'Latest run, whether it succeeded or not.';
comment on column mart.load_status.last_run_mode is
  'What the latest run read: incremental, full, backfill, import or rebuild.';
comment on column mart.load_status.last_run_status is
  'How far the latest run came: running, extracted, published, failed or abandoned.';
comment on column mart.load_status.last_run_started_at is 'When the latest run began.';
comment on column mart.load_status.quarantined_referral_count is
  'Referrals in quarantine because they could not be read; their last good state is shown.';
