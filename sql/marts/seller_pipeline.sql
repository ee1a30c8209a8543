create or replace view mart.seller_pipeline with (security_invoker = true) as
select
  deal.partner_account_key,
  deal.seller_key,
  deal.seller_kind,
  deal.email_domain,
  deal.stage_label,
  deal.stage_sort,
  deal.is_open,
  deal.is_won,
  deal.is_lost,
  deal.is_decided,
  deal.created_fiscal_year,
  deal.closed_fiscal_year,
  deal.currency_code,
  count(*) as deal_count,
  sum(deal.weight)::numeric(15, 6) as weighted_deal_count,
  coalesce(sum(deal.deal_value_amount), 0)::numeric(28, 4) as deal_value_amount,
  coalesce(sum(deal.weighted_deal_value_amount), 0)::numeric(28, 4) as weighted_deal_value_amount,
  sum(deal.weighted_deal_value_reporting_amount)::numeric(28, 4)
    as weighted_deal_value_reporting_amount
from mart.deal_seller deal
group by
  deal.partner_account_key,
  deal.seller_key,
  deal.seller_kind,
  deal.email_domain,
  deal.stage_label,
  deal.stage_sort,
  deal.is_open,
  deal.is_won,
  deal.is_lost,
  deal.is_decided,
  deal.created_fiscal_year,
  deal.closed_fiscal_year,
  deal.currency_code;

comment on view mart.seller_pipeline is
  'One row per account, seller, stage, fiscal years of creation and closing, and currency. Answers: '
  'what is in the pipeline of each of our sellers, and what do we win with which of Microsoft''s? '
  'Filter seller_kind, and is_open for the pipeline. The weighted columns add up over the sellers of '
  'one kind to each deal once; the others count a deal for every seller in it. Divide the sum of '
  'deal_count of is_won by that of is_decided for the win rate of a seller.';
comment on column mart.seller_pipeline.currency_code is
  'Currency of the deals and of their amounts. Source: details.currency';
comment on column mart.seller_pipeline.deal_count is
  'Deals that the seller works on; adds up for one seller, not over sellers.';
comment on column mart.seller_pipeline.weighted_deal_count is
  'Sum of the shares of the seller in the deals; adds up over the sellers of one kind.';
comment on column mart.seller_pipeline.deal_value_amount is
  'Sum of the full values of the deals, in currency_code; adds up for one seller, not over '
  'sellers. Source: computed from details.dealValue';
comment on column mart.seller_pipeline.weighted_deal_value_amount is
  'Sum of the shares of the seller in the values, in currency_code; adds up over the sellers of '
  'one kind. Source: computed from details.dealValue';
comment on column mart.seller_pipeline.weighted_deal_value_reporting_amount is
  'Sum of the shares of the seller in the values in the reporting currency; adds up over the '
  'sellers of one kind. Deals without a rate add nothing. Source: computed from details.dealValue';
