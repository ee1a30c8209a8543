create or replace view mart.deal with (security_invoker = true) as
select
  deal.partner_account_key,
  deal.engagement_key,
  deal.deal_id,
  deal.engagement_id,
  deal.referral_count,
  deal.primary_referral_key,
  referral.referral_id as primary_referral_id,
  referral.referral_name,
  referral.stage_label,
  referral.stage_sort,
  referral.is_open,
  referral.is_won,
  referral.is_lost,
  referral.is_decided,
  referral.referral_category,
  referral.deal_type,
  referral.solution_area,
  referral.solution_play,
  referral.customer_name,
  referral.country_code,
  referral.created_date,
  referral.expected_close_date,
  referral.closed_date,
  referral.created_fiscal_year,
  referral.closed_fiscal_year,
  referral.closed_fiscal_quarter,
  referral.deal_value_amount,
  referral.currency_code,
  referral.deal_value_reporting_amount,
  deal.own_referral_key,
  own.referral_id as own_referral_id,
  own.referral_status || ' - ' || own.referral_substatus as own_stage_label,
  deal.microsoft_referral_key,
  microsoft.referral_id as microsoft_referral_id,
  microsoft.referral_status || ' - ' || microsoft.referral_substatus as microsoft_stage_label,
  deal.partner_referral_key,
  partner.referral_id as partner_referral_id,
  partner.referral_status || ' - ' || partner.referral_substatus as partner_stage_label
from dw.dim_engagement deal
join mart.referral referral
  on referral.referral_key = deal.primary_referral_key
  and referral.partner_account_key = deal.partner_account_key
left join dw.dim_referral own
  on own.referral_key = deal.own_referral_key
  and own.partner_account_key = deal.partner_account_key
left join dw.dim_referral microsoft
  on microsoft.referral_key = deal.microsoft_referral_key
  and microsoft.partner_account_key = deal.partner_account_key
left join dw.dim_referral partner
  on partner.referral_key = deal.partner_referral_key
  and partner.partner_account_key = deal.partner_account_key;

comment on view mart.deal is
  'One row per deal, that is engagement: stage, value and customer are those of its primary '
  'referral, with the stages of the referrals of the partner, of Microsoft and of another partner '
  'beside. Answers: which deals do we have with whom, and where does Microsoft stand in them? Filter '
  'is_open for the pipeline. Deals whose only open referrals the source no longer shows are left out.';
comment on column mart.deal.primary_referral_id is 'Id of the primary referral. Source: id';
comment on column mart.deal.referral_name is 'Name of the primary referral. Source: name';
comment on column mart.deal.created_fiscal_year is
  'Fiscal year of the creation, as FY26. Source: computed from createdDateTime';
comment on column mart.deal.closed_fiscal_year is
  'Fiscal year of the closing, as FY26; null while open. Source: computed from closedDateTime';
comment on column mart.deal.closed_fiscal_quarter is
  'Fiscal quarter of the closing, as FY26 Q3; null while open. Source: computed from '
  'closedDateTime';
comment on column mart.deal.deal_value_reporting_amount is
  'Value of the deal in the reporting currency, as in mart.referral. Null where there is no rate '
  'for it. Source: computed from details.dealValue';
comment on column mart.deal.own_referral_id is
  'Id of our own referral of the deal; null when there is none. Source: id';
comment on column mart.deal.own_stage_label is
  'Stage of our own referral of the deal; null when there is none. Source: computed from status, '
  'substatus';
comment on column mart.deal.microsoft_referral_id is
  'Id of Microsoft''s referral of the deal; null when there is none. Source: id';
comment on column mart.deal.microsoft_stage_label is
  'Stage of Microsoft''s referral of the deal; null when there is none. Source: computed from '
  'status, substatus';
comment on column mart.deal.partner_referral_id is
  'Id of another partner''s referral of the deal; null when there is none. Source: id';
comment on column mart.deal.partner_stage_label is
  'Stage of another partner''s referral of the deal; null when there is none. Source: computed '
  'from status, substatus';
