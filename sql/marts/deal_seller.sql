create or replace view mart.deal_seller with (security_invoker = true) as
select
  member.partner_account_key,
  member.engagement_key,
  deal.deal_id,
  member.seller_key,
  member.seller_kind,
  member.email_domain,
  member.weight,
  member.seller_count,
  deal.primary_referral_id,
  deal.referral_name,
  deal.stage_label,
  deal.stage_sort,
  deal.is_open,
  deal.is_won,
  deal.is_lost,
  deal.is_decided,
  deal.referral_category,
  deal.deal_type,
  deal.solution_area,
  deal.solution_play,
  deal.customer_name,
  deal.country_code,
  deal.created_date,
  deal.created_fiscal_year,
  deal.expected_close_date,
  deal.closed_date,
  deal.closed_fiscal_year,
  deal.closed_fiscal_quarter,
  deal.currency_code,
  deal.deal_value_amount,
  (
    round(deal.deal_value_amount * member.weight_upto, 4)
      - round(deal.deal_value_amount * (member.weight_upto - member.weight), 4)
  )::numeric(19, 4) as weighted_deal_value_amount,
  (
    round(deal.deal_value_reporting_amount * member.weight_upto, 4)
      - round(deal.deal_value_reporting_amount * (member.weight_upto - member.weight), 4)
  )::numeric(19, 4) as weighted_deal_value_reporting_amount
from (
  select
    numbered.*,
    -- Millionths: the first sellers take what the division leaves over, so that all add up to 1.
    (
      (
        1000000 / numbered.seller_count
          + case when numbered.seller_no <= 1000000 % numbered.seller_count then 1 else 0 end
      ) * 0.000001
    )::numeric(7, 6) as weight,
    (
      (
        numbered.seller_no * (1000000 / numbered.seller_count)
          + least(numbered.seller_no, 1000000 % numbered.seller_count)
      ) * 0.000001
    )::numeric(7, 6) as weight_upto
  from (
    select
      distinct_member.*,
      (count(*) over same_kind)::integer as seller_count,
      (row_number() over (same_kind order by distinct_member.seller_key))::integer as seller_no
    from (
      select distinct
        bridge.partner_account_key,
        engagement.engagement_key,
        seller.seller_kind,
        bridge.seller_key,
        seller.email_domain
      from dw.bridge_referral_seller bridge
      join dw.dim_seller seller
        on seller.seller_key = bridge.seller_key
        and seller.partner_account_key = bridge.partner_account_key
      join dw.dim_referral referral
        on referral.referral_key = bridge.referral_key
        and referral.partner_account_key = bridge.partner_account_key
      join dw.dim_engagement engagement
        on engagement.partner_account_key = referral.partner_account_key
        and engagement.deal_id = coalesce(
          nullif(referral.engagement_id, '00000000-0000-0000-0000-000000000000'),
          referral.referral_id
        )
    ) distinct_member
    window same_kind as (
      partition by
        distinct_member.partner_account_key,
        distinct_member.engagement_key,
        distinct_member.seller_kind
    )
  ) numbered
) member
join mart.deal deal
  on deal.engagement_key = member.engagement_key
  and deal.partner_account_key = member.partner_account_key;

comment on view mart.deal_seller is
  'One row per deal and person in the team of any of its referrals, by number and without a name. '
  'Answers: which of our sellers and of Microsoft''s work on which deals, and of what value? Filter '
  'seller_kind, and then sum weighted_deal_value_amount: within one kind each deal adds up to its '
  'value once. deal_value_amount is the full one, which shows reach. Names are in pii.seller, for '
  'those who may read it. Deals without a known person have no row.';
comment on column mart.deal_seller.weight is
  'Share of the person in the deal; the shares of one kind add up to exactly 1 in each deal.';
comment on column mart.deal_seller.seller_count is 'Persons of the same kind in the deal.';
comment on column mart.deal_seller.referral_name is 'Name of the primary referral. Source: name';
comment on column mart.deal_seller.weighted_deal_value_amount is
  'Share of the person in the value of the deal, in currency_code. Source: computed from '
  'details.dealValue';
comment on column mart.deal_seller.weighted_deal_value_reporting_amount is
  'Share of the person in the value in the reporting currency, rounded so that the shares of one '
  'kind add up to it. Source: computed from details.dealValue';
