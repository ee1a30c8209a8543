create or replace view mart.acv_by_fiscal_quarter with (security_invoker = true) as
select
  q.partner_account_key,
  q.fiscal_year_label as fiscal_year,
  q.fiscal_quarter_label as fiscal_quarter,
  q.currency_code,
  coalesce(sum(q.booked_acv_amount), 0)::numeric(38, 4) as booked_acv_amount,
  coalesce(sum(q.booked_incentive_acv_amount), 0)::numeric(38, 4) as booked_incentive_acv_amount,
  coalesce(sum(q.in_force_acv_amount), 0)::numeric(38, 4) as in_force_acv_amount
from (
  select
    l.partner_account_key,
    d.fiscal_year_label,
    d.fiscal_quarter_label,
    l.currency_code,
    l.solution_acv_amount as booked_acv_amount,
    case when l.is_incentive_eligible then l.solution_acv_amount end as booked_incentive_acv_amount,
    null::numeric as in_force_acv_amount
  from dw.fact_registration_solution l
  join dw.dim_date d on d.date_day = l.contract_sign_date
  where l.solution_acv_amount is not null
  union all
  select
    l.partner_account_key,
    d.fiscal_year_label,
    d.fiscal_quarter_label,
    l.currency_code,
    null,
    null,
    l.solution_acv_amount
  from dw.fact_registration_solution l
  join dw.fact_registration g
    on g.referral_key = l.referral_key
    and g.registration_no = l.registration_no
    and g.partner_account_key = l.partner_account_key
  join dw.dim_date d
    on d.is_fiscal_quarter_end
    and d.date_day >= g.contract_start_date
    and d.date_day < g.contract_end_exclusive_date
  where l.solution_acv_amount is not null
) q
group by
  q.partner_account_key,
  q.fiscal_year_label,
  q.fiscal_quarter_label,
  q.currency_code;

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
