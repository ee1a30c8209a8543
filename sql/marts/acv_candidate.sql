create or replace view mart.acv_candidate with (security_invoker = true) as
select
  reading.partner_account_key,
  reading.referral_key,
  reading.reading_no,
  reading.registration_no,
  reading.registration_id,
  reading.as_of_date,
  concat_ws(', ', year_rule, end_rule, short_rule, value_rule, currency_rule)
    as convention_name,
  year_rule,
  end_rule,
  short_rule,
  value_rule,
  currency_rule,
  reading.currency_code as contract_currency_code,
  candidate.currency_code,
  candidate.amount::numeric(19, 4) as candidate_amount,
  reading.microsoft_acv_amount,
  (reading.microsoft_acv_amount - candidate.amount)::numeric(28, 4) as difference_amount,
  least(candidate.tolerance, 999999999999999.9999)::numeric(19, 4) as tolerance_amount,
  abs(reading.microsoft_acv_amount - candidate.amount) <= candidate.tolerance as is_reproduced,
  reading.registration_key
from dw.fact_microsoft_acv reading
left join dw.dim_currency currency on currency.currency_code = reading.currency_code
cross join lateral (
  select ('1e' || coalesce(currency.minor_unit, 2))::numeric as units
  offset 0
) minor
left join lateral (
  select sum(line.solution_value_amount) as amount
  from dw.fact_registration_solution line
  where line.referral_key = reading.referral_key
    and line.partner_account_key = reading.partner_account_key
    and line.registration_no = reading.registration_no
    and line.currency_code = reading.currency_code
  offset 0
) lines on true
cross join (
  values
    ('end excluded'),
    ('end included'),
    ('end or anniversary')
) as ends (end_rule)
cross join lateral (
  select
    reading.contract_start_date as start_date,
    case
      when ends.end_rule = 'end excluded' then reading.contract_end_date
      when ends.end_rule = 'end or anniversary'
        and apart.months >= 1
        and (reading.contract_start_date + make_interval(months => apart.months))::date
          = reading.contract_end_date
        then reading.contract_end_date
      else reading.contract_end_date + 1
    end as end_exclusive_date
  from (
    select (
      12 * (
        extract(year from reading.contract_end_date)
        - extract(year from reading.contract_start_date)
      )
      + extract(month from reading.contract_end_date)
      - extract(month from reading.contract_start_date)
    )::integer as months
    offset 0
  ) apart
  offset 0
) term
cross join lateral (
  select
    term.end_exclusive_date - term.start_date as days,
    -- Whole months, of which the last may not be over yet.
    apart.months - (
      (term.start_date + make_interval(months => apart.months))::date > term.end_exclusive_date
    )::integer as months
  from (
    select (
      12 * (extract(year from term.end_exclusive_date) - extract(year from term.start_date))
      + extract(month from term.end_exclusive_date)
      - extract(month from term.start_date)
    )::integer as months
    offset 0
  ) apart
  offset 0
) span
cross join lateral (
  select
    (term.start_date + make_interval(months => span.months))::date as reached_date,
    (term.start_date + make_interval(months => span.months + 1))::date as next_date
  offset 0
) month
cross join lateral (
  values
    ('365-day year', span.days, 365),
    ('365.25-day year', 4 * span.days, 1461),
    (
      'months',
      span.months * (month.next_date - month.reached_date)
        + (term.end_exclusive_date - month.reached_date),
      12 * (month.next_date - month.reached_date)
    )
) as years (year_rule, dividend, divisor)
cross join (
  values
    ('no cap below a year'),
    ('capped below a year')
) as shorts (short_rule)
cross join lateral (
  select
    case
      when reading.is_perpetual then 6
      when span.days <= 0 then null
      when shorts.short_rule = 'capped below a year' and years.dividend < years.divisor then 1
      else years.dividend
    end::numeric as dividend,
    case
      when reading.is_perpetual then 1
      when shorts.short_rule = 'capped below a year' and years.dividend < years.divisor then 1
      else years.divisor
    end::numeric as divisor
  offset 0
) length
cross join lateral (
  values
    ('contract value', reading.contract_value_amount),
    (
      'solution values',
      coalesce(
        lines.amount,
        case when reading.solution_currency_code = reading.currency_code
          then reading.solution_value_amount
        end,
        reading.contract_value_amount
      )
    )
) as bases (value_rule, amount)
cross join lateral (
  select
    div(
      2 * bases.amount * minor.units * length.divisor + sign(bases.amount) * length.dividend,
      2 * length.dividend
    ) / minor.units as amount
  offset 0
) annual
cross join lateral (
  values
    ('contract currency', reading.currency_code, annual.amount, 1 / minor.units),
    (
      'US dollars',
      'USD',
      case when reading.currency_code = 'USD' then annual.amount
        else round(
          annual.amount * reading.contract_value_usd_amount
            / nullif(reading.contract_value_amount, 0),
          2
        )
      end,
      -- Contract Value (USD) is rounded to a cent, which leaves the rate open by as much.
      case when reading.currency_code = 'USD' then 0.01
        else 0.01 + 0.005 * abs(annual.amount / nullif(reading.contract_value_amount, 0))
      end
    )
) as candidate (currency_rule, currency_code, amount, tolerance)
where reading.is_latest
  and reading.microsoft_acv_amount is not null
  -- A contract of a day multiplies its value by 365.
  and abs(candidate.amount) < 999999999999999.99995;

comment on view mart.acv_candidate is
  'One row per convention for each registration for which an Insights download has Microsoft''s '
  'annual contract value. Answers: which formula gives Microsoft''s figure, and by how much do the '
  'others miss it? A convention is one choice of year, end, short terms, value and currency; each is '
  'applied to the contract as the file has it. Filter is_reproduced. A perpetual contract is spread '
  'over six years under every convention. A convention whose amount has more than 15 digits before '
  'the point has no row.';
comment on column mart.acv_candidate.convention_name is
  'The five choices of the convention in one text: year_rule, end_rule, short_rule, value_rule '
  'and currency_rule.';
comment on column mart.acv_candidate.year_rule is
  'What a year is: a 365-day year, a 365.25-day year, or months (whole months and the share of '
  'the month begun).';
comment on column mart.acv_candidate.end_rule is
  'How the reported end is read: end excluded (it is the first day after the contract), end '
  'included (it is the last day) or end or anniversary (the first day after it if it lies whole '
  'months after the start, else the last).';
comment on column mart.acv_candidate.short_rule is
  'What a contract shorter than a year counts: no cap below a year (it is extrapolated to a '
  'year) or capped below a year (it counts with its value).';
comment on column mart.acv_candidate.value_rule is
  'Which value is spread: contract value, or solution values (the sum of the solution lines in '
  'the currency of the contract; the contract''s when there are none).';
comment on column mart.acv_candidate.currency_rule is
  'Which currency the figure is in: contract currency, or US dollars at the rate of the file, '
  'Contract Value (USD) for Contract Value.';
comment on column mart.acv_candidate.contract_currency_code is
  'Currency of the contract in the file. Source: "Contract Currency"';
comment on column mart.acv_candidate.currency_code is
  'Currency of the amounts of this row, by currency_rule. Source: computed from "Contract '
  'Currency"';
comment on column mart.acv_candidate.candidate_amount is
  'Annual contract value by this convention, rounded half away from zero to the minor unit of '
  'currency_code. Source: computed from "Contract Value", "Contract Start Date", "Contract End '
  'Date"';
comment on column mart.acv_candidate.microsoft_acv_amount is
  'Annual contract value that Microsoft computed, taken for an amount in currency_code. Source: '
  '"Annual Contract Value"';
comment on column mart.acv_candidate.difference_amount is
  'Microsoft''s figure less candidate_amount, in currency_code. Source: computed from "Annual '
  'Contract Value", "Contract Value"';
comment on column mart.acv_candidate.tolerance_amount is
  'One minor unit of currency_code; for a converted amount also what the cent leaves open to which '
  'Contract Value (USD) is rounded.';
comment on column mart.acv_candidate.is_reproduced is
  'The convention gives Microsoft''s figure: the difference is within tolerance_amount.';
