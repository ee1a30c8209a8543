create or replace view mart.acv_schedule with (security_invoker = true) as
select
  schedule.partner_account_key,
  schedule.referral_key,
  schedule.registration_no,
  schedule.line_no,
  schedule.contract_year_no,
  schedule.period_start_date,
  schedule.period_end_date,
  schedule.period_months,
  day.fiscal_year_label as period_start_fiscal_year,
  day.fiscal_quarter_label as period_start_fiscal_quarter,
  schedule.currency_code,
  schedule.scheduled_solution_amount,
  schedule.contract_currency_code,
  schedule.scheduled_contract_amount,
  case
    when rate.reporting_units = rate.currency_units then schedule.scheduled_solution_amount
    when abs(schedule.scheduled_solution_amount) * rate.reporting_units
      < rate.currency_units * 999999999999999.99995
      then div(
        schedule.scheduled_solution_amount * rate.reporting_units * 20000
          + sign(schedule.scheduled_solution_amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as scheduled_solution_reporting_amount,
  case
    when contract_rate.reporting_units = contract_rate.currency_units
      then schedule.scheduled_contract_amount
    when abs(schedule.scheduled_contract_amount) * contract_rate.reporting_units
      < contract_rate.currency_units * 999999999999999.99995
      then div(
        schedule.scheduled_contract_amount * contract_rate.reporting_units * 20000
          + sign(schedule.scheduled_contract_amount) * contract_rate.currency_units,
        2 * contract_rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as scheduled_contract_reporting_amount,
  solution.solution_name,
  solution.publisher_name,
  customer.customer_name,
  customer.country_code,
  schedule.is_incentive_eligible,
  schedule.is_marketplace_transacted,
  schedule.registration_key,
  schedule.registration_line_key
from dw.fact_acv_schedule schedule
left join dw.fact_registration_solution line
  on line.referral_key = schedule.referral_key
  and line.registration_no = schedule.registration_no
  and line.line_no = schedule.line_no
  and line.partner_account_key = schedule.partner_account_key
left join dw.dim_solution solution
  on solution.solution_key = schedule.solution_key
  and solution.partner_account_key = schedule.partner_account_key
left join dw.dim_customer customer
  on customer.customer_key = schedule.customer_key
  and customer.partner_account_key = schedule.partner_account_key
left join dw.dim_date day on day.date_day = schedule.period_start_date
left join dw.fx_rate rate
  on rate.currency_code = schedule.currency_code
  and rate.rate_date = least(
    coalesce(
      line.contract_sign_date,
      line.contract_start_date,
      line.registered_date
    ),
    (now() at time zone 'utc')::date
  )
left join dw.fx_rate contract_rate
  on contract_rate.currency_code = schedule.contract_currency_code
  and contract_rate.rate_date = least(
    coalesce(
      line.contract_sign_date,
      line.contract_start_date,
      line.registered_date
    ),
    (now() at time zone 'utc')::date
  );

comment on view mart.acv_schedule is
  'One row per contract year of a registration line. Answers: what falls due in each contract year? '
  'Filter period_start_fiscal_year; the years of a line add up exactly to its values. Year 0 holds '
  'what cannot be placed in time.';
comment on column mart.acv_schedule.period_start_fiscal_year is
  'Fiscal year in which the contract year begins, as FY26; null in year 0. Source: computed from '
  'registrations[].contract.startDateTime';
comment on column mart.acv_schedule.period_start_fiscal_quarter is
  'Fiscal quarter in which the contract year begins, as FY26 Q3; null in year 0. Source: '
  'computed from registrations[].contract.startDateTime';
comment on column mart.acv_schedule.scheduled_solution_reporting_amount is
  'Part of the value of the line that falls into the contract year, in the reporting currency, '
  'at the rate of the day of signing, else of the start, else of the registration, at the latest '
  'of today. Null where there is no rate for it. Source: computed from '
  'registrations[].solutionDetails[].value';
comment on column mart.acv_schedule.scheduled_contract_reporting_amount is
  'Part of the contract value, allocated to the line, that falls into the contract year, in the '
  'reporting currency, at the rate of the same day. Null where there is no rate for it. Source: '
  'computed from registrations[].contract.value';
comment on column mart.acv_schedule.is_incentive_eligible is
  'The line has an incentive. Source: computed from registrations[].solutionDetails[].incentives';
comment on column mart.acv_schedule.is_marketplace_transacted is
  'The line was bought on the marketplace; null when not stated. Source: '
  'registrations[].solutionDetails[].marketplaceTransactionDetails.isMarketplaceTransacted';
