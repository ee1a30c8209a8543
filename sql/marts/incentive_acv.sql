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
  (
    round(line.solution_acv_amount * sum(bridge.weight) over upto, 4)
    - round(line.solution_acv_amount * (sum(bridge.weight) over upto - bridge.weight), 4)
  )::numeric(19, 4) as weighted_solution_acv_amount,
  (
    round(line.solution_acv_reporting_amount * sum(bridge.weight) over upto, 4)
    - round(line.solution_acv_reporting_amount * (sum(bridge.weight) over upto - bridge.weight), 4)
  )::numeric(19, 4) as weighted_solution_acv_reporting_amount,
  line.is_approved,
  case when line.is_approved
    then round(line.solution_acv_amount * sum(bridge.weight) over upto, 4)
      - round(line.solution_acv_amount * (sum(bridge.weight) over upto - bridge.weight), 4)
    else 0
  end::numeric(19, 4) as approved_weighted_solution_acv_amount,
  line.registration_key,
  line.registration_line_key
from mart.acv_line line
join dw.bridge_line_incentive bridge
  on bridge.referral_key = line.referral_key
  and bridge.registration_no = line.registration_no
  and bridge.line_no = line.line_no
  and bridge.partner_account_key = line.partner_account_key
join dw.dim_tag tag
  on tag.tag_key = bridge.tag_key and tag.partner_account_key = bridge.partner_account_key
window upto as (
  partition by
    bridge.partner_account_key,
    bridge.referral_key,
    bridge.registration_no,
    bridge.line_no
  order by tag.tag_id collate "C"
  rows unbounded preceding
);

comment on view mart.incentive_acv is
  'One row per incentive of a registration line. Answers: how much annual contract value earns '
  'which incentive? Add up the weighted amounts, which count each line once; solution_acv_amount is '
  'repeated for each incentive of the line and must not be added up. Filter sign_fiscal_year, and '
  'is_approved for what Microsoft counts: refused and waiting registrations are rows too.';
comment on column mart.incentive_acv.incentive is
  'Name of the incentive, as sent. Source: registrations[].solutionDetails[].incentives';
comment on column mart.incentive_acv.solution_acv_amount is
  'Annual contract value of the whole line, in currency_code: repeated for each of its '
  'incentives. Source: computed from registrations[].solutionDetails[].value';
comment on column mart.incentive_acv.weighted_solution_acv_amount is
  'Share of the incentive in the annual contract value of the line, in currency_code. Source: '
  'computed from registrations[].solutionDetails[].value';
comment on column mart.incentive_acv.weighted_solution_acv_reporting_amount is
  'Share of the incentive in the annual contract value of the line, in the reporting currency at '
  'the rate of mart.acv_line. Null where there is no rate for it. Source: computed from '
  'registrations[].solutionDetails[].value';
comment on column mart.incentive_acv.is_approved is
  'The registration is approved by rule or passed by a reviewer, which is what Microsoft''s '
  'Insights counts. Source: computed from registrations[].status';
comment on column mart.incentive_acv.approved_weighted_solution_acv_amount is
  'Share of the incentive in the annual contract value of the line where the registration is '
  'approved or passed, in currency_code; 0 for others. Source: computed from '
  'registrations[].solutionDetails[].value';
