-- Which industries is the open pipeline in? With weights the amounts add up to the total.
select
  industry.industry,
  count(*) as deal_count,
  round(sum(industry.weight * referral.deal_value_once_reporting_amount)) as value_usd
from mart.referral as referral
join mart.referral_industry as industry
  on industry.referral_key = referral.referral_key
  and industry.partner_account_key = referral.partner_account_key
where referral.is_open and referral.is_deal_primary
group by industry.industry
order by value_usd desc, industry.industry
limit 5;

-- Answer over the demo:
-- industry | deal_count | value_usd
-- Manufacturing | 40 | 3278961
-- Financial Services | 22 | 2520531
-- Education | 11 | 2313656
-- Public Safety and National Security | 16 | 1907375
-- Agriculture, Forestry, & Fishing | 12 | 1720876
