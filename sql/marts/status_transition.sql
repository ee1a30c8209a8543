create or replace view mart.status_transition with (security_invoker = true) as
select
  h.partner_account_key,
  h.referral_key,
  r.referral_id,
  h.version_no,
  h.valid_from as changed_at,
  h.valid_from_date as changed_date,
  d.fiscal_year_label as changed_fiscal_year,
  d.fiscal_quarter_label as changed_fiscal_quarter,
  p.referral_status as from_status,
  p.referral_substatus as from_substatus,
  s.referral_status as to_status,
  s.referral_substatus as to_substatus,
  h.is_valid_transition,
  s.is_allowed_combination,
  case
    when next_version.is_status_change then h.valid_to_date
    else later_change.changed_date
  end - h.valid_from_date as days_in_status,
  h.is_estimated
from dw.fact_referral_history h
left join dw.dim_status s on s.status_key = h.status_key
left join dw.dim_status p on p.status_key = h.previous_status_key
left join dw.dim_referral r
  on r.referral_key = h.referral_key and r.partner_account_key = h.partner_account_key
left join dw.dim_date d on d.date_day = h.valid_from_date
left join dw.fact_referral_history next_version
  on next_version.referral_key = h.referral_key
  and next_version.version_no = h.version_no + 1
  and next_version.partner_account_key = h.partner_account_key
-- Only where the next version changed something else: a look-up like this one runs in no worker.
left join lateral (
  select min(n.valid_from_date) as changed_date
  from dw.fact_referral_history n
  where not next_version.is_status_change
    and n.referral_key = h.referral_key
    and n.partner_account_key = h.partner_account_key
    and n.version_no > h.version_no + 1
    and n.is_status_change
) later_change on true
where h.is_status_change;

comment on view mart.status_transition is
  'One row per change of status or substatus of a referral, its first status included. Answers: '
  'which moves happened that the documentation forbids, and how long do referrals stay in a stage? '
  'Filter changed_fiscal_year, and is_valid_transition = false for forbidden moves; leave out '
  'is_estimated for observed times only.';
comment on column mart.status_transition.version_no is
  'Version of the referral that began with the change; dw.fact_referral_history.';
comment on column mart.status_transition.changed_at is 'When it changed.';
comment on column mart.status_transition.changed_date is 'UTC day of changed_at.';
comment on column mart.status_transition.changed_fiscal_year is
  'Fiscal year of changed_date, as FY26.';
comment on column mart.status_transition.changed_fiscal_quarter is
  'Fiscal quarter of changed_date, as FY26 Q3.';
comment on column mart.status_transition.from_status is
  'Status before; null for the first status.';
comment on column mart.status_transition.from_substatus is
  'Substatus before; null for the first status.';
comment on column mart.status_transition.to_status is 'Status that the change led to.';
comment on column mart.status_transition.to_substatus is 'Substatus that the change led to.';
comment on column mart.status_transition.days_in_status is
  'Days until the next change; null while the referral stands so.';
comment on column mart.status_transition.is_estimated is
  'Derived from the milestones of a later version instead of being observed.';
