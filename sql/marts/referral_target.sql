create or replace view mart.referral_target with (security_invoker = true) as
select
  bridge.partner_account_key,
  bridge.referral_key,
  tag.tag_type as target_type,
  tag.tag_id as target_id,
  bridge.weight,
  bridge.tag_count
from dw.bridge_referral_tag bridge
join dw.dim_tag tag
  on tag.tag_key = bridge.tag_key and tag.partner_account_key = bridge.partner_account_key
where tag.tag_group = 'Target'
  and not exists (
    select
    from dw.dim_referral gone
    where gone.referral_key = bridge.referral_key
      and gone.partner_account_key = bridge.partner_account_key
      and gone.is_missing
      and gone.referral_status in ('New', 'Active')
  );

comment on view mart.referral_target is
  'One row per referral and target: the organisation or solution that it was addressed to, msft for '
  'Microsoft. Join to mart.referral by referral_key. Answers: which referrals went to Microsoft, and '
  'what is the open value by addressed solution? Filter target_type; within one type amounts times '
  'weight add up to the total.';
comment on column mart.referral_target.target_type is
  'Type of the target: BusinessProfileLocation, SolutionProfile or whatever arrives. Source: '
  'target[].type';
comment on column mart.referral_target.target_id is
  'Id of the target, as sent. Source: target[].id';
comment on column mart.referral_target.weight is
  'Share of the target in the referral; the shares of a referral and type add up to exactly 1.';
comment on column mart.referral_target.tag_count is
  'Number of targets of the referral and type. Source: computed from target[].id';
