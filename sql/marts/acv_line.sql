create or replace view mart.acv_line with (security_invoker = true) as
select
  line.partner_account_key,
  line.referral_key,
  referral.referral_id,
  line.registration_no,
  line.line_no,
  registration.registration_id,
  registration.registration_status,
  registration.contract_term,
  registration.is_perpetual,
  registration.acv_status,
  referral.is_missing,
  customer.customer_name,
  customer.country_code,
  solution.solution_id,
  solution.solution_name,
  solution.publisher_name,
  solution.solution_type,
  referral.solution_area,
  coalesce(spelling.canonical_value, referral.solution_play) as solution_play,
  line.contract_sign_date,
  signed.fiscal_year_label as sign_fiscal_year,
  signed.fiscal_quarter_label as sign_fiscal_quarter,
  registration.contract_start_date,
  registration.contract_end_exclusive_date,
  registration.term_months,
  line.currency_code,
  line.solution_value_amount,
  line.solution_acv_amount,
  line.solution_annualized_amount,
  line.contract_currency_code,
  line.allocated_contract_value_amount,
  line.allocated_contract_acv_amount,
  case
    when rate.reporting_units = rate.currency_units then line.solution_acv_amount
    when abs(line.solution_acv_amount) * rate.reporting_units
      < rate.currency_units * 999999999999999.99995
      then div(
        line.solution_acv_amount * rate.reporting_units * 20000
          + sign(line.solution_acv_amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as solution_acv_reporting_amount,
  case
    when contract_rate.reporting_units = contract_rate.currency_units
      then line.allocated_contract_acv_amount
    when abs(line.allocated_contract_acv_amount) * contract_rate.reporting_units
      < contract_rate.currency_units * 999999999999999.99995
      then div(
        line.allocated_contract_acv_amount * contract_rate.reporting_units * 20000
          + sign(line.allocated_contract_acv_amount) * contract_rate.currency_units,
        2 * contract_rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as contract_acv_reporting_amount,
  line.is_deployed_on_azure,
  line.primary_deployment_on,
  line.pricing_model,
  line.is_pay_as_you_go,
  line.is_marketplace_transacted,
  line.marketplace_transaction_date,
  referral.customer_marketplace_intent,
  line.is_incentive_eligible,
  line.incentive_count,
  line.incentives,
  coalesce(registration.registration_status in ('Approved', 'Passed'), false) as is_approved,
  case when line.line_no = 0 then line.allocated_contract_acv_amount
    else line.solution_acv_amount
  end as acv_amount,
  line.registration_key,
  line.registration_line_key
from dw.fact_registration_solution line
left join dw.fact_registration registration
  on registration.referral_key = line.referral_key
  and registration.registration_no = line.registration_no
  and registration.partner_account_key = line.partner_account_key
left join dw.dim_referral referral
  on referral.referral_key = line.referral_key
  and referral.partner_account_key = line.partner_account_key
left join (
  select
    value.enum_value,
    min(value.canonical_value) as canonical_value
  from mart.documented_value value
  where value.enum_name = 'SolutionPlay' and value.canonical_value <> value.enum_value
  group by value.enum_value
) spelling on spelling.enum_value = referral.solution_play
left join dw.dim_customer customer
  on customer.customer_key = line.customer_key
  and customer.partner_account_key = line.partner_account_key
left join dw.dim_solution solution
  on solution.solution_key = line.solution_key
  and solution.partner_account_key = line.partner_account_key
left join dw.dim_date signed on signed.date_day = line.contract_sign_date
left join dw.fx_rate rate
  on rate.currency_code = line.currency_code
  and rate.rate_date = least(
    coalesce(
      line.contract_sign_date,
      line.contract_start_date,
      line.registered_date
    ),
    (now() at time zone 'utc')::date
  )
left join dw.fx_rate contract_rate
  on contract_rate.currency_code = line.contract_currency_code
  and contract_rate.rate_date = least(
    coalesce(
      line.contract_sign_date,
      line.contract_start_date,
      line.registered_date
    ),
    (now() at time zone 'utc')::date
  );

comment on view mart.acv_line is
  'One row per solution line of a deal registration. Answers: what is the annual contract value by '
  'solution, publisher and country, how much of it earns incentives, how much went through the '
  'marketplace? Filter sign_fiscal_year, and registration_status for approved ones. A registration '
  'without lines has one row, number 0. Contracts stay when the source no longer shows the '
  'referral.';
comment on column mart.acv_line.solution_play is
  'Solution play in the documented spelling, that of mart.documented_value; (Not provided) '
  'without one, (Multiple) when there are several. Source: '
  'details.requirements.additionalRequirements.attributes[].id, solutionPlay, '
  'details.solutionPlay, details.requirements.solutionPlay, details.requirements.solutions[].name';
comment on column mart.acv_line.contract_sign_date is
  'Day on which the contract was signed. Source: computed from '
  'registrations[].contract.signDateTime';
comment on column mart.acv_line.sign_fiscal_year is
  'Fiscal year in which the contract was signed, as FY26; null without a day of signing. Source: '
  'computed from registrations[].contract.signDateTime';
comment on column mart.acv_line.sign_fiscal_quarter is
  'Fiscal quarter in which the contract was signed, as FY26 Q3; null without a day of signing. '
  'Source: computed from registrations[].contract.signDateTime';
comment on column mart.acv_line.contract_start_date is
  'First day of the contract. Source: computed from registrations[].contract.startDateTime';
comment on column mart.acv_line.solution_acv_reporting_amount is
  'Annual contract value of the line in the reporting currency, at the rate of the day of '
  'signing, else of the start, else of the registration, at the latest of today; past days never '
  'restate. Null where there is no rate for it. Source: computed from '
  'registrations[].solutionDetails[].value';
comment on column mart.acv_line.contract_acv_reporting_amount is
  'Share of the line in the annual contract value of the contract, in the reporting currency, at '
  'the rate of the same day. Null where there is no rate for it. Source: computed from '
  'registrations[].contract.value';
comment on column mart.acv_line.is_approved is
  'The registration is approved by rule or passed by a reviewer, which is what Microsoft''s '
  'Insights counts. Source: computed from registrations[].status';
comment on column mart.acv_line.acv_amount is
  'Annual contract value of the line, in currency_code; for a contract without solution lines '
  'its contract ACV, so that it is in the sum. Source: computed from '
  'registrations[].solutionDetails[].value, registrations[].contract.value';
