create or replace view mart.referral_industry with (security_invoker = true) as
select
  bridge.partner_account_key,
  bridge.referral_key,
  tag.tag_id as industry,
  bridge.weight,
  bridge.tag_count
from dw.bridge_referral_tag bridge
join dw.dim_tag tag
  on tag.tag_key = bridge.tag_key and tag.partner_account_key = bridge.partner_account_key
where tag.tag_group = 'Industry'
  and not exists (
    select
    from dw.dim_referral gone
    where gone.referral_key = bridge.referral_key
      and gone.partner_account_key = bridge.partner_account_key
      and gone.is_missing
      and gone.referral_status in ('New', 'Active')
  );

comment on view mart.referral_industry is
  'One row per referral and industry. Join to mart.referral by referral_key, and to the other tags for '
  'two at once. Answers: what is the open value by industry? Multiply amounts by weight, and they add up to the '
  'total; without it each industry gets the full amount.';
comment on column mart.referral_industry.industry is
  'Industry of the customer, as sent. Source: details.requirements.industries[].id';
comment on column mart.referral_industry.weight is
  'Share of the industry in the referral; the shares of a referral add up to exactly 1.';
comment on column mart.referral_industry.tag_count is
  'Number of industries of the referral. Source: computed from '
  'details.requirements.industries[].id';
