-- Deals of the referrals that are there. From here on every publish keeps those that it touches, by
-- the same rule.

create temp table engagement_member on commit drop as
select
  coalesce(
    nullif(referral.engagement_id, '00000000-0000-0000-0000-000000000000'),
    referral.referral_id
  ) as deal_id,
  nullif(referral.engagement_id, '00000000-0000-0000-0000-000000000000') as engagement_id,
  referral.partner_account_key,
  referral.referral_key,
  referral.referral_id,
  referral.is_missing,
  referral.updated_run_id,
  fact.status_key,
  fact.deal_value_amount,
  fact.created_at,
  case
    when coalesce(target.is_microsoft, false) then 2
    when referral.direction = 'Outgoing' and coalesce(target.is_location, false) then 3
    else 1
  end as party_rank
from dw.dim_referral referral
join dw.fact_referral fact
  on fact.referral_key = referral.referral_key
  and fact.partner_account_key = referral.partner_account_key
left join (
  select
    bridge.referral_key,
    bridge.partner_account_key,
    bool_or(tag.tag_id ilike 'msft') as is_microsoft,
    bool_or(tag.tag_type = 'BusinessProfileLocation') as is_location
  from dw.bridge_referral_tag bridge
  join dw.dim_tag tag
    on tag.tag_key = bridge.tag_key
    and tag.partner_account_key = bridge.partner_account_key
    and tag.tag_group = 'Target'
  group by bridge.referral_key, bridge.partner_account_key
) target
  on target.referral_key = referral.referral_key
  and target.partner_account_key = referral.partner_account_key;

insert into dw.dim_engagement
  (partner_account_key, deal_id, engagement_id, primary_referral_key, own_referral_key,
    microsoft_referral_key, partner_referral_key, referral_count, created_run_id, updated_run_id)
select
  partner_account_key,
  deal_id,
  max(engagement_id),
  (array_agg(referral_key order by place))[1],
  (array_agg(referral_key order by place) filter (where party_rank = 1))[1],
  (array_agg(referral_key order by place) filter (where party_rank = 2))[1],
  (array_agg(referral_key order by place) filter (where party_rank = 3))[1],
  count(*),
  max(updated_run_id),
  max(updated_run_id)
from (
  select
    member.*,
    row_number() over (
      partition by member.partner_account_key, member.deal_id
      order by
        case
          when status.is_won then 1
          when status.is_open and member.is_missing then 5
          when status.is_open then 2
          when status.is_lost then 3
          else 4
        end,
        (member.deal_value_amount is null or member.deal_value_amount <= 0),
        member.party_rank,
        member.created_at,
        member.referral_id
    ) as place
  from engagement_member member
  join dw.dim_status status on status.status_key = member.status_key
) ranked
group by partner_account_key, deal_id
order by partner_account_key, deal_id;

insert into dw.fact_engagement_history
  (partner_account_key, engagement_key, primary_referral_key, valid_from_date, valid_to_date,
    created_run_id, updated_run_id)
with version as materialized (
  select
    deal.engagement_key,
    deal.referral_count,
    deal.updated_run_id,
    member.partner_account_key,
    member.referral_key,
    member.referral_id,
    member.created_at,
    member.party_rank,
    history.valid_from_date,
    history.valid_to_date,
    history.deal_value_amount,
    case
      when status.is_won then 1
      when status.is_open and history.is_missing then 5
      when status.is_open then 2
      when status.is_lost then 3
      else 4
    end as state_rank
  from engagement_member member
  join dw.dim_engagement deal
    on deal.partner_account_key = member.partner_account_key and deal.deal_id = member.deal_id
  join dw.fact_referral_history history
    on history.referral_key = member.referral_key
    and history.partner_account_key = member.partner_account_key
  join dw.dim_status status on status.status_key = history.status_key
  where history.valid_to_date is null or history.valid_to_date > history.valid_from_date
),
leading_referral as (
  select distinct on (version.engagement_key, day.valid_from_date)
    version.partner_account_key,
    version.engagement_key,
    version.updated_run_id,
    version.referral_key,
    day.valid_from_date
  from version
  join (
    select distinct engagement_key, valid_from_date from version where referral_count > 1
  ) day
    on day.engagement_key = version.engagement_key
    and day.valid_from_date >= version.valid_from_date
    and day.valid_from_date < coalesce(version.valid_to_date, 'infinity')
  order by
    version.engagement_key,
    day.valid_from_date,
    version.state_rank,
    (version.deal_value_amount is null or version.deal_value_amount <= 0),
    version.party_rank,
    version.created_at,
    version.referral_id
),
changed as (
  select
    leading_referral.*,
    lag(referral_key) over (partition by engagement_key order by valid_from_date)
      is distinct from referral_key as is_change
  from leading_referral
)
select
  partner_account_key,
  engagement_key,
  referral_key,
  valid_from_date,
  lead(valid_from_date) over (partition by engagement_key order by valid_from_date),
  updated_run_id,
  updated_run_id
from changed
where is_change
union all
select
  partner_account_key,
  engagement_key,
  referral_key,
  min(valid_from_date),
  null,
  updated_run_id,
  updated_run_id
from version
where referral_count = 1
group by partner_account_key, engagement_key, referral_key, updated_run_id;
