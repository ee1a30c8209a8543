create or replace view mart.acv_by_fiscal_quarter with (security_invoker = true) as
-- Not materialized, so that a filter on the account reaches the tables.
with amount as not materialized (
  select
    line.partner_account_key,
    line.currency_code,
    registration.registration_status,
    line.is_incentive_eligible,
    case when line.line_no = 0 then line.allocated_contract_acv_amount
      else line.solution_acv_amount
    end as acv_amount,
    null::numeric as contract_acv_amount,
    registration.contract_sign_date,
    registration.contract_start_date,
    registration.contract_end_exclusive_date
  from dw.fact_registration_solution line
  join dw.fact_registration registration
    on registration.referral_key = line.referral_key
    and registration.registration_no = line.registration_no
    and registration.partner_account_key = line.partner_account_key
  where coalesce(line.solution_acv_amount, line.allocated_contract_acv_amount) is not null
  union all
  select
    contract.partner_account_key,
    contract.currency_code,
    contract.registration_status,
    false,
    null,
    contract.contract_acv_amount,
    contract.contract_sign_date,
    contract.contract_start_date,
    contract.contract_end_exclusive_date
  from dw.fact_registration contract
  where contract.contract_acv_amount is not null
)
select
  entry.partner_account_key,
  entry.fiscal_year_label as fiscal_year,
  entry.fiscal_quarter_label as fiscal_quarter,
  entry.currency_code,
  coalesce(sum(entry.booked_acv_amount), 0)::numeric(28, 4) as booked_acv_amount,
  coalesce(sum(entry.booked_acv_amount) filter (where entry.is_incentive_eligible), 0)
    ::numeric(28, 4) as booked_incentive_acv_amount,
  coalesce(sum(entry.in_force_acv_amount), 0)::numeric(28, 4) as in_force_acv_amount,
  entry.registration_status,
  entry.registration_status in ('Approved', 'Passed') as is_approved,
  coalesce(sum(entry.booked_acv_amount) filter (where entry.is_approved), 0)::numeric(28, 4)
    as approved_booked_acv_amount,
  coalesce(
    sum(entry.booked_acv_amount) filter (where entry.is_approved and entry.is_incentive_eligible),
    0
  )::numeric(28, 4) as approved_booked_incentive_acv_amount,
  coalesce(sum(entry.in_force_acv_amount) filter (where entry.is_approved), 0)::numeric(28, 4)
    as approved_in_force_acv_amount,
  coalesce(sum(entry.booked_contract_acv_amount), 0)::numeric(28, 4)
    as booked_contract_acv_amount,
  coalesce(sum(entry.booked_contract_acv_amount) filter (where entry.is_approved), 0)
    ::numeric(28, 4) as approved_booked_contract_acv_amount,
  coalesce(sum(entry.in_force_contract_acv_amount), 0)::numeric(28, 4)
    as in_force_contract_acv_amount,
  coalesce(sum(entry.in_force_contract_acv_amount) filter (where entry.is_approved), 0)
    ::numeric(28, 4) as approved_in_force_contract_acv_amount
from (
  select
    amount.partner_account_key,
    day.fiscal_year_label,
    day.fiscal_quarter_label,
    amount.currency_code,
    amount.registration_status,
    amount.registration_status in ('Approved', 'Passed') as is_approved,
    amount.is_incentive_eligible,
    amount.acv_amount as booked_acv_amount,
    null::numeric as in_force_acv_amount,
    amount.contract_acv_amount as booked_contract_acv_amount,
    null::numeric as in_force_contract_acv_amount
  from amount
  join dw.dim_date day on day.date_day = amount.contract_sign_date
  union all
  select
    amount.partner_account_key,
    day.fiscal_year_label,
    day.fiscal_quarter_label,
    amount.currency_code,
    amount.registration_status,
    amount.registration_status in ('Approved', 'Passed'),
    amount.is_incentive_eligible,
    null,
    amount.acv_amount,
    null,
    amount.contract_acv_amount
  from amount
  join dw.dim_date day
    on day.is_fiscal_quarter_end
    and day.date_day >= amount.contract_start_date
    and day.date_day < amount.contract_end_exclusive_date
) entry
group by
  entry.partner_account_key,
  entry.fiscal_year_label,
  entry.fiscal_quarter_label,
  entry.currency_code,
  entry.registration_status;

comment on view mart.acv_by_fiscal_quarter is
  'One row per account, fiscal quarter, currency and registration status. Answers: how much annual '
  'contract value was booked in the quarter, how much was in force at its end, and how much of '
  'it is '
  'approved? Bookings of quarters add up; what is in force does not. Filter fiscal_year, and '
  'is_approved or the approved amounts for what Microsoft counts; without it, refused and waiting '
  'registrations are in the sum. Quarters to come show what is in force already.';
comment on column mart.acv_by_fiscal_quarter.fiscal_year is 'Fiscal year, as FY26.';
comment on column mart.acv_by_fiscal_quarter.fiscal_quarter is 'Fiscal quarter, as FY26 Q3.';
comment on column mart.acv_by_fiscal_quarter.currency_code is
  'Currency of the lines or contracts and of the amounts. Source: '
  'registrations[].solutionDetails[].currency, registrations[].contract.currency';
comment on column mart.acv_by_fiscal_quarter.booked_acv_amount is
  'Solution ACV of the contracts signed in the quarter, in currency_code; the contract ACV of a '
  'contract without solution lines. Source: computed from '
  'registrations[].solutionDetails[].value, registrations[].contract.value';
comment on column mart.acv_by_fiscal_quarter.booked_incentive_acv_amount is
  'Part of booked_acv_amount on lines that earn an incentive, in currency_code. Source: computed '
  'from registrations[].solutionDetails[].value';
comment on column mart.acv_by_fiscal_quarter.in_force_acv_amount is
  'Solution ACV of the contracts that run on the last day of the quarter, in currency_code; the '
  'contract ACV of a contract without solution lines. Source: computed from '
  'registrations[].solutionDetails[].value, registrations[].contract.value';
comment on column mart.acv_by_fiscal_quarter.is_approved is
  'The registrations are approved by rule or passed by a reviewer, which is what Microsoft''s '
  'Insights counts. Source: computed from registrations[].status';
comment on column mart.acv_by_fiscal_quarter.approved_booked_acv_amount is
  'Part of booked_acv_amount on approved and passed registrations, in currency_code. Source: '
  'computed from registrations[].solutionDetails[].value, registrations[].contract.value';
comment on column mart.acv_by_fiscal_quarter.approved_booked_incentive_acv_amount is
  'Part of booked_incentive_acv_amount on approved and passed registrations, in currency_code. '
  'Source: computed from registrations[].solutionDetails[].value';
comment on column mart.acv_by_fiscal_quarter.approved_in_force_acv_amount is
  'Part of in_force_acv_amount on approved and passed registrations, in currency_code. Source: '
  'computed from registrations[].solutionDetails[].value, registrations[].contract.value';
comment on column mart.acv_by_fiscal_quarter.booked_contract_acv_amount is
  'Contract ACV of the contracts signed in the quarter, one-off fees included, in currency_code. '
  'Source: computed from registrations[].contract.value';
comment on column mart.acv_by_fiscal_quarter.approved_booked_contract_acv_amount is
  'Part of booked_contract_acv_amount on approved and passed registrations, in currency_code. '
  'Source: computed from registrations[].contract.value';
comment on column mart.acv_by_fiscal_quarter.in_force_contract_acv_amount is
  'Contract ACV of the contracts that run on the last day of the quarter, in currency_code. '
  'Source: computed from registrations[].contract.value';
comment on column mart.acv_by_fiscal_quarter.approved_in_force_contract_acv_amount is
  'Part of in_force_contract_acv_amount on approved and passed registrations, in currency_code. '
  'Source: computed from registrations[].contract.value';
