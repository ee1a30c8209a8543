create or replace view mart.referral with (security_invoker = true) as
select
  fact.partner_account_key,
  account.account_code,
  account.account_name,
  fact.referral_key,
  referral.referral_id,
  referral.engagement_id,
  referral.external_reference_id,
  referral.mpn_id,
  referral.referral_name,
  status.referral_status,
  status.referral_substatus,
  status.stage_label,
  status.stage_sort,
  status.is_open,
  status.is_won,
  status.is_lost,
  status.is_decided,
  referral.status_reason,
  referral.referral_type,
  referral.qualification,
  referral.referral_category,
  referral.deal_type,
  referral.direction,
  referral.referral_source,
  referral.call_to_action,
  referral.registration_status,
  referral.solution_area,
  coalesce(spelling.canonical_value, referral.solution_play) as solution_play,
  referral.partner_role,
  referral.customer_marketplace_intent,
  referral.invited_by_organization_name,
  referral.is_missing,
  customer.customer_match_id,
  customer.customer_name,
  customer.customer_size,
  customer.customer_size_min_employees,
  customer.city,
  customer.state,
  customer.country_code,
  fact.created_date,
  fact.accepted_date,
  fact.expected_close_date,
  fact.expiration_date,
  fact.closed_date,
  fact.registered_date,
  fact.registration_approved_date,
  fact.registration_first_approved_date,
  created.fiscal_year_label as created_fiscal_year,
  created.fiscal_quarter_label as created_fiscal_quarter,
  closed.fiscal_year_label as closed_fiscal_year,
  closed.fiscal_quarter_label as closed_fiscal_quarter,
  fact.days_to_accept,
  fact.days_to_close,
  fact.deal_value_amount,
  fact.currency_code,
  case
    when rate.reporting_units = rate.currency_units then fact.deal_value_amount
    when abs(fact.deal_value_amount) * rate.reporting_units
      < rate.currency_units * 999999999999999.99995
      then div(
        fact.deal_value_amount * rate.reporting_units * 20000
          + sign(fact.deal_value_amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as deal_value_reporting_amount,
  coalesce(
    nullif(referral.engagement_id, '00000000-0000-0000-0000-000000000000'),
    referral.referral_id
  ) as deal_id,
  deal.primary_referral_key is not null as is_deal_primary,
  case when deal.primary_referral_key is not null then 1 else 0 end as deal_count,
  case when deal.primary_referral_key is not null then fact.deal_value_amount end::numeric(19, 4)
    as deal_value_once_amount,
  case
    when deal.primary_referral_key is not null and rate.reporting_units = rate.currency_units
      then fact.deal_value_amount
    when deal.primary_referral_key is not null
      and abs(fact.deal_value_amount) * rate.reporting_units
        < rate.currency_units * 999999999999999.99995
      then div(
        fact.deal_value_amount * rate.reporting_units * 20000
          + sign(fact.deal_value_amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as deal_value_once_reporting_amount,
  referral.organization_id,
  referral.organization_name,
  referral.invited_by_organization_id,
  referral.assistance_request_code,
  referral.sales_stage,
  referral.microsoft_msx_id,
  referral.campaign_id,
  referral.referral_program,
  referral.quality,
  referral.is_spam,
  referral.consent_to_contact,
  referral.consent_to_share_info_with_others,
  referral.consent_to_share_with_microsoft_sellers,
  referral.consent_to_microsoft_contact_specific_partners,
  referral.has_iot_requirements,
  referral.iot_license_agreement_number,
  referral.iot_device_category,
  referral.iot_silicon_type,
  referral.iot_is_azure_certified_device,
  referral.iot_has_attached_services,
  referral.team_member_count,
  referral.customer_contact_count,
  referral.has_microsoft_member,
  customer.postal_code,
  customer.region,
  customer.external_customer_id,
  customer.moodys_id,
  customer.duns_number,
  fact.requested_solution_count,
  fact.requested_offer_count,
  fact.registration_count,
  customer.customer_size_max_employees,
  fact.updated_date as last_changed_date,
  greatest(today.date_day - fact.updated_date, 0) as days_since_change,
  age.days as age_days,
  (
    array[
      '0-30 days', '31-60 days', '61-90 days', '91-180 days', '181-365 days', 'over 365 days'
    ]
  )[age_bucket.sort] as age_bucket,
  age_bucket.sort as age_bucket_sort
from dw.fact_referral fact
cross join lateral (select (now() at time zone 'utc')::date as date_day) today
cross join lateral (
  select greatest(coalesce(fact.closed_date, today.date_day) - fact.created_date, 0) as days
) age
cross join lateral (
  select 1 + width_bucket(age.days, array[31, 61, 91, 181, 366]) as sort
) age_bucket
left join dw.dim_status status on status.status_key = fact.status_key
left join dw.dim_referral referral
  on referral.referral_key = fact.referral_key
  and referral.partner_account_key = fact.partner_account_key
left join (
  select
    value.enum_value,
    min(value.canonical_value) as canonical_value
  from mart.documented_value value
  where value.enum_name = 'SolutionPlay' and value.canonical_value <> value.enum_value
  group by value.enum_value
) spelling on spelling.enum_value = referral.solution_play
left join dw.dim_engagement deal
  on deal.primary_referral_key = fact.referral_key
  and deal.partner_account_key = fact.partner_account_key
left join dw.dim_customer customer
  on customer.customer_key = fact.customer_key
  and customer.partner_account_key = fact.partner_account_key
left join dw.dim_partner_account account on account.partner_account_key = fact.partner_account_key
left join dw.dim_date created on created.date_day = fact.created_date
left join dw.dim_date closed on closed.date_day = fact.closed_date
left join dw.fx_rate rate
  on rate.currency_code = fact.currency_code
  and rate.rate_date = least(
    coalesce(fact.closed_date, fact.expected_close_date, (now() at time zone 'utc')::date),
    (now() at time zone 'utc')::date
  )
where not exists (
  select
  from dw.dim_referral gone
  where gone.referral_key = fact.referral_key
    and gone.partner_account_key = fact.partner_account_key
    and gone.is_missing
    and gone.referral_status in ('New', 'Active')
);

comment on view mart.referral is
  'One row per referral, everything about it in one flat row: the table for spreadsheets. Answers: '
  'what is the open value by stage and country? Filter is_open for the pipeline, is_won for won '
  'business. Sum deal_value_once_amount and deal_count to count a deal once: its parties have a '
  'referral each. Open referrals that the source no longer shows are left out.';
comment on column mart.referral.solution_play is
  'Solution play in the documented spelling, that of mart.documented_value; (Not provided) '
  'without one, (Multiple) when there are several. Source: '
  'details.requirements.additionalRequirements.attributes[].id, solutionPlay, '
  'details.solutionPlay, details.requirements.solutionPlay, details.requirements.solutions[].name';
comment on column mart.referral.created_fiscal_year is
  'Fiscal year of the creation, as FY26. Source: computed from createdDateTime';
comment on column mart.referral.created_fiscal_quarter is
  'Fiscal quarter of the creation, as FY26 Q3. Source: computed from createdDateTime';
comment on column mart.referral.closed_fiscal_year is
  'Fiscal year of the closing, as FY26; null while open. Source: computed from closedDateTime';
comment on column mart.referral.closed_fiscal_quarter is
  'Fiscal quarter of the closing, as FY26 Q3; null while open. Source: computed from '
  'closedDateTime';
comment on column mart.referral.deal_value_reporting_amount is
  'Value of the deal in the reporting currency, at the rate of the closing day, while open of '
  'the expected one, at the latest of today. Null where there is no rate for it. Source: '
  'computed from details.dealValue';
comment on column mart.referral.deal_id is
  'Id of the deal: that of the engagement; that of the referral where it belongs to none and is '
  'a deal of its own. Source: engagementId, id';
comment on column mart.referral.is_deal_primary is
  'The stage and the value of the referral are those of its deal; of the referrals of one deal '
  'exactly one has it. Filter by it to list deals instead of referrals.';
comment on column mart.referral.deal_count is
  '1 for the primary referral of a deal, 0 for its others: the sum is the number of deals.';
comment on column mart.referral.deal_value_once_amount is
  'Value of the deal on its primary referral, in currency_code; null for the others of the deal: '
  'the sum has each deal once. Source: computed from details.dealValue';
comment on column mart.referral.deal_value_once_reporting_amount is
  'Value of the deal on its primary referral, in the reporting currency, at the rate of the '
  'closing day, while open of the expected one, at the latest of today; the sum has each deal '
  'once. Null where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.referral.last_changed_date is
  'Day on which the source changed the referral last, by UTC. Source: computed from updatedDateTime';
comment on column mart.referral.days_since_change is
  'Days from last_changed_date to today, by UTC. Source: computed from updatedDateTime';
comment on column mart.referral.age_days is
  'Days from the creation to today, of a closed referral to its closing; at least 0. Source: '
  'computed from createdDateTime, closedDateTime';
comment on column mart.referral.age_bucket is
  'Range of age_days, from 0-30 days to over 365 days. Source: computed from createdDateTime, '
  'closedDateTime';
comment on column mart.referral.age_bucket_sort is 'Order of age_bucket.';
