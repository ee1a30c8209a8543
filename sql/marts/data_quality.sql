create or replace view mart.data_quality as
select
  q.partner_account_key,
  a.account_code,
  q.referral_id,
  r.referral_key,
  q.rule_code,
  q.item_ref,
  q.severity,
  q.detail,
  q.observed_value,
  f.started_at as first_seen_at,
  l.started_at as last_seen_at
from etl.dq_finding q
left join dw.dim_partner_account a on a.partner_account_key = q.partner_account_key
left join dw.dim_referral r
  on r.partner_account_key = q.partner_account_key and r.referral_id = q.referral_id
left join etl.run f on f.run_id = q.first_seen_run_id
left join etl.run l on l.run_id = q.last_seen_run_id
where q.partner_account_key in (
  select visible.partner_account_key
  from etl.visible_account visible
);

-- Runs as its owner, since readers have no right to etl; etl.visible_account stands in for row-level
-- security.
comment on view mart.data_quality is
  'One row per open finding: a doubt about data that was loaded. Answers: how many findings are '
  'there by rule and severity, and which referrals have them? Filter severity. Findings about the '
  'warehouse as a whole have no referral.';
comment on column mart.data_quality.referral_key is
  'The referral; dw.dim_referral. Null for findings about the warehouse as a whole.';
comment on column mart.data_quality.first_seen_at is 'Start of the run that reported it first.';
comment on column mart.data_quality.last_seen_at is 'Start of the run that reported it last.';
