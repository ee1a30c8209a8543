-- An approval that the review took back is none: the columns about approval and decision give what
-- holds now, and the first approval has columns of its own. `cosell rebuild` fills both.
alter table dw.fact_registration
  add column first_approved_at timestamptz,
  add column first_approved_date date,
  add column first_approval_lead_days numeric(9,2);
comment on column dw.fact_registration.first_approved_at is
  'When it was first approved, by rule or reviewer, whatever came later: the earliest '
  'registrations[].statusHistory.approvedDateTime or passedDateTime that was ever seen.';
comment on column dw.fact_registration.first_approved_date is 'UTC day of first_approved_at.';
comment on column dw.fact_registration.first_approval_lead_days is
  'Days, with two decimals, from registered_at to first_approved_at.';
comment on column dw.fact_registration.approved_date is
  'UTC day of the approval that holds now, by rule or reviewer; null when there is none, or the '
  'review took it back.';
comment on column dw.fact_registration.decided_date is
  'UTC day of the decision that holds now, approved or failed; null while the review waits.';
comment on column dw.fact_registration.approval_lead_days is
  'Days, with two decimals, from registered_at to the approval that holds now.';
comment on column dw.fact_registration.decision_lead_days is
  'Days, with two decimals, from registered_at to the decision that holds now.';

alter table dw.fact_referral
  add column registration_first_approved_date date;
comment on column dw.fact_referral.registration_first_approved_date is
  'Day of the first approval of a registration, whatever came later; null when there was none.';
comment on column dw.fact_referral.registration_approved_date is
  'Day of the first approval that holds now: registrations[].statusHistory.approvedDateTime or '
  'passedDateTime; null when no registration is approved.';

alter table stg.fact_registration
  add column first_approved_at timestamptz,
  add column first_approved_date date,
  add column first_approval_lead_days numeric(9,2);
alter table stg.fact_referral
  add column registration_first_approved_date date;

comment on column dw.fact_referral_history.is_estimated is
  'Dated by the payload of a later time instead of being observed: before the update of its '
  'version, or a stage of a review that no read saw. Carries the other values of that version.';
comment on column dw.fact_referral_history.registration_status is
  'Where the deal registration stood, from the instants of registrations[].statusHistory on; None '
  'before the registration.';
comment on column dw.fact_referral_history.observed_at is
  'When the payload that the version comes from was fetched.';
