create or replace view mart.pipeline_as_of with (security_invoker = true) as
select
  day.date_day as snapshot_date,
  day.fiscal_year_label as snapshot_fiscal_year,
  day.fiscal_quarter_label as snapshot_fiscal_quarter,
  day.is_month_end,
  history.partner_account_key,
  history.referral_key,
  referral.referral_id,
  referral.solution_area,
  coalesce(spelling.canonical_value, referral.solution_play) as solution_play,
  referral.deal_type,
  status.referral_status,
  status.referral_substatus,
  status.stage_label,
  status.stage_sort,
  status.is_open,
  status.is_won,
  history.registration_status,
  history.deal_value_amount,
  history.currency_code,
  case
    when rate.reporting_units = rate.currency_units then history.deal_value_amount
    when abs(history.deal_value_amount) * rate.reporting_units
      < rate.currency_units * 999999999999999.99995
      then div(
        history.deal_value_amount * rate.reporting_units * 20000
          + sign(history.deal_value_amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as deal_value_reporting_amount,
  history.expected_close_date,
  history.is_estimated,
  day.date_day - history.valid_from_date as days_in_state,
  deal.primary_referral_key is not null as is_deal_primary,
  case when deal.primary_referral_key is not null then 1 else 0 end as deal_count,
  case when deal.primary_referral_key is not null then history.deal_value_amount end::numeric(19, 4)
    as deal_value_once_amount,
  case
    when deal.primary_referral_key is not null and rate.reporting_units = rate.currency_units
      then history.deal_value_amount
    when deal.primary_referral_key is not null
      and abs(history.deal_value_amount) * rate.reporting_units
        < rate.currency_units * 999999999999999.99995
      then div(
        history.deal_value_amount * rate.reporting_units * 20000
          + sign(history.deal_value_amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as deal_value_once_reporting_amount,
  customer.customer_match_id,
  customer.customer_name,
  customer.country_code,
  referral.referral_category,
  referral.direction,
  history.registered_acv_amount,
  history.registered_acv_currency_code,
  case
    when acv_rate.reporting_units = acv_rate.currency_units then history.registered_acv_amount
    when abs(history.registered_acv_amount) * acv_rate.reporting_units
      < acv_rate.currency_units * 999999999999999.99995
      then div(
        history.registered_acv_amount * acv_rate.reporting_units * 20000
          + sign(history.registered_acv_amount) * acv_rate.currency_units,
        2 * acv_rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as registered_acv_reporting_amount,
  status.is_lost,
  status.is_decided,
  history.expiration_date
from dw.dim_date day
join dw.fact_referral_history history
  on coalesce(history.valid_to_date, 'infinity') > day.date_day
  and history.valid_from_date <= day.date_day
join dw.dim_status status on status.status_key = history.status_key
left join dw.dim_referral referral
  on referral.referral_key = history.referral_key
  and referral.partner_account_key = history.partner_account_key
left join (
  select
    value.enum_value,
    min(value.canonical_value) as canonical_value
  from mart.documented_value value
  where value.enum_name = 'SolutionPlay' and value.canonical_value <> value.enum_value
  group by value.enum_value
) spelling on spelling.enum_value = referral.solution_play
left join dw.fact_engagement_history deal
  on deal.primary_referral_key = history.referral_key
  and deal.partner_account_key = history.partner_account_key
  and deal.valid_from_date <= day.date_day
  and coalesce(deal.valid_to_date, 'infinity') > day.date_day
left join dw.dim_customer customer
  on customer.customer_key = history.customer_key
  and customer.partner_account_key = history.partner_account_key
left join dw.fx_rate rate
  on rate.currency_code = history.currency_code and rate.rate_date = day.date_day
left join dw.fx_rate acv_rate
  on acv_rate.currency_code = history.registered_acv_currency_code
  and acv_rate.rate_date = day.date_day
where day.date_day <= (now() at time zone 'utc')::date
  and not (history.is_missing and status.is_open);

comment on view mart.pipeline_as_of is
  'One row per day and referral: the state in which it ended the day. Answers: what was the '
  'pipeline on 30 June by stage, against today? Always filter snapshot_date to one day, and is_open '
  'for the pipeline; days never add up. Sum deal_value_once_amount and deal_count to count a deal '
  'once. Open referrals that the source no longer showed on the day '
  'are left out.';
comment on column mart.pipeline_as_of.snapshot_date is 'The day, up to today; always filter by it.';
comment on column mart.pipeline_as_of.snapshot_fiscal_year is
  'Fiscal year of snapshot_date, as FY26.';
comment on column mart.pipeline_as_of.snapshot_fiscal_quarter is
  'Fiscal quarter of snapshot_date, as FY26 Q3.';
comment on column mart.pipeline_as_of.is_month_end is 'The day is the last of its month.';
comment on column mart.pipeline_as_of.solution_area is
  'Solution area as it is now, not as on the day; (Multiple) when there are several. Source: '
  'details.requirements.additionalRequirements.attributes[].id, solutionArea, '
  'details.solutionArea, details.requirements.solutionArea, details.requirements.solutions[].name';
comment on column mart.pipeline_as_of.solution_play is
  'Solution play as it is now, not as on the day, in the documented spelling, that of '
  'mart.documented_value; (Multiple) when there are several. Source: '
  'details.requirements.additionalRequirements.attributes[].id, solutionPlay, '
  'details.solutionPlay, details.requirements.solutionPlay, details.requirements.solutions[].name';
comment on column mart.pipeline_as_of.deal_type is
  'Who sees the deal: Private, Partner-led, Co-sell or Unknown, as it is now, not as on the day. '
  'Source: computed from type, consent.consentToShareReferralWithMicrosoftSellers';
comment on column mart.pipeline_as_of.deal_value_reporting_amount is
  'Value of the deal in the reporting currency, at the rate of snapshot_date. Null where there '
  'is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_as_of.days_in_state is
  'Days from the beginning of the version that held on the day to snapshot_date. Any tracked '
  'change, also of the value, begins a version; mart.status_transition has the stages alone.';
comment on column mart.pipeline_as_of.is_deal_primary is
  'The stage and the value of the referral are those of its deal on the day; of the referrals of one deal '
  'exactly one has it. Filter by it to list deals instead of referrals.';
comment on column mart.pipeline_as_of.deal_count is
  '1 for the primary referral of a deal, 0 for its others: the sum is the number of deals.';
comment on column mart.pipeline_as_of.deal_value_once_amount is
  'Value of the deal on its primary referral, in currency_code; null for the others of the deal: '
  'the sum has each deal once. Source: computed from details.dealValue';
comment on column mart.pipeline_as_of.deal_value_once_reporting_amount is
  'Value of the deal on its primary referral, in the reporting currency at the rate of '
  'snapshot_date; the sum has each deal once. Null where there is no rate for it. Source: '
  'computed from details.dealValue';
comment on column mart.pipeline_as_of.customer_match_id is
  'Label of the customer as it was on the day; profiles of one customer share it. Source: '
  'computed from customerProfile.ids[].moodys, customerProfile.ids[].external, '
  'customerProfile.ids[].duns, customerProfile.ids[].id, customerProfile.ids[].profileType, '
  'customerProfile.name, customerProfile.address.country';
comment on column mart.pipeline_as_of.customer_name is
  'Name of the customer as it was on the day. Source: customerProfile.name';
comment on column mart.pipeline_as_of.country_code is
  'Country of the customer as it was on the day: ISO 3166-1 alpha-2. Source: '
  'customerProfile.address.country';
comment on column mart.pipeline_as_of.referral_category is
  'What the referral is: Marketplace lead, Qualified lead, Co-sell opportunity or Other, as it '
  'is now, not as on the day. Source: computed from type, qualification, '
  'inviteContext.invitedBy.organizationId';
comment on column mart.pipeline_as_of.direction is
  'Way the referral went, as sent, as it is now, not as on the day. Source: direction';
comment on column mart.pipeline_as_of.registered_acv_amount is
  'Annual contract value of the registrations of the referral on the day, in '
  'registered_acv_currency_code, whatever registration_status. Each registration is on one '
  'referral, so it adds up over referrals. Source: computed from registrations[].contract.value';
comment on column mart.pipeline_as_of.registered_acv_reporting_amount is
  'Annual contract value of the registrations of the referral on the day, in the reporting '
  'currency at the rate of snapshot_date. Null where there is no rate for it. Source: computed '
  'from registrations[].contract.value';
