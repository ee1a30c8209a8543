create or replace view mart.referral_service with (security_invoker = true) as
select
  bridge.partner_account_key,
  bridge.referral_key,
  tag.tag_id as service,
  bridge.weight,
  bridge.tag_count
from dw.bridge_referral_tag bridge
join dw.dim_tag tag
  on tag.tag_key = bridge.tag_key and tag.partner_account_key = bridge.partner_account_key
where tag.tag_group = 'Service'
  and not exists (
    select
    from dw.dim_referral gone
    where gone.referral_key = bridge.referral_key
      and gone.partner_account_key = bridge.partner_account_key
      and gone.is_missing
      and gone.referral_status in ('New', 'Active')
  );

comment on view mart.referral_service is
  'One row per referral and service. Join to mart.referral by referral_key, and to the other tags for '
  'two at once. Answers: what is the open value by service? Multiply amounts by weight, and they add up to the '
  'total; without it each service gets the full amount.';
comment on column mart.referral_service.service is
  'Service that the customer asks for, as sent. Source: details.requirements.services[].id';
comment on column mart.referral_service.weight is
  'Share of the service in the referral; the shares of a referral add up to exactly 1.';
comment on column mart.referral_service.tag_count is
  'Number of services of the referral. Source: computed from details.requirements.services[].id';
