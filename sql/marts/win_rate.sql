create or replace view mart.win_rate with (security_invoker = true) as
select
  f.partner_account_key,
  d.fiscal_year_label as closed_fiscal_year,
  d.fiscal_quarter_label as closed_fiscal_quarter,
  r.solution_area,
  coalesce(p.solution_play, r.solution_play) as solution_play,
  f.currency_code,
  coalesce(sum(coalesce(p.weight, 1)) filter (where s.is_won), 0)::numeric(20, 6) as won_weight,
  coalesce(sum(coalesce(p.weight, 1)) filter (where s.is_decided), 0)::numeric(20, 6)
    as decided_weight,
  coalesce(sum(coalesce(p.weight, 1) * f.deal_value_amount) filter (where s.is_won), 0)
    ::numeric(38, 10) as won_value_amount,
  coalesce(sum(coalesce(p.weight, 1) * f.deal_value_amount) filter (where s.is_decided), 0)
    ::numeric(38, 10) as decided_value_amount
from dw.fact_referral f
join dw.dim_status s on s.status_key = f.status_key and s.is_closed
join dw.dim_date d on d.date_day = f.closed_date
join dw.dim_referral r
  on r.referral_key = f.referral_key and r.partner_account_key = f.partner_account_key
-- Fenced by offset 0: row by row, and only for the few referrals with several plays, where
-- PostgreSQL would probe the bridge with every play for every referral.
left join lateral (
  select
    t.tag_id as solution_play,
    b.weight
  from dw.bridge_referral_tag b
  join dw.dim_tag t
    on t.tag_key = b.tag_key and t.partner_account_key = b.partner_account_key
  where r.solution_play = '(Multiple)'
    and b.referral_key = f.referral_key
    and b.partner_account_key = f.partner_account_key
    and t.tag_group = 'Attribute'
    and t.tag_type = 'SolutionPlay'
  offset 0
) p on true
group by
  f.partner_account_key,
  d.fiscal_year_label,
  d.fiscal_quarter_label,
  r.solution_area,
  coalesce(p.solution_play, r.solution_play),
  f.currency_code;

comment on view mart.win_rate is
  'One row per account, fiscal quarter of closing, solution area, solution play and currency. '
  'Answers: what is the win rate by solution play? Divide sum of won_weight by sum of '
  'decided_weight, or the amounts of one currency likewise. A referral with several plays counts in '
  'parts that add up to 1. Filter closed_fiscal_year.';
comment on column mart.win_rate.closed_fiscal_year is 'Fiscal year of the closing, as FY26.';
comment on column mart.win_rate.closed_fiscal_quarter is 'Fiscal quarter of the closing, as FY26 Q3.';
comment on column mart.win_rate.solution_play is
  'Solution play; (Not provided) for referrals without one.';
comment on column mart.win_rate.won_weight is
  'Referrals won, each by the share of the play in it: the numerator.';
comment on column mart.win_rate.decided_weight is
  'Referrals won or lost, each by the share of the play in it: the denominator.';
comment on column mart.win_rate.won_value_amount is
  'Deal values of those won by the share of the play, in currency_code.';
comment on column mart.win_rate.decided_value_amount is
  'Deal values of those won or lost by the share of the play, in currency_code.';
comment on column mart.win_rate.currency_code is 'Currency of the deals and of their amounts.';
