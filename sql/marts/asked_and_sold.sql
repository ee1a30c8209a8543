create or replace view mart.asked_and_sold with (security_invoker = true) as
select
  pair.partner_account_key,
  pair.referral_key,
  referral.referral_id,
  solution.item_kind,
  solution.solution_id,
  solution.solution_name,
  solution.solution_type,
  solution.publisher_name,
  referral.referral_status,
  referral.referral_substatus,
  referral.referral_category,
  referral.deal_type,
  customer.customer_name,
  customer.country_code,
  fact.created_date,
  created.fiscal_year_label as created_fiscal_year,
  fact.closed_date,
  pair.asked_line_count > 0 as is_asked,
  pair.sold_line_count > 0 as is_sold,
  pair.asked_line_count,
  pair.asked_quantity,
  case when pair.asked_currency = pair.asked_currency_last then pair.asked_amount end::numeric(28, 4)
    as asked_amount,
  case when pair.asked_currency = pair.asked_currency_last then pair.asked_currency end
    as currency_code,
  pair.sold_line_count,
  pair.sold_quantity,
  case when pair.sold_currency = pair.sold_currency_last then pair.sold_amount end::numeric(28, 4)
    as sold_amount,
  case when pair.sold_currency = pair.sold_currency_last then pair.approved_amount
  end::numeric(28, 4) as approved_sold_amount,
  case when pair.sold_currency = pair.sold_currency_last then pair.sold_currency end
    as sold_currency_code
from (
  select
    line.partner_account_key,
    line.referral_key,
    line.solution_key,
    (count(*) filter (where line.is_asked))::integer as asked_line_count,
    (sum(line.quantity) filter (where line.is_asked))::numeric(28, 4) as asked_quantity,
    sum(line.amount) filter (where line.is_asked) as asked_amount,
    min(line.currency_code) filter (where line.is_asked) as asked_currency,
    max(line.currency_code) filter (where line.is_asked) as asked_currency_last,
    (count(*) filter (where not line.is_asked))::integer as sold_line_count,
    (sum(line.quantity) filter (where not line.is_asked))::numeric(28, 4) as sold_quantity,
    sum(line.amount) filter (where not line.is_asked) as sold_amount,
    sum(line.amount) filter (where line.is_approved) as approved_amount,
    min(line.currency_code) filter (where not line.is_asked) as sold_currency,
    max(line.currency_code) filter (where not line.is_asked) as sold_currency_last
  from (
    select
      asked.partner_account_key,
      asked.referral_key,
      asked.solution_key,
      asked.currency_code collate "C" as currency_code,
      asked.quantity,
      asked.line_amount as amount,
      true as is_asked,
      false as is_approved
    from dw.fact_referral_solution asked
    union all
    select
      sold.partner_account_key,
      sold.referral_key,
      sold.solution_key,
      sold.currency_code collate "C",
      sold.quantity,
      sold.solution_value_amount,
      false,
      coalesce(registration.registration_status in ('Approved', 'Passed'), false)
    from dw.fact_registration_solution sold
    left join dw.fact_registration registration
      on registration.referral_key = sold.referral_key
      and registration.registration_no = sold.registration_no
      and registration.partner_account_key = sold.partner_account_key
    where sold.line_no > 0
  ) line
  group by line.partner_account_key, line.referral_key, line.solution_key
) pair
left join dw.dim_solution solution
  on solution.solution_key = pair.solution_key
  and solution.partner_account_key = pair.partner_account_key
left join dw.dim_referral referral
  on referral.referral_key = pair.referral_key
  and referral.partner_account_key = pair.partner_account_key
left join dw.fact_referral fact
  on fact.referral_key = pair.referral_key
  and fact.partner_account_key = pair.partner_account_key
left join dw.dim_customer customer
  on customer.customer_key = fact.customer_key
  and customer.partner_account_key = fact.partner_account_key
left join dw.dim_date created on created.date_day = fact.created_date;

comment on view mart.asked_and_sold is
  'One row per referral and solution or offer that was asked for in the referral, sold in its deal '
  'registration, or both. Answers: what of that which customers ask for do we sell, and what is sold '
  'that was not asked for? Filter referral_substatus = ''Won'' for decided demand, is_asked and '
  'is_sold for the cases. Sum asked_amount by currency_code and the sold ones by sold_currency_code. '
  'Referrals stay when the source no longer shows them.';
comment on column mart.asked_and_sold.solution_name is
  'Name of the solution or offer, as the latest referral gives it. Source: '
  'details.requirements.solutions[].name, details.requirements.offers[].name, '
  'registrations[].solutionDetails[].name';
comment on column mart.asked_and_sold.created_fiscal_year is
  'Fiscal year of the creation, as FY26. Source: computed from createdDateTime';
comment on column mart.asked_and_sold.is_asked is 'The referral asks for the solution.';
comment on column mart.asked_and_sold.is_sold is
  'A deal registration of the referral has the solution, in whatever state.';
comment on column mart.asked_and_sold.asked_line_count is
  'Number of lines in which the referral asks for the solution. Source: computed from '
  'details.requirements.solutions[]';
comment on column mart.asked_and_sold.asked_quantity is
  'Sum of the requested quantities; null when no line has one. Source: computed from '
  'details.requirements.solutions[].quantity';
comment on column mart.asked_and_sold.asked_amount is
  'Sum of price times quantity of the requested lines, in currency_code; null when no line has '
  'both, and when they are in several currencies. Source: computed from '
  'details.requirements.solutions[].price, details.requirements.solutions[].quantity';
comment on column mart.asked_and_sold.currency_code is
  'Currency of the request; null when nothing was asked, and when the lines have several. '
  'Source: details.requirements.solutions[].currency, details.currency';
comment on column mart.asked_and_sold.sold_line_count is
  'Number of registration lines that have the solution. Source: computed from '
  'registrations[].solutionDetails[]';
comment on column mart.asked_and_sold.sold_quantity is
  'Sum of the quantities of the registration lines; null when no line has one. Source: computed '
  'from registrations[].solutionDetails[].quantity';
comment on column mart.asked_and_sold.sold_amount is
  'Sum of the contract values of the registration lines, in sold_currency_code, in whatever '
  'state the registration is; null when no line has one, and when they are in several '
  'currencies. Source: computed from registrations[].solutionDetails[].value';
comment on column mart.asked_and_sold.approved_sold_amount is
  'Part of the sold amount on registrations that are approved by rule or passed by a reviewer, '
  'in sold_currency_code. Source: computed from registrations[].solutionDetails[].value';
comment on column mart.asked_and_sold.sold_currency_code is
  'Currency of the sold amounts; null when nothing was sold, and when the lines have several. '
  'Source: registrations[].solutionDetails[].currency, registrations[].contract.currency';
