create or replace view mart.acv_reconciliation with (security_invoker = true) as
with candidate as materialized (
  select
    one.*,
    one.is_reproduced and one.currency_rule = 'US dollars' as is_reproduced_in_usd,
    one.is_reproduced and one.currency_rule = 'contract currency' as is_reproduced_in_contract,
    (one.year_rule <> 'months' or one.end_rule <> 'end or anniversary')::integer
      + (one.short_rule <> 'capped below a year')::integer
      + (one.value_rule <> 'contract value')::integer
      + (one.currency_rule <> 'contract currency')::integer as differing_rules
  from mart.acv_candidate one
),
-- The column has no currency of its own. Contracts in other currencies than US dollars say which it is.
account_currency as (
  select
    reading.partner_account_key,
    count(*) filter (where reading.is_in_usd) > count(*) filter (where reading.is_in_contract)
      as is_usd
  from (
    select
      candidate.partner_account_key,
      bool_or(candidate.is_reproduced_in_usd) as is_in_usd,
      bool_or(candidate.is_reproduced_in_contract) as is_in_contract
    from candidate
    where candidate.contract_currency_code <> 'USD'
    group by candidate.partner_account_key, candidate.referral_key, candidate.reading_no
  ) reading
  group by reading.partner_account_key
),
convention as (
  select
    candidate.partner_account_key,
    candidate.convention_name,
    count(*) filter (where candidate.is_reproduced) as reproduced_count
  from candidate
  group by candidate.partner_account_key, candidate.convention_name
),
reproducing as (
  select
    ranked.partner_account_key,
    ranked.referral_key,
    ranked.reading_no,
    count(*) as convention_count,
    string_agg(ranked.convention_name, ' | ' order by ranked.place) as convention_names,
    min(ranked.convention_name) filter (where ranked.place = 1) as convention_name,
    min(ranked.short_rule) filter (where ranked.place = 1) as short_rule,
    min(ranked.value_rule) filter (where ranked.place = 1) as value_rule,
    min(ranked.currency_rule) filter (where ranked.place = 1) as currency_rule
  from (
    select
      candidate.*,
      row_number() over (
        partition by
          candidate.partner_account_key,
          candidate.referral_key,
          candidate.reading_no
        order by
          convention.reproduced_count desc,
          candidate.differing_rules,
          candidate.convention_name
      ) as place
    from candidate
    join convention
      on convention.partner_account_key = candidate.partner_account_key
      and convention.convention_name = candidate.convention_name
    where candidate.is_reproduced
  ) ranked
  group by ranked.partner_account_key, ranked.referral_key, ranked.reading_no
),
reading as (
  select latest.*
  from dw.fact_microsoft_acv latest
  where latest.is_latest
    -- The other rows of a file are of deals that were never registered.
    and (
      latest.registration_no is not null
      or latest.registration_id is not null
      or latest.microsoft_acv_amount is not null
      or latest.contract_value_amount is not null
    )
),
compared as (
  select
    coalesce(ours.partner_account_key, reading.partner_account_key) as partner_account_key,
    coalesce(ours.referral_key, reading.referral_key) as referral_key,
    coalesce(ours.registration_no, reading.registration_no) as registration_no,
    coalesce(ours.registration_key, reading.registration_key) as registration_key,
    coalesce(ours.registration_id, reading.registration_id) as registration_id,
    ours.referral_key is not null as is_ours,
    reading.referral_key is not null as is_in_file,
    ours.customer_key,
    ours.registration_status,
    ours.acv_status,
    ours.contract_term,
    ours.is_perpetual,
    ours.contract_start_date,
    ours.contract_end_date,
    ours.term_months,
    ours.currency_code as contract_currency_code,
    ours.contract_value_amount,
    ours.solution_value_amount,
    ours.contract_acv_amount,
    reading.reading_no,
    reading.as_of_date,
    reading.approved_date is not null or reading.passed_date is not null as is_approved_in_file,
    reading.is_perpetual as is_perpetual_in_file,
    reading.contract_start_date as file_start_date,
    reading.contract_end_date as file_end_date,
    reading.currency_code as file_currency_code,
    reading.contract_value_amount as file_value_amount,
    reading.contract_value_usd_amount as file_value_usd_amount,
    reading.microsoft_acv_amount,
    case
      when account_currency.is_usd and reading.referral_key is not null then 'USD'
      else coalesce(ours.currency_code, reading.currency_code)
    end as currency_code
  from dw.fact_registration ours
  full join reading
    on reading.referral_key = ours.referral_key
    and reading.partner_account_key = ours.partner_account_key
    and reading.registration_no = ours.registration_no
  left join account_currency
    on account_currency.partner_account_key
      = coalesce(ours.partner_account_key, reading.partner_account_key)
),
converted as (
  select
    compared.*,
    case
      when compared.currency_code = compared.contract_currency_code
        then compared.contract_acv_amount
      when compared.contract_currency_code = compared.file_currency_code
        and abs(compared.contract_acv_amount * compared.file_value_usd_amount)
          < abs(compared.file_value_amount) * 999999999999999.99
        then round(
          compared.contract_acv_amount * compared.file_value_usd_amount
            / compared.file_value_amount,
          2
        )
    end as acv_amount,
    case
      when compared.currency_code = compared.contract_currency_code
        then 1 / ('1e' || coalesce(currency.minor_unit, 2))::numeric
      else 0.01 + 0.005
        * abs(compared.contract_acv_amount / nullif(compared.file_value_amount, 0))
    end as tolerance
  from compared
  left join dw.dim_currency currency on currency.currency_code = compared.currency_code
)
select
  converted.partner_account_key,
  converted.referral_key,
  referral.referral_id,
  converted.registration_no,
  converted.registration_id,
  converted.registration_status,
  coalesce(converted.registration_status in ('Approved', 'Passed'), false) as is_approved,
  customer.customer_name,
  customer.country_code,
  converted.as_of_date,
  converted.contract_term,
  converted.is_perpetual,
  converted.contract_start_date,
  converted.contract_end_date,
  converted.term_months,
  converted.acv_status,
  converted.contract_currency_code,
  converted.contract_value_amount,
  converted.solution_value_amount,
  converted.contract_acv_amount,
  converted.file_currency_code,
  converted.file_value_amount,
  converted.file_value_usd_amount,
  converted.file_start_date,
  converted.file_end_date,
  converted.currency_code,
  converted.acv_amount::numeric(19, 4) as acv_amount,
  converted.microsoft_acv_amount,
  (converted.microsoft_acv_amount - converted.acv_amount)::numeric(28, 4) as difference_amount,
  abs(converted.microsoft_acv_amount - converted.acv_amount) <= converted.tolerance
    as is_within_minor_unit,
  case
    when not converted.is_in_file then 'not in Microsoft''s file'
    when not converted.is_ours then 'not in ours'
    when converted.microsoft_acv_amount is null then case
      when converted.is_approved_in_file
        and converted.registration_status in ('Approved', 'Passed')
        then case when converted.contract_acv_amount is not null then 'no annual value in the file' end
      else 'state of the registration'
    end
    when abs(converted.microsoft_acv_amount - converted.acv_amount) <= converted.tolerance then null
    when converted.contract_currency_code <> converted.file_currency_code then 'currency and rate'
    when converted.contract_value_amount is distinct from converted.file_value_amount
      then 'contract value'
    when converted.is_perpetual <> converted.is_perpetual_in_file then 'perpetual'
    when converted.contract_start_date is distinct from converted.file_start_date
      or converted.contract_end_date is distinct from converted.file_end_date
      or converted.contract_acv_amount is null
      then 'dates'
    when converted.acv_amount is null then 'currency and rate'
    when reproducing.value_rule = 'solution values'
      and converted.solution_value_amount is distinct from converted.contract_value_amount
      then 'solution or contract basis'
    when reproducing.currency_rule = 'US dollars' and converted.currency_code <> 'USD'
      or reproducing.currency_rule = 'contract currency'
      and converted.currency_code <> converted.contract_currency_code
      then 'currency and rate'
    when converted.is_perpetual then 'perpetual'
    when reproducing.short_rule = 'no cap below a year' and converted.term_months < 12
      then 'term shorter than a year'
    when reproducing.convention_name is not null then 'year and end date'
    when converted.term_months < 12 then 'term shorter than a year'
    else 'unknown'
  end as reason,
  reproducing.convention_name as likely_convention,
  coalesce(reproducing.convention_count, 0) as reproducing_convention_count,
  reproducing.convention_names as reproducing_conventions,
  converted.registration_key
from converted
left join dw.dim_referral referral
  on referral.referral_key = converted.referral_key
  and referral.partner_account_key = converted.partner_account_key
left join dw.dim_customer customer
  on customer.customer_key = converted.customer_key
  and customer.partner_account_key = converted.partner_account_key
left join reproducing
  on reproducing.referral_key = converted.referral_key
  and reproducing.partner_account_key = converted.partner_account_key
  and reproducing.reading_no = converted.reading_no;

comment on view mart.acv_reconciliation is
  'One row per deal registration, of ours or of an Insights co-sell download, with the last reading '
  'of the download. Answers: does Microsoft annualize the contract as we do, by how much does it '
  'differ, why, and which formulas give Microsoft''s figure? Filter reason, which is null where both '
  'agree. Empty of Microsoft''s figures until such a file is imported.';
comment on column mart.acv_reconciliation.registration_no is
  'Number of the registration within the referral; null when it is not in ours.';
comment on column mart.acv_reconciliation.registration_id is
  'Id of the registration at the source, else the one of the file. Source: registrations[].id, '
  '"Deal ID"';
comment on column mart.acv_reconciliation.is_approved is
  'The registration is approved by rule or passed by a reviewer, which is what Microsoft''s '
  'Insights counts. Source: computed from registrations[].status';
comment on column mart.acv_reconciliation.as_of_date is
  'Day of the file, as in dw.fact_microsoft_acv.';
comment on column mart.acv_reconciliation.contract_currency_code is
  'Currency of the contract in ours. Source: registrations[].contract.currency';
comment on column mart.acv_reconciliation.contract_value_amount is
  'Total value of the contract in ours, in contract_currency_code. Source: '
  'registrations[].contract.value';
comment on column mart.acv_reconciliation.solution_value_amount is
  'Sum of the solution lines in ours, in contract_currency_code; null when a line is in another '
  'currency. Source: computed from registrations[].solutionDetails[].value';
comment on column mart.acv_reconciliation.contract_acv_amount is
  'Annual contract value in ours, in contract_currency_code. Source: computed from '
  'registrations[].contract.value';
comment on column mart.acv_reconciliation.file_currency_code is
  'Currency of the contract in the file. Source: "Contract Currency"';
comment on column mart.acv_reconciliation.file_value_amount is
  'Total value of the contract in the file, in file_currency_code. Source: "Contract Value"';
comment on column mart.acv_reconciliation.file_value_usd_amount is
  'Total value of the contract in the file, in US dollars. Source: "Contract Value (USD)"';
comment on column mart.acv_reconciliation.file_start_date is
  'First day of the contract in the file. Source: "Contract Start Date"';
comment on column mart.acv_reconciliation.file_end_date is
  'End of the contract in the file. Source: "Contract End Date"';
comment on column mart.acv_reconciliation.currency_code is
  'Currency of the comparison: that of the contract, or USD when more of Microsoft''s figures '
  'for contracts in other currencies are reproduced in US dollars than in the currency of the '
  'contract. Source: computed from registrations[].contract.currency';
comment on column mart.acv_reconciliation.acv_amount is
  'Our annual contract value in the currency of the comparison, converted at the rate of the '
  'file, Contract Value (USD) for Contract Value. Null without one. Source: computed from '
  'registrations[].contract.value, "Contract Value", "Contract Value (USD)"';
comment on column mart.acv_reconciliation.microsoft_acv_amount is
  'Annual contract value that Microsoft computed, taken for an amount in currency_code. Source: '
  '"Annual Contract Value"';
comment on column mart.acv_reconciliation.difference_amount is
  'Microsoft''s figure less acv_amount, in currency_code; null when one of them is missing. '
  'Source: computed from "Annual Contract Value", registrations[].contract.value';
comment on column mart.acv_reconciliation.is_within_minor_unit is
  'The two figures agree: they differ by at most one minor unit of the currency; of a converted '
  'amount, by at most that and what the cent leaves open to which Contract Value (USD) is '
  'rounded. Null without a difference. Source: computed from "Annual Contract Value", '
  'registrations[].contract.value';
comment on column mart.acv_reconciliation.reason is
  'Most likely reason why the two differ: not in Microsoft''s file; not in ours; state of the '
  'registration (the file annualizes approved and passed ones alone); no annual value in the file; '
  'currency and rate; contract value, perpetual or dates (the file has another one than ours); '
  'solution or contract basis; term shorter than a year; year and end date (how a term is counted); '
  'unknown. Null where they agree or neither has a value.';
comment on column mart.acv_reconciliation.likely_convention is
  'Of the conventions of mart.acv_candidate that give Microsoft''s figure the one that does so for '
  'most registrations of the account; of equal ones the nearest to ours. Null when none does.';
comment on column mart.acv_reconciliation.reproducing_convention_count is
  'Conventions that give Microsoft''s figure.';
comment on column mart.acv_reconciliation.reproducing_conventions is
  'Names of the conventions that give Microsoft''s figure, the most likely first, joined by a bar '
  'with blanks.';
comment on column mart.acv_reconciliation.contract_term is
  'Kind of term in ours: Perpetual, Finite or whatever arrives. Source: '
  'registrations[].contract.term';
comment on column mart.acv_reconciliation.is_perpetual is
  'The contract has no end in ours; its value is spread over six years. Source: computed from '
  'registrations[].contract.term';
comment on column mart.acv_reconciliation.contract_start_date is
  'First day of the contract in ours. Source: computed from '
  'registrations[].contract.startDateTime';
comment on column mart.acv_reconciliation.contract_end_date is
  'End of the contract as reported, in ours: its last day, or the anniversary after it. Source: '
  'computed from registrations[].contract.endDateTime';
