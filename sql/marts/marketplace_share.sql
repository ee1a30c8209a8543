create or replace view mart.marketplace_share with (security_invoker = true) as
select
  line.partner_account_key,
  line.sign_fiscal_year,
  line.sign_fiscal_quarter,
  line.currency_code,
  line.customer_marketplace_intent,
  coalesce(sum(line.acv_amount) filter (where line.is_marketplace_transacted), 0)
    ::numeric(28, 4) as transacted_acv_amount,
  coalesce(sum(line.acv_amount)
    filter (where line.is_marketplace_transacted is not null), 0)
    ::numeric(28, 4) as stated_acv_amount,
  coalesce(sum(line.acv_amount), 0)::numeric(28, 4) as total_acv_amount,
  line.registration_status,
  line.is_approved,
  coalesce(
    sum(line.acv_amount) filter (where line.is_approved and line.is_marketplace_transacted),
    0
  )::numeric(28, 4) as approved_transacted_acv_amount,
  coalesce(
    sum(line.acv_amount) filter (where line.is_approved and line.is_marketplace_transacted is not null),
    0
  )::numeric(28, 4) as approved_stated_acv_amount,
  coalesce(sum(line.acv_amount) filter (where line.is_approved), 0)::numeric(28, 4)
    as approved_total_acv_amount
from mart.acv_line line
group by
  line.partner_account_key,
  line.sign_fiscal_year,
  line.sign_fiscal_quarter,
  line.currency_code,
  line.customer_marketplace_intent,
  line.registration_status,
  line.is_approved;

comment on view mart.marketplace_share is
  'One row per account, fiscal quarter of signing, currency, registration status and what the '
  'customer said about buying on the marketplace. Answers: which share of annual contract value '
  'went through the marketplace, '
  'and did customers do as they said? Divide sum of transacted_acv_amount by sum of '
  'stated_acv_amount, within one currency, the approved ones for what Microsoft counts. Filter '
  'sign_fiscal_year; contracts without a day of '
  'signing have none.';
comment on column mart.marketplace_share.currency_code is
  'Currency of the lines and of the amounts. Source: registrations[].solutionDetails[].currency, '
  'registrations[].contract.currency';
comment on column mart.marketplace_share.transacted_acv_amount is
  'Solution ACV of the lines transacted on the marketplace, in currency_code: the numerator. '
  'Source: computed from registrations[].solutionDetails[].value';
comment on column mart.marketplace_share.stated_acv_amount is
  'Solution ACV of the lines that say whether they were, in currency_code: the denominator. '
  'Source: computed from registrations[].solutionDetails[].value';
comment on column mart.marketplace_share.total_acv_amount is
  'Solution ACV of all lines, in currency_code; the contract ACV of a contract without lines. '
  'Source: computed from registrations[].solutionDetails[].value, registrations[].contract.value';
comment on column mart.marketplace_share.is_approved is
  'The registrations are approved by rule or passed by a reviewer, which is what Microsoft''s '
  'Insights counts. Source: computed from registrations[].status';
comment on column mart.marketplace_share.approved_transacted_acv_amount is
  'Part of transacted_acv_amount on approved and passed registrations, in currency_code. Source: '
  'computed from registrations[].solutionDetails[].value';
comment on column mart.marketplace_share.approved_stated_acv_amount is
  'Part of stated_acv_amount on approved and passed registrations, in currency_code. Source: '
  'computed from registrations[].solutionDetails[].value';
comment on column mart.marketplace_share.approved_total_acv_amount is
  'Part of total_acv_amount on approved and passed registrations, in currency_code. Source: '
  'computed from registrations[].solutionDetails[].value, registrations[].contract.value';
