create or replace view mart.co_sell with (security_invoker = true) as
select
  referral.partner_account_key,
  referral.created_fiscal_year,
  referral.created_fiscal_quarter,
  coalesce(referral.invited_by_organization_name, '(None)') as invited_by,
  coalesce(referral.direction, '(Not provided)') as direction,
  referral.deal_type,
  referral.currency_code,
  count(*) as referral_count,
  count(distinct referral.engagement_id) as engagement_count,
  count(*) filter (where referral.is_won) as won_count,
  count(*) filter (where referral.is_decided) as decided_count,
  coalesce(sum(referral.deal_value_amount), 0)::numeric(28, 4) as deal_value_amount,
  coalesce(sum(referral.deal_value_amount) filter (where referral.is_won), 0)::numeric(28, 4)
    as won_value_amount,
  sum(referral.deal_count)::bigint as deal_count,
  count(*) filter (where referral.is_deal_primary and referral.is_won) as won_deal_count,
  count(*) filter (where referral.is_deal_primary and referral.is_decided) as decided_deal_count,
  coalesce(sum(referral.deal_value_once_amount), 0)::numeric(28, 4) as deal_value_once_amount,
  coalesce(sum(referral.deal_value_once_amount) filter (where referral.is_won), 0)::numeric(28, 4)
    as won_value_once_amount
from mart.referral referral
where referral.referral_category = 'Co-sell opportunity'
group by
  referral.partner_account_key,
  referral.created_fiscal_year,
  referral.created_fiscal_quarter,
  coalesce(referral.invited_by_organization_name, '(None)'),
  coalesce(referral.direction, '(Not provided)'),
  referral.deal_type,
  referral.currency_code;

comment on view mart.co_sell is
  'One row per account, fiscal quarter of creation, inviting organisation, direction, deal type '
  'and '
  'currency, of co-sell opportunities. Answers: how many deals, of what value, do we win with '
  'whom? '
  'Divide sum of won_deal_count by sum of decided_deal_count for the win rate of deals. Filter '
  'created_fiscal_year.';
comment on column mart.co_sell.invited_by is
  'Organisation that invited to the deal; (None) when there is none. Source: '
  'inviteContext.invitedBy.organizationName';
comment on column mart.co_sell.direction is
  'Way the referral went, as sent; (Not provided) when the source does not say. Source: direction';
comment on column mart.co_sell.currency_code is
  'Currency of the deals and of their amounts. Source: details.currency';
comment on column mart.co_sell.referral_count is 'Number of referrals.';
comment on column mart.co_sell.engagement_count is
  'Deals: referrals of one engagement count once. Do not add up over rows; one engagement may '
  'stand '
  'in several.';
comment on column mart.co_sell.won_count is 'Referrals won: the numerator of the win rate.';
comment on column mart.co_sell.decided_count is
  'Referrals won or lost: the denominator of the win rate.';
comment on column mart.co_sell.deal_value_amount is
  'Sum of the deal values, in currency_code; referrals without a value add nothing. Source: '
  'computed from details.dealValue';
comment on column mart.co_sell.won_value_amount is
  'Sum of the deal values of those won, in currency_code. Source: computed from details.dealValue';
comment on column mart.co_sell.deal_count is
  'Deals, each with the row of its primary referral; adds up over rows.';
comment on column mart.co_sell.won_deal_count is
  'Deals won: the numerator of their win rate.';
comment on column mart.co_sell.decided_deal_count is
  'Deals won or lost: the denominator of their win rate.';
comment on column mart.co_sell.deal_value_once_amount is
  'Sum of the values of the deals, each once, in currency_code. Source: computed from '
  'details.dealValue';
comment on column mart.co_sell.won_value_once_amount is
  'Sum of the values of the deals won, each once, in currency_code. Source: computed from '
  'details.dealValue';
