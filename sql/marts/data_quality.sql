create or replace view mart.data_quality with (security_invoker = true) as
select
  finding.partner_account_key,
  account.account_code,
  finding.referral_id,
  referral.referral_key,
  finding.rule_code,
  finding.item_ref,
  finding.severity,
  finding.detail,
  finding.observed_value,
  first_run.started_at as first_seen_at,
  last_run.started_at as last_seen_at
from dw.fact_finding finding
left join dw.dim_partner_account account
  on account.partner_account_key = finding.partner_account_key
left join dw.dim_referral referral
  on referral.partner_account_key = finding.partner_account_key
  and referral.referral_id = finding.referral_id
left join dw.fact_run first_run
  on first_run.partner_account_key = finding.partner_account_key
  and first_run.run_id = finding.first_seen_run_id
left join dw.fact_run last_run
  on last_run.partner_account_key = finding.partner_account_key
  and last_run.run_id = finding.last_seen_run_id
union all
-- Time alone makes a referral overdue, without a load that could notice it.
select
  fact.partner_account_key,
  account.account_code,
  referral.referral_id,
  fact.referral_key,
  'expired_but_open',
  'expirationDateTime',
  'warn',
  'still open, though its day of expiry is past',
  fact.expiration_date::text,
  (fact.expiration_date + 1)::timestamp at time zone 'utc',
  now()
from dw.fact_referral fact
join dw.dim_status status on status.status_key = fact.status_key and status.is_open
left join dw.dim_referral referral
  on referral.referral_key = fact.referral_key
  and referral.partner_account_key = fact.partner_account_key
left join dw.dim_partner_account account on account.partner_account_key = fact.partner_account_key
where fact.expiration_date < (now() at time zone 'utc')::date
  -- By the index of the missing ones: the few that are overdue need no look at all referrals.
  and not exists (
    select
    from dw.dim_referral gone
    where gone.referral_key = fact.referral_key
      and gone.partner_account_key = fact.partner_account_key
      and gone.is_missing
  );

comment on view mart.data_quality is
  'One row per open finding: a doubt about data that was loaded. Answers: how many findings are '
  'there by rule and severity, and which referrals have them? Filter severity. Findings about the '
  'warehouse as a whole have no referral.';
comment on column mart.data_quality.referral_key is
  'The referral; dw.dim_referral. Null for findings about the warehouse as a whole.';
comment on column mart.data_quality.first_seen_at is
  'Start of the run that reported it first; of an overdue referral, the day after its expiry.';
comment on column mart.data_quality.last_seen_at is
  'Start of the run that reported it last; of an overdue referral, now.';
comment on column mart.data_quality.referral_id is
  'Id of the referral that is concerned; empty for findings about the warehouse as a whole. '
  'Source: id';
