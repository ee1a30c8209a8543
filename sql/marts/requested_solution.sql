create or replace view mart.requested_solution with (security_invoker = true) as
select
  line.partner_account_key,
  line.referral_key,
  referral.referral_id,
  referral.referral_name,
  line.line_no,
  solution.item_kind,
  solution.solution_id,
  solution.solution_name,
  solution.match_type,
  solution.solution_type,
  solution.publisher_name,
  referral.referral_category,
  referral.deal_type,
  referral.stage_label,
  referral.stage_sort,
  referral.is_open,
  referral.is_won,
  referral.customer_name,
  referral.country_code,
  referral.created_date,
  referral.created_fiscal_year,
  referral.expected_close_date,
  referral.closed_date,
  referral.closed_fiscal_year,
  line.price_text,
  line.price_amount,
  line.quantity,
  line.line_amount,
  line.currency_code,
  case
    when rate.reporting_units = rate.currency_units then line.line_amount
    when abs(line.line_amount) * rate.reporting_units
      < rate.currency_units * 999999999999999.99995
      then div(
        line.line_amount * rate.reporting_units * 20000
          + sign(line.line_amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001
  end::numeric(19, 4) as line_reporting_amount,
  line.weight,
  referral.currency_code as deal_currency_code,
  line.allocated_deal_value_amount,
  referral.deal_id,
  referral.is_deal_primary,
  case when referral.is_deal_primary then line.line_amount end::numeric(19, 4) as line_once_amount
from dw.fact_referral_solution line
join mart.referral referral
  on referral.referral_key = line.referral_key
  and referral.partner_account_key = line.partner_account_key
left join dw.dim_solution solution
  on solution.solution_key = line.solution_key
  and solution.partner_account_key = line.partner_account_key
left join dw.fx_rate rate
  on rate.currency_code = line.currency_code
  and rate.rate_date = least(
    coalesce(referral.closed_date, referral.expected_close_date, (now() at time zone 'utc')::date),
    (now() at time zone 'utc')::date
  );

comment on view mart.requested_solution is
  'One row per solution or offer that a referral asks for. Answers: which solutions do customers '
  'ask for, how many of them and at what price, in open and in won deals? Filter is_open or '
  'created_fiscal_year, and is_deal_primary for the request of each deal once. Offers have neither '
  'price nor quantity. What was sold of it is in mart.asked_and_sold.';
comment on column mart.requested_solution.solution_name is
  'Name of the solution or offer, as the latest referral gives it. Source: '
  'details.requirements.solutions[].name, details.requirements.offers[].name, '
  'registrations[].solutionDetails[].name';
comment on column mart.requested_solution.created_fiscal_year is
  'Fiscal year of the creation, as FY26. Source: computed from createdDateTime';
comment on column mart.requested_solution.closed_fiscal_year is
  'Fiscal year of the closing, as FY26; null while open. Source: computed from closedDateTime';
comment on column mart.requested_solution.line_reporting_amount is
  'Price times quantity in the reporting currency, at the rate of the closing day, while open of '
  'the expected one, at the latest of today. Null where there is no rate for it. Source: '
  'computed from details.requirements.solutions[].price, '
  'details.requirements.solutions[].quantity';
comment on column mart.requested_solution.deal_currency_code is
  'Currency of the deal, and of the share of the line in its value. Source: details.currency';
comment on column mart.requested_solution.line_once_amount is
  'Price times quantity on the primary referral of the deal, in currency_code; null for the '
  'others: the sum has the request of each deal once. Source: computed from '
  'details.requirements.solutions[].price, details.requirements.solutions[].quantity';
comment on column mart.requested_solution.currency_code is
  'Currency of the line, ISO 4217; that of the deal when the line has none. Source: '
  'details.requirements.solutions[].currency, details.currency';
