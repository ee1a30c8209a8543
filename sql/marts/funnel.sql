create or replace view mart.funnel with (security_invoker = true) as
select
  fact.partner_account_key,
  day.fiscal_year_label as created_fiscal_year,
  day.year_month as created_month,
  referral.referral_type,
  referral.referral_category,
  fact.currency_code,
  count(*) as created_count,
  count(fact.accepted_date) as accepted_count,
  count(*) filter (where status.is_won) as won_count,
  count(*) filter (where status.is_lost) as lost_count,
  count(*) filter (where status.is_closed and not status.is_decided) as dropped_count,
  count(fact.registered_date) as registered_count,
  count(fact.registration_approved_date) as approved_count,
  count(fact.registration_first_approved_date) as ever_approved_count,
  (percentile_cont(0.5) within group (order by fact.days_to_accept))::numeric(9, 1)
    as median_days_to_accept,
  (percentile_cont(0.5) within group (order by fact.days_to_close))::numeric(9, 1)
    as median_days_to_close,
  (percentile_cont(0.5) within group (order by fact.days_to_registration))::numeric(9, 1)
    as median_days_to_registration,
  coalesce(sum(fact.deal_value_amount), 0)::numeric(28, 4) as created_value_amount,
  coalesce(sum(fact.deal_value_amount) filter (where status.is_won), 0)::numeric(28, 4)
    as won_value_amount,
  count(deal.engagement_key) as deal_count,
  count(deal.engagement_key) filter (where status.is_won) as won_deal_count,
  count(deal.engagement_key) filter (where status.is_lost) as lost_deal_count,
  coalesce(sum(fact.deal_value_amount) filter (where deal.engagement_key is not null), 0)
    ::numeric(28, 4) as deal_value_once_amount,
  coalesce(
    sum(fact.deal_value_amount) filter (where deal.engagement_key is not null and status.is_won),
    0
  )::numeric(28, 4) as won_value_once_amount
from dw.fact_referral fact
join dw.dim_referral referral
  on referral.referral_key = fact.referral_key
  and referral.partner_account_key = fact.partner_account_key
join dw.dim_status status on status.status_key = fact.status_key
join dw.dim_date day on day.date_day = fact.created_date
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
group by
  fact.partner_account_key,
  day.fiscal_year_label,
  day.year_month,
  referral.referral_type,
  referral.referral_category,
  fact.currency_code;

comment on view mart.funnel is
  'One row per account, month of creation, type, category and currency. Answers: how many referrals '
  'created in a month were accepted, won, registered and approved by now, and how long did it take? '
  'Add the counts up and divide then; medians hold for their row alone and must not be averaged. '
  'Young months still grow. Filter created_fiscal_year.';
comment on column mart.funnel.created_fiscal_year is
  'Fiscal year of the creation, as FY26. Source: computed from createdDateTime';
comment on column mart.funnel.created_month is
  'Month of the creation, as 2026-03. Source: computed from createdDateTime';
comment on column mart.funnel.created_count is 'Number of referrals created.';
comment on column mart.funnel.accepted_count is 'Number of referrals created that were accepted.';
comment on column mart.funnel.won_count is 'Number of referrals created that are won by now.';
comment on column mart.funnel.lost_count is 'Number of referrals created that are lost by now.';
comment on column mart.funnel.dropped_count is
  'Number of referrals created that are closed, neither won nor lost: declined, expired or '
  'entered by mistake.';
comment on column mart.funnel.registered_count is
  'Number of referrals created that have a deal registration.';
comment on column mart.funnel.approved_count is
  'Number of referrals created that have a deal registration which is approved now; one whose '
  'approval was taken back is not.';
comment on column mart.funnel.ever_approved_count is
  'Number of referrals created that have a deal registration which was approved once, whatever '
  'came later.';
comment on column mart.funnel.median_days_to_accept is
  'Median days from creation to acceptance, of those accepted. Source: computed from '
  'createdDateTime, acceptedDateTime';
comment on column mart.funnel.median_days_to_close is
  'Median days from creation to closing, of those closed. Source: computed from createdDateTime, '
  'closedDateTime';
comment on column mart.funnel.median_days_to_registration is
  'Median days from closing to the first deal registration, of those registered. Source: '
  'computed from closedDateTime, registrations[].registrationDateTime';
comment on column mart.funnel.created_value_amount is
  'Sum of the deal values, in currency_code; referrals without a value add nothing. Source: '
  'computed from details.dealValue';
comment on column mart.funnel.won_value_amount is
  'Sum of the deal values of those won, in currency_code. Source: computed from details.dealValue';
comment on column mart.funnel.currency_code is
  'Currency of the deals and of their amounts. Source: details.currency';
comment on column mart.funnel.deal_count is
  'Deals, each with the row of its primary referral: several referrals of one deal count once.';
comment on column mart.funnel.won_deal_count is
  'Deals that are won by now.';
comment on column mart.funnel.lost_deal_count is
  'Deals that are lost by now.';
comment on column mart.funnel.deal_value_once_amount is
  'Sum of the values of the deals, each once, in currency_code. Source: computed from '
  'details.dealValue';
comment on column mart.funnel.won_value_once_amount is
  'Sum of the values of the deals won, each once, in currency_code. Source: computed from '
  'details.dealValue';
