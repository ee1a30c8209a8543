create or replace view mart.status_transition with (security_invoker = true) as
select
  history.partner_account_key,
  history.referral_key,
  referral.referral_id,
  history.version_no,
  history.valid_from as changed_at,
  history.valid_from_date as changed_date,
  day.fiscal_year_label as changed_fiscal_year,
  day.fiscal_quarter_label as changed_fiscal_quarter,
  previous_status.referral_status as from_status,
  previous_status.referral_substatus as from_substatus,
  status.referral_status as to_status,
  status.referral_substatus as to_substatus,
  history.is_valid_transition,
  status.is_allowed_combination,
  case
    when next_version.is_status_change then history.valid_to_date
    else later_change.changed_date
  end - history.valid_from_date as days_in_status,
  history.is_estimated
from dw.fact_referral_history history
left join dw.dim_status status on status.status_key = history.status_key
left join dw.dim_status previous_status on previous_status.status_key = history.previous_status_key
left join dw.dim_referral referral
  on referral.referral_key = history.referral_key
  and referral.partner_account_key = history.partner_account_key
left join dw.dim_date day on day.date_day = history.valid_from_date
left join dw.fact_referral_history next_version
  on next_version.referral_key = history.referral_key
  and next_version.version_no = history.version_no + 1
  and next_version.partner_account_key = history.partner_account_key
-- Only where the next version changed something else: a look-up like this one runs in no worker.
left join lateral (
  select min(later.valid_from_date) as changed_date
  from dw.fact_referral_history later
  where not next_version.is_status_change
    and later.referral_key = history.referral_key
    and later.partner_account_key = history.partner_account_key
    and later.version_no > history.version_no + 1
    and later.is_status_change
) later_change on true
where history.is_status_change;

comment on view mart.status_transition is
  'One row per change of status or substatus of a referral, its first status included. Answers: '
  'which moves happened that the documentation forbids, and how long do referrals stay in a stage? '
  'Filter changed_fiscal_year, and is_valid_transition = false for forbidden moves; leave out '
  'is_estimated for observed times only.';
comment on column mart.status_transition.version_no is
  'Version of the referral that began with the change; dw.fact_referral_history.';
comment on column mart.status_transition.changed_at is 'When the status or substatus changed.';
comment on column mart.status_transition.changed_date is
  'Day on which the status or substatus changed, by UTC.';
comment on column mart.status_transition.changed_fiscal_year is
  'Fiscal year of the change, as FY26.';
comment on column mart.status_transition.changed_fiscal_quarter is
  'Fiscal quarter of the change, as FY26 Q3.';
comment on column mart.status_transition.from_status is
  'Status before; null for the first status. Source: status';
comment on column mart.status_transition.from_substatus is
  'Substatus before; null for the first status. Source: substatus';
comment on column mart.status_transition.to_status is
  'Status that the change led to. Source: status';
comment on column mart.status_transition.to_substatus is
  'Substatus that the change led to. Source: substatus';
comment on column mart.status_transition.days_in_status is
  'Days until the next change; null while the referral stands so.';
comment on column mart.status_transition.is_estimated is
  'Derived from the milestones of a later version instead of being observed.';
