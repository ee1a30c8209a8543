-- Exactly one referral of each deal is its primary one, now and on every day since the deal is known.
with deal as materialized (
  select distinct
    referral.partner_account_key,
    coalesce(
      nullif(referral.engagement_id, '00000000-0000-0000-0000-000000000000'),
      referral.referral_id
    ) as deal_id
  from touched_dim_referral referral
),
engagement as materialized (
  select deal.partner_account_key, deal.deal_id, known.*
  from deal
  left join lateral (
    select
      star.engagement_key,
      star.primary_referral_key,
      (
        select coalesce(
          nullif(referral.engagement_id, '00000000-0000-0000-0000-000000000000'),
          referral.referral_id
        )
        from dw.dim_referral referral
        where referral.referral_key = star.primary_referral_key
          and referral.partner_account_key = star.partner_account_key
      ) as deal_id_of_primary
    from dw.dim_engagement star
    where star.partner_account_key = deal.partner_account_key and star.deal_id = deal.deal_id
    offset 0
  ) known on true
),
span as materialized (
  select
    engagement.deal_id,
    engagement.primary_referral_key as referral_key_now,
    span.primary_referral_key,
    span.valid_from_date,
    span.valid_to_date,
    lead(span.valid_from_date) over (
      partition by engagement.engagement_key order by span.valid_from_date
    ) as next_from_date
  from engagement
  left join lateral (
    select history.primary_referral_key, history.valid_from_date, history.valid_to_date
    from dw.fact_engagement_history history
    where history.engagement_key = engagement.engagement_key
      and history.partner_account_key = engagement.partner_account_key
    offset 0
  ) span on true
)
select 'no primary referral of the deal' as what, deal_id, null::date as valid_from_date
from engagement
where deal_id_of_primary is distinct from deal_id
union all
select 'a day without one, or with two', deal_id, valid_from_date
from span
where valid_from_date is null or valid_to_date is distinct from next_from_date
union all
select 'another one now than in history', deal_id, valid_from_date
from span
where valid_to_date is null and primary_referral_key is distinct from referral_key_now
