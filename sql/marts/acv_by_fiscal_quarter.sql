create or replace view mart.acv_by_fiscal_quarter with (security_invoker = true) as
select
  entry.partner_account_key,
  entry.fiscal_year_label as fiscal_year,
  entry.fiscal_quarter_label as fiscal_quarter,
  entry.currency_code,
  coalesce(sum(entry.booked_acv_amount), 0)::numeric(38, 4) as booked_acv_amount,
  coalesce(sum(entry.booked_incentive_acv_amount), 0)::numeric(38, 4)
    as booked_incentive_acv_amount,
  coalesce(sum(entry.in_force_acv_amount), 0)::numeric(38, 4) as in_force_acv_amount
from (
  select
    line.partner_account_key,
    day.fiscal_year_label,
    day.fiscal_quarter_label,
    line.currency_code,
    line.solution_acv_amount as booked_acv_amount,
    case when line.is_incentive_eligible then line.solution_acv_amount end
      as booked_incentive_acv_amount,
    null::numeric as in_force_acv_amount
  from dw.fact_registration_solution line
  join dw.dim_date day on day.date_day = line.contract_sign_date
  where line.solution_acv_amount is not null
  union all
  select
    line.partner_account_key,
    day.fiscal_year_label,
    day.fiscal_quarter_label,
    line.currency_code,
    null,
    null,
    line.solution_acv_amount
  from dw.fact_registration_solution line
  join dw.fact_registration registration
    on registration.referral_key = line.referral_key
    and registration.registration_no = line.registration_no
    and registration.partner_account_key = line.partner_account_key
  join dw.dim_date day
    on day.is_fiscal_quarter_end
    and day.date_day >= registration.contract_start_date
    and day.date_day < registration.contract_end_exclusive_date
  where line.solution_acv_amount is not null
) entry
group by
  entry.partner_account_key,
  entry.fiscal_year_label,
  entry.fiscal_quarter_label,
  entry.currency_code;

comment on view mart.acv_by_fiscal_quarter is
  'One row per account, fiscal quarter and currency. Answers: how much annual contract value was '
  'booked in the quarter, and how much was in force at its end? Bookings of quarters add up; what '
  'is in force does not. Filter fiscal_year; quarters to come show what is in force already.';
comment on column mart.acv_by_fiscal_quarter.fiscal_year is 'Fiscal year, as FY26.';
comment on column mart.acv_by_fiscal_quarter.fiscal_quarter is 'Fiscal quarter, as FY26 Q3.';
comment on column mart.acv_by_fiscal_quarter.currency_code is
  'Currency of the lines and of the amounts.';
comment on column mart.acv_by_fiscal_quarter.booked_acv_amount is
  'Solution ACV of the contracts signed in the quarter, in currency_code.';
comment on column mart.acv_by_fiscal_quarter.booked_incentive_acv_amount is
  'Part of booked_acv_amount on lines that earn an incentive, in currency_code.';
comment on column mart.acv_by_fiscal_quarter.in_force_acv_amount is
  'Solution ACV of the contracts that run on the last day of the quarter, in currency_code.';
