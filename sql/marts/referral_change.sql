create or replace view mart.referral_change with (security_invoker = true) as
select
  change.partner_account_key,
  account.account_code,
  change.referral_key,
  change.referral_id,
  change.referral_name,
  change.changed_at,
  change.changed_date,
  day.fiscal_year_label as changed_fiscal_year,
  day.fiscal_quarter_label as changed_fiscal_quarter,
  change.observed_at as seen_at,
  (change.observed_at at time zone 'utc')::date as seen_date,
  change.property,
  change.before_value,
  change.after_value,
  change.before_amount::numeric(19, 4) as before_amount,
  change.after_amount::numeric(19, 4) as after_amount,
  change.before_currency_code,
  change.after_currency_code,
  change.before_date,
  change.after_date,
  change.version_no,
  change.is_estimated
from (
  select
    history.partner_account_key,
    history.referral_key,
    referral.referral_id,
    referral.referral_name,
    history.valid_from as changed_at,
    history.valid_from_date as changed_date,
    history.observed_at,
    history.version_no,
    history.observed_at = first.observed_at as is_estimated,
    detail.property,
    detail.before_value,
    detail.after_value,
    detail.before_amount,
    detail.after_amount,
    detail.before_currency_code,
    detail.after_currency_code,
    detail.before_date,
    detail.after_date
  -- In each half, so that a filter on the id finds the rows by their key.
  from dw.dim_referral referral
  join dw.fact_referral_history history
    on history.referral_key = referral.referral_key
    and history.partner_account_key = referral.partner_account_key
  join dw.fact_referral_history previous
    on previous.referral_key = history.referral_key
    and previous.partner_account_key = history.partner_account_key
    and previous.version_no = history.version_no - 1
  join dw.fact_referral_history first
    on first.referral_key = history.referral_key
    and first.partner_account_key = history.partner_account_key
    and first.version_no = 1
  join dw.dim_status status on status.status_key = history.status_key
  join dw.dim_status previous_status on previous_status.status_key = previous.status_key
  left join dw.dim_customer customer
    on customer.customer_key = history.customer_key
    and customer.partner_account_key = history.partner_account_key
    and previous.customer_key <> history.customer_key
  left join dw.dim_customer previous_customer
    on previous_customer.customer_key = previous.customer_key
    and previous_customer.partner_account_key = previous.partner_account_key
    and previous.customer_key <> history.customer_key
  cross join lateral (
    values
      (
        'stage',
        -- What was not observed has no substatus.
        concat_ws(
          ' - ',
          previous_status.referral_status,
          nullif(previous_status.referral_substatus, '(Not provided)')
        ),
        concat_ws(
          ' - ', status.referral_status, nullif(status.referral_substatus, '(Not provided)')
        ),
        null::numeric,
        null::numeric,
        null,
        null,
        null::date,
        null::date
      ),
      (
        'deal value',
        trim_scale(previous.deal_value_amount)::text,
        trim_scale(history.deal_value_amount)::text,
        previous.deal_value_amount,
        history.deal_value_amount,
        previous.currency_code,
        history.currency_code,
        null,
        null
      ),
      (
        'currency', previous.currency_code, history.currency_code, null, null, null, null, null, null
      ),
      (
        'expected close date',
        previous.expected_close_date::text,
        history.expected_close_date::text,
        null,
        null,
        null,
        null,
        previous.expected_close_date,
        history.expected_close_date
      ),
      (
        'expiration date',
        previous.expiration_date::text,
        history.expiration_date::text,
        null,
        null,
        null,
        null,
        previous.expiration_date,
        history.expiration_date
      ),
      (
        'registration status',
        previous.registration_status,
        history.registration_status,
        null,
        null,
        null,
        null,
        null,
        null
      ),
      (
        'registered ACV',
        trim_scale(previous.registered_acv_amount)::text,
        trim_scale(history.registered_acv_amount)::text,
        previous.registered_acv_amount,
        history.registered_acv_amount,
        previous.registered_acv_currency_code,
        history.registered_acv_currency_code,
        null,
        null
      ),
      (
        'qualification',
        previous.qualification,
        history.qualification,
        null,
        null,
        null,
        null,
        null,
        null
      ),
      (
        'customer',
        concat_ws(
          ', ',
          previous_customer.customer_name,
          previous_customer.city,
          previous_customer.country_code
        ),
        concat_ws(', ', customer.customer_name, customer.city, customer.country_code),
        null,
        null,
        null,
        null,
        null,
        null
      ),
      (
        'presence',
        case when previous.is_missing then 'missing' else 'present' end,
        case when history.is_missing then 'missing' else 'present' end,
        null,
        null,
        null,
        null,
        null,
        null
      )
  ) detail (
    property,
    before_value,
    after_value,
    before_amount,
    after_amount,
    before_currency_code,
    after_currency_code,
    before_date,
    after_date
  )
  where detail.before_value is distinct from detail.after_value
    -- The currency of the deal value is a property of its own.
    or (
      detail.property = 'registered ACV'
      and detail.before_amount is not null
      and detail.before_currency_code <> detail.after_currency_code
    )
  union all
  select
    solutions.partner_account_key,
    solutions.referral_key,
    referral.referral_id,
    referral.referral_name,
    solutions.changed_at,
    (solutions.changed_at at time zone 'utc')::date,
    solutions.observed_at,
    null,
    false,
    solutions.list_name || ' solutions',
    nullif(solutions.before_solutions, ''),
    nullif(solutions.after_solutions, ''),
    null,
    null,
    null,
    null,
    null,
    null
  from dw.dim_referral referral
  join dw.fact_solution_change solutions
    on solutions.referral_key = referral.referral_key
    and solutions.partner_account_key = referral.partner_account_key
) change
left join dw.dim_partner_account account
  on account.partner_account_key = change.partner_account_key
left join dw.dim_date day on day.date_day = change.changed_date;

comment on view mart.referral_change is
  'One row per change of one property of a referral: what a night brought. Answers: what happened to '
  'this deal, and which deals changed their value last night? Filter referral_key or referral_id '
  'for one life; seen_date and not is_estimated for one night. Who joined and left is in '
  'pii.referral_change, for those who may read it. A change that was undone before the next night is '
  'not seen.';
comment on column mart.referral_change.changed_at is
  'When the source changed it, else when it was seen. Source: computed from updatedDateTime';
comment on column mart.referral_change.changed_date is
  'Day of the change, by UTC. Source: computed from updatedDateTime';
comment on column mart.referral_change.changed_fiscal_year is
  'Fiscal year of changed_date, as FY26. Source: computed from updatedDateTime';
comment on column mart.referral_change.changed_fiscal_quarter is
  'Fiscal quarter of changed_date, as FY26 Q3. Source: computed from updatedDateTime';
comment on column mart.referral_change.seen_at is
  'When the payload that shows the change was fetched.';
comment on column mart.referral_change.seen_date is
  'Day of the night that brought the change, by UTC.';
comment on column mart.referral_change.property is
  'What changed: stage, deal value, currency, expected close date, expiration date, registration '
  'status, registered ACV, qualification, customer, requested solutions, sold solutions, or presence '
  '(whether the source shows the referral).';
comment on column mart.referral_change.before_value is
  'Value before the change as text; null when there was none.';
comment on column mart.referral_change.after_value is
  'Value after the change as text; null when there is none.';
comment on column mart.referral_change.before_amount is
  'Amount before the change, in before_currency_code; null for a property that is none. Source: '
  'details.dealValue, registrations[].contract.value';
comment on column mart.referral_change.after_amount is
  'Amount after the change, in after_currency_code; null for a property that is none. Source: '
  'details.dealValue, registrations[].contract.value';
comment on column mart.referral_change.before_currency_code is
  'Currency of before_amount, ISO 4217. Source: details.currency, registrations[].contract.currency';
comment on column mart.referral_change.after_currency_code is
  'Currency of after_amount, ISO 4217. Source: details.currency, registrations[].contract.currency';
comment on column mart.referral_change.before_date is
  'Day before the change; null for a property that is none. Source: computed from '
  'details.closingDateTime, expirationDateTime';
comment on column mart.referral_change.after_date is
  'Day after the change; null for a property that is none. Source: computed from '
  'details.closingDateTime, expirationDateTime';
comment on column mart.referral_change.version_no is
  'Version of the referral that began with the change, dw.fact_referral_history; null for solutions.';
comment on column mart.referral_change.is_estimated is
  'Told by the first payload of the referral, with the dates in it, instead of seen between two '
  'payloads. Leave it out for what a night changed.';
