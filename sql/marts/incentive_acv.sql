create or replace view mart.incentive_acv with (security_invoker = true) as
select
  line.partner_account_key,
  line.referral_key,
  line.referral_id,
  line.registration_no,
  line.line_no,
  line.registration_status,
  line.customer_name,
  line.country_code,
  line.solution_name,
  line.publisher_name,
  line.solution_area,
  line.solution_play,
  line.contract_sign_date,
  line.sign_fiscal_year,
  line.sign_fiscal_quarter,
  tag.tag_id as incentive,
  bridge.weight,
  line.currency_code,
  line.solution_acv_amount,
  (bridge.weight * line.solution_acv_amount)::numeric(38, 10) as weighted_solution_acv_amount,
  (bridge.weight * line.solution_acv_reporting_amount)::numeric(38, 20)
    as weighted_solution_acv_reporting_amount
from mart.acv_line line
join dw.bridge_line_incentive bridge
  on bridge.referral_key = line.referral_key
  and bridge.registration_no = line.registration_no
  and bridge.line_no = line.line_no
  and bridge.partner_account_key = line.partner_account_key
join dw.dim_tag tag
  on tag.tag_key = bridge.tag_key and tag.partner_account_key = bridge.partner_account_key;

comment on view mart.incentive_acv is
  'One row per incentive of a registration line. Answers: how much annual contract value earns '
  'which incentive? Add up the weighted amounts, which count each line once; solution_acv_amount is '
  'repeated for each incentive of the line and must not be added up. Filter sign_fiscal_year.';
comment on column mart.incentive_acv.incentive is 'Name of the incentive, as sent.';
comment on column mart.incentive_acv.solution_acv_amount is
  'Annual contract value of the whole line, in currency_code: repeated for each of its incentives.';
comment on column mart.incentive_acv.weighted_solution_acv_amount is
  'Share of the incentive in solution_acv_amount, in currency_code.';
comment on column mart.incentive_acv.weighted_solution_acv_reporting_amount is
  'weighted_solution_acv_amount in the reporting currency, at the rate of mart.acv_line. Null where '
  'there is no rate for it.';
