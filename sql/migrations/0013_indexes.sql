-- Primary keys lead with the referral and serve joins and drill-through; these serve the filters
-- that cut across referrals.

create index dim_referral_engagement on dw.dim_referral (partner_account_key, engagement_id);
create index dim_referral_external_reference
  on dw.dim_referral (partner_account_key, external_reference_id);

create index fact_referral_created on dw.fact_referral (partner_account_key, created_date);
create index fact_referral_closed on dw.fact_referral (partner_account_key, closed_date);
create index fact_referral_expiration
  on dw.fact_referral (partner_account_key, expiration_date)
  where closed_date is null;

create unique index fact_referral_history_current
  on dw.fact_referral_history (referral_key, partner_account_key)
  where is_current;
create index fact_referral_history_valid_from
  on dw.fact_referral_history (partner_account_key, valid_from_date);

create index fact_registration_contract_sign
  on dw.fact_registration (partner_account_key, contract_sign_date);
create index fact_registration_solution_contract_sign
  on dw.fact_registration_solution (partner_account_key, contract_sign_date);
create index fact_registration_solution_solution on dw.fact_registration_solution (solution_key);

create index fact_acv_schedule_period_start
  on dw.fact_acv_schedule (partner_account_key, period_start_date);

create index bridge_referral_tag_tag on dw.bridge_referral_tag (tag_key);
