-- Which industries is the open pipeline in? With weights the amounts add up to the total.
select
  industry.industry,
  count(*) as referral_count,
  round(sum(industry.weight * referral.deal_value_reporting_amount)) as value_usd
from mart.referral as referral
join mart.referral_industry as industry
  on industry.referral_key = referral.referral_key
  and industry.partner_account_key = referral.partner_account_key
where referral.is_open
group by industry.industry
order by value_usd desc, industry.industry
limit 5;

-- Answer over the demo:
-- industry | referral_count | value_usd
-- Manufacturing | 64 | 5028461
-- Financial Services | 32 | 2978450
-- Education | 15 | 2595115
-- Public Safety and National Security | 22 | 2303351
-- Agriculture, Forestry, & Fishing | 20 | 2207178
