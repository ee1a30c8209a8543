create or replace view mart.win_rate with (security_invoker = true) as
select
  fact.partner_account_key,
  day.fiscal_year_label as closed_fiscal_year,
  day.fiscal_quarter_label as closed_fiscal_quarter,
  referral.solution_area,
  coalesce(spelling.canonical_value, play.solution_play, referral.solution_play) as solution_play,
  fact.currency_code,
  coalesce(sum(coalesce(play.weight, 1)) filter (where status.is_won), 0)::numeric(15, 6)
    as won_weight,
  coalesce(sum(coalesce(play.weight, 1)) filter (where status.is_decided), 0)::numeric(15, 6)
    as decided_weight,
  coalesce(sum(part.value_amount) filter (where status.is_won), 0)
    ::numeric(28, 4) as won_value_amount,
  coalesce(sum(part.value_amount)
    filter (where status.is_decided), 0)
    ::numeric(28, 4) as decided_value_amount,
  coalesce(
    sum(coalesce(play.weight, 1)) filter (where deal.engagement_key is not null and status.is_won),
    0
  )::numeric(15, 6) as won_deal_weight,
  coalesce(
    sum(coalesce(play.weight, 1))
      filter (where deal.engagement_key is not null and status.is_decided),
    0
  )::numeric(15, 6) as decided_deal_weight,
  coalesce(
    sum(part.value_amount)
      filter (where deal.engagement_key is not null and status.is_won),
    0
  )::numeric(28, 4) as won_value_once_amount,
  coalesce(
    sum(part.value_amount)
      filter (where deal.engagement_key is not null and status.is_decided),
    0
  )::numeric(28, 4) as decided_value_once_amount
from dw.fact_referral fact
join dw.dim_status status on status.status_key = fact.status_key and status.is_closed
join dw.dim_date day on day.date_day = fact.closed_date
join dw.dim_referral referral
  on referral.referral_key = fact.referral_key
  and referral.partner_account_key = fact.partner_account_key
left join dw.dim_engagement deal
  on deal.primary_referral_key = fact.referral_key
  and deal.partner_account_key = fact.partner_account_key
-- Fenced by offset 0: row by row, and only for the few referrals with several plays, where
-- PostgreSQL would probe the bridge with every play for every referral.
left join lateral (
  select
    tag.tag_id as solution_play,
    bridge.weight,
    sum(bridge.weight) over (order by tag.tag_id collate "C" rows unbounded preceding)
      as weight_upto
  from dw.bridge_referral_tag bridge
  join dw.dim_tag tag
    on tag.tag_key = bridge.tag_key and tag.partner_account_key = bridge.partner_account_key
  where referral.solution_play = '(Multiple)'
    and bridge.referral_key = fact.referral_key
    and bridge.partner_account_key = fact.partner_account_key
    and tag.tag_group = 'Attribute'
    and tag.tag_type = 'SolutionPlay'
  offset 0
) play on true
-- Rounded so that the parts of the plays add up to the value of the referral.
cross join lateral (
  select
    case
      when play.weight is null then fact.deal_value_amount
      else round(fact.deal_value_amount * play.weight_upto, 4)
        - round(fact.deal_value_amount * (play.weight_upto - play.weight), 4)
    end as value_amount
) part
left join (
  select
    value.enum_value,
    min(value.canonical_value) as canonical_value
  from mart.documented_value value
  where value.enum_name = 'SolutionPlay' and value.canonical_value <> value.enum_value
  group by value.enum_value
) spelling on spelling.enum_value = coalesce(play.solution_play, referral.solution_play)
group by
  fact.partner_account_key,
  day.fiscal_year_label,
  day.fiscal_quarter_label,
  referral.solution_area,
  coalesce(spelling.canonical_value, play.solution_play, referral.solution_play),
  fact.currency_code;

comment on view mart.win_rate is
  'One row per account, fiscal quarter of closing, solution area, solution play and currency. '
  'Answers: what is the win rate by solution play? Divide sum of won_deal_weight by sum of '
  'decided_deal_weight, or the once amounts of one currency likewise, to count a deal once. A '
  'referral with several plays counts in parts that add up to 1. Filter closed_fiscal_year.';
comment on column mart.win_rate.closed_fiscal_year is
  'Fiscal year of the closing, as FY26. Source: computed from closedDateTime';
comment on column mart.win_rate.closed_fiscal_quarter is
  'Fiscal quarter of the closing, as FY26 Q3. Source: computed from closedDateTime';
comment on column mart.win_rate.solution_play is
  'Solution play in the documented spelling, that of mart.documented_value; (Not provided) for '
  'referrals without one. Source: details.requirements.additionalRequirements.attributes[].id, '
  'solutionPlay, details.solutionPlay, details.requirements.solutionPlay, '
  'details.requirements.solutions[].name';
comment on column mart.win_rate.won_weight is
  'Referrals won, each by the share of the play in it: the numerator.';
comment on column mart.win_rate.decided_weight is
  'Referrals won or lost, each by the share of the play in it: the denominator.';
comment on column mart.win_rate.won_value_amount is
  'Values of the referrals won, each by the share of the play in it, in currency_code. Source: '
  'computed from details.dealValue';
comment on column mart.win_rate.decided_value_amount is
  'Values of the referrals won or lost, each by the share of the play in it, in currency_code. '
  'Source: computed from details.dealValue';
comment on column mart.win_rate.currency_code is
  'Currency of the deals and of their amounts. Source: details.currency';
comment on column mart.win_rate.won_deal_weight is
  'Deals won, each by the share of the play in its primary referral: the numerator with each deal '
  'once.';
comment on column mart.win_rate.decided_deal_weight is
  'Deals won or lost, each by the share of the play in its primary referral: the denominator '
  'with each deal once.';
comment on column mart.win_rate.won_value_once_amount is
  'Values of the deals won, each once, by the share of the play, in currency_code. Source: '
  'computed from details.dealValue';
comment on column mart.win_rate.decided_value_once_amount is
  'Values of the deals won or lost, each once, by the share of the play, in currency_code. '
  'Source: computed from details.dealValue';
