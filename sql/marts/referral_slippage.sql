create or replace view mart.referral_slippage with (security_invoker = true) as
select
  referral.partner_account_key,
  referral.account_code,
  referral.account_name,
  referral.referral_key,
  referral.referral_id,
  referral.referral_name,
  referral.referral_category,
  referral.deal_type,
  referral.direction,
  referral.solution_area,
  referral.solution_play,
  referral.customer_name,
  referral.country_code,
  referral.stage_label,
  referral.stage_sort,
  referral.is_open,
  referral.is_won,
  referral.is_lost,
  referral.created_date,
  referral.created_fiscal_year,
  referral.closed_date,
  referral.closed_fiscal_year,
  moved.first_observed_date,
  moved.first_expected_close_date,
  referral.expected_close_date,
  coalesce(moved.postponed_count, 0) as postponed_count,
  coalesce(moved.advanced_count, 0) as advanced_count,
  coalesce(moved.postponed_days, 0) as postponed_days,
  coalesce(moved.advanced_days, 0) as advanced_days,
  referral.expected_close_date - moved.first_expected_close_date as close_date_shift_days,
  referral.closed_date - moved.first_expected_close_date as closed_after_first_days,
  moved.first_currency_code,
  moved.first_deal_value_amount,
  referral.currency_code,
  referral.deal_value_amount,
  coalesce(moved.value_raised_count, 0) as value_raised_count,
  coalesce(moved.value_lowered_count, 0) as value_lowered_count,
  coalesce(moved.currency_changed_count, 0) as currency_changed_count,
  case when moved.first_currency_code = referral.currency_code
    then referral.deal_value_amount - moved.first_deal_value_amount
  end::numeric(28, 4) as deal_value_shift_amount,
  referral.deal_id,
  referral.is_deal_primary
from mart.referral referral
left join (
  select
    step.partner_account_key,
    step.referral_key,
    min(step.valid_from_date) filter (where not step.is_estimated) as first_observed_date,
    max(step.expected_close_date) filter (where step.date_no = 1) as first_expected_close_date,
    count(*) filter (where step.expected_close_date > step.date_before)::integer as postponed_count,
    count(*) filter (where step.expected_close_date < step.date_before)::integer as advanced_count,
    sum(greatest(step.expected_close_date - step.date_before, 0))::integer as postponed_days,
    sum(greatest(step.date_before - step.expected_close_date, 0))::integer as advanced_days,
    max(step.currency_code) filter (where step.value_no = 1) as first_currency_code,
    (max(step.deal_value_amount) filter (where step.value_no = 1))::numeric(19, 4)
      as first_deal_value_amount,
    count(*) filter (
      where step.currency_code = step.currency_before and step.deal_value_amount > step.value_before
    )::integer as value_raised_count,
    count(*) filter (
      where step.currency_code = step.currency_before and step.deal_value_amount < step.value_before
    )::integer as value_lowered_count,
    count(*) filter (where step.currency_code <> step.currency_before)::integer
      as currency_changed_count
  from (
    select
      history.partner_account_key,
      history.referral_key,
      history.valid_from_date,
      history.is_estimated,
      history.expected_close_date,
      history.currency_code,
      history.deal_value_amount,
      -- A version without the date, or without the value, comes last: it is no move.
      case when history.expected_close_date is not null then row_number() over by_date end
        as date_no,
      lag(history.expected_close_date) over by_date as date_before,
      case when history.deal_value_amount is not null then row_number() over by_value end
        as value_no,
      lag(history.deal_value_amount) over by_value as value_before,
      case when history.deal_value_amount is not null then
        lag(history.currency_code) over by_value
      end as currency_before
    from dw.fact_referral_history history
    -- In the order of the primary key, which spares a sort of the whole table.
    window
      by_date as (
        partition by history.referral_key, history.partner_account_key
        order by history.expected_close_date is null, history.version_no
      ),
      by_value as (
        partition by history.referral_key, history.partner_account_key
        order by history.deal_value_amount is null, history.version_no
      )
  ) step
  group by step.referral_key, step.partner_account_key
) moved
  on moved.referral_key = referral.referral_key
  and moved.partner_account_key = referral.partner_account_key;

comment on view mart.referral_slippage is
  'One row per referral: how its expected close date and its value moved since it was first seen. '
  'Answers: which open deals were postponed most often, and by how much do won deals close later '
  'than they were first expected? Filter is_open or is_won, and is_deal_primary for one row a deal. '
  'Moves before first_observed_date are not known, nor those between two reads that came back.';
comment on column mart.referral_slippage.created_fiscal_year is
  'Fiscal year of the creation, as FY26. Source: computed from createdDateTime';
comment on column mart.referral_slippage.closed_fiscal_year is
  'Fiscal year of the closing, as FY26; null while open. Source: computed from closedDateTime';
comment on column mart.referral_slippage.first_observed_date is
  'First day whose date and value were observed, not taken from a later version.';
comment on column mart.referral_slippage.first_expected_close_date is
  'Day on which the deal was expected to close, as it was first seen. Source: computed from '
  'details.closingDateTime';
comment on column mart.referral_slippage.postponed_count is
  'Moves of the expected close date to a later day. Source: computed from details.closingDateTime';
comment on column mart.referral_slippage.advanced_count is
  'Moves of the expected close date to an earlier day. Source: computed from '
  'details.closingDateTime';
comment on column mart.referral_slippage.postponed_days is
  'Days of the moves to a later day. Source: computed from details.closingDateTime';
comment on column mart.referral_slippage.advanced_days is
  'Days of the moves to an earlier day. Source: computed from details.closingDateTime';
comment on column mart.referral_slippage.close_date_shift_days is
  'Days by which the expected close date moved since it was first seen; negative when it is '
  'earlier now. Source: computed from details.closingDateTime';
comment on column mart.referral_slippage.closed_after_first_days is
  'Days from the expected close date that was first seen to the closing; negative when it closed '
  'earlier, null while open. Source: computed from details.closingDateTime, closedDateTime';
comment on column mart.referral_slippage.first_currency_code is
  'Currency of the deal as it was first seen. Source: details.currency';
comment on column mart.referral_slippage.first_deal_value_amount is
  'Value of the deal as it was first seen, in first_currency_code. Source: details.dealValue';
comment on column mart.referral_slippage.value_raised_count is
  'Changes of the value to a higher one, in the same currency. Source: computed from '
  'details.dealValue';
comment on column mart.referral_slippage.value_lowered_count is
  'Changes of the value to a lower one, in the same currency. Source: computed from '
  'details.dealValue';
comment on column mart.referral_slippage.currency_changed_count is
  'Changes of the currency of the value, which neither raise nor lower it. Source: computed from '
  'details.currency';
comment on column mart.referral_slippage.deal_value_shift_amount is
  'Present value of the deal less the one that was first seen, in currency_code; null when the '
  'currency is another one. Source: computed from details.dealValue';
