create or replace view mart.incentive_acv with (security_invoker = true) as
select
  l.partner_account_key,
  l.referral_key,
  l.referral_id,
  l.registration_no,
  l.line_no,
  l.registration_status,
  l.customer_name,
  l.country_code,
  l.solution_name,
  l.publisher_name,
  l.solution_area,
  l.solution_play,
  l.contract_sign_date,
  l.sign_fiscal_year,
  l.sign_fiscal_quarter,
  t.tag_id as incentive,
  b.weight,
  l.currency_code,
  l.solution_acv_amount,
  (b.weight * l.solution_acv_amount)::numeric(38, 10) as weighted_solution_acv_amount,
  (b.weight * l.solution_acv_reporting_amount)::numeric(38, 20)
    as weighted_solution_acv_reporting_amount
from mart.acv_line l
join dw.bridge_line_incentive b
  on b.referral_key = l.referral_key
  and b.registration_no = l.registration_no
  and b.line_no = l.line_no
  and b.partner_account_key = l.partner_account_key
join dw.dim_tag t
  on t.tag_key = b.tag_key and t.partner_account_key = b.partner_account_key;

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
