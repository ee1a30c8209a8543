create or replace view mart.customer with (security_invoker = true) as
select
  known.partner_account_key,
  known.customer_match_id,
  known.customer_name,
  known.customer_size,
  known.customer_size_min_employees,
  known.address_line1,
  known.address_line2,
  known.city,
  known.state,
  known.postal_code,
  known.country_code,
  known.region,
  known.moodys_id,
  known.external_customer_id,
  known.duns_number,
  known.profile_count,
  known.referral_count,
  known.open_referral_count,
  known.won_referral_count,
  known.deal_count,
  known.open_deal_count,
  known.won_deal_count,
  known.lost_deal_count,
  known.first_created_date,
  known.last_created_date,
  known.last_won_date,
  known.customer_size_max_employees
from (
  select
    customer.partner_account_key,
    customer.customer_match_id,
    customer.customer_name,
    customer.customer_size,
    customer.customer_size_min_employees,
    customer.customer_size_max_employees,
    customer.address_line1,
    customer.address_line2,
    customer.city,
    customer.state,
    customer.postal_code,
    customer.country_code,
    customer.region,
    customer.moodys_id,
    customer.external_customer_id,
    customer.duns_number,
    (count(*) over same_customer)::integer as profile_count,
    (sum(deals.referral_count) over same_customer)::integer as referral_count,
    (sum(deals.open_referral_count) over same_customer)::integer as open_referral_count,
    (sum(deals.won_referral_count) over same_customer)::integer as won_referral_count,
    (sum(deals.deal_count) over same_customer)::integer as deal_count,
    (sum(deals.open_deal_count) over same_customer)::integer as open_deal_count,
    (sum(deals.won_deal_count) over same_customer)::integer as won_deal_count,
    (sum(deals.lost_deal_count) over same_customer)::integer as lost_deal_count,
    min(deals.first_created_date) over same_customer as first_created_date,
    max(deals.last_created_date) over same_customer as last_created_date,
    max(deals.last_won_date) over same_customer as last_won_date,
    row_number() over (
      partition by customer.partner_account_key, customer.customer_match_id
      order by deals.last_updated_at desc, customer.customer_key desc
    ) as place
  from dw.dim_customer customer
  join (
    select
      fact.customer_key,
      fact.partner_account_key,
      count(*) as referral_count,
      count(*) filter (where status.is_open) as open_referral_count,
      count(*) filter (where status.is_won) as won_referral_count,
      count(deal.primary_referral_key) as deal_count,
      count(deal.primary_referral_key) filter (where status.is_open) as open_deal_count,
      count(deal.primary_referral_key) filter (where status.is_won) as won_deal_count,
      count(deal.primary_referral_key) filter (where status.is_lost) as lost_deal_count,
      min(fact.created_date) as first_created_date,
      max(fact.created_date) as last_created_date,
      max(fact.closed_date) filter (where status.is_won) as last_won_date,
      max(fact.updated_at) as last_updated_at
    from dw.fact_referral fact
    left join dw.dim_status status on status.status_key = fact.status_key
    left join dw.dim_engagement deal
      on deal.primary_referral_key = fact.referral_key
      and deal.partner_account_key = fact.partner_account_key
    where not exists (
      select
      from dw.dim_referral gone
      where gone.referral_key = fact.referral_key
        and gone.partner_account_key = fact.partner_account_key
        and gone.is_missing
        and gone.referral_status in ('New', 'Active')
    )
    group by fact.customer_key, fact.partner_account_key
  ) deals
    on deals.customer_key = customer.customer_key
    and deals.partner_account_key = customer.partner_account_key
  window same_customer as (
    partition by customer.partner_account_key, customer.customer_match_id
  )
) known
where known.place = 1;

comment on view mart.customer is
  'One row per account and customer, with the profile of the referral that was updated last. Answers: '
  'which customers do we have where, and how many deals are open or won with each? Join mart.referral '
  'by customer_match_id for the values. Profiles that the source calls the same customer are one; '
  'open referrals that it no longer shows are left out.';
comment on column mart.customer.profile_count is
  'Profiles of the customer that referrals have now; several where they describe it differently.';
comment on column mart.customer.referral_count is 'Number of referrals.';
comment on column mart.customer.open_referral_count is 'Number of referrals that are open.';
comment on column mart.customer.won_referral_count is 'Number of referrals won.';
comment on column mart.customer.deal_count is
  'Deals, each with the customer of its primary referral; adds up over rows.';
comment on column mart.customer.open_deal_count is 'Deals that are open.';
comment on column mart.customer.won_deal_count is 'Deals won.';
comment on column mart.customer.lost_deal_count is 'Deals lost.';
comment on column mart.customer.first_created_date is
  'Day on which the first referral was created, by UTC. Source: computed from createdDateTime';
comment on column mart.customer.last_created_date is
  'Day on which the last referral was created, by UTC. Source: computed from createdDateTime';
comment on column mart.customer.last_won_date is
  'Day on which a referral was won last, by UTC; null when none was. Source: computed from '
  'closedDateTime';
