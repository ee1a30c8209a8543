-- The functions answer for any two days, the view for the ends of weeks and months. All run with the
-- rights of the reader, and a stable function of one statement is planned as a part of the query.

create or replace function mart.deal_movement_between(from_day date, to_day date)
returns table (
  partner_account_key integer,
  engagement_key bigint,
  movement text,
  has_moved boolean,
  opening_referral_key bigint,
  opening_stage_label text,
  opening_stage_sort smallint,
  opening_solution_area text,
  opening_solution_play text,
  opening_currency_code text,
  opening_amount numeric,
  opening_expected_close_date date,
  closing_referral_key bigint,
  closing_stage_label text,
  closing_stage_sort smallint,
  closing_solution_area text,
  closing_solution_play text,
  closing_currency_code text,
  closing_amount numeric,
  closing_expected_close_date date,
  opening_country_code text,
  opening_deal_type text,
  closing_country_code text,
  closing_deal_type text
)
language sql
stable
parallel safe
as $$
  with spelling as materialized (
    select
      value.enum_value,
      min(value.canonical_value) as canonical_value
    from mart.documented_value value
    where value.enum_name = 'SolutionPlay' and value.canonical_value <> value.enum_value
    group by value.enum_value
  ),
  -- Versions of deals in the pipeline between the two days, by their primary referral; most stand in
  -- one version on both days. OFFSET looks up the referrals of these few instead of reading all.
  held as materialized (
    select
      deal.partner_account_key,
      deal.engagement_key,
      history.valid_from_date <= from_day
        and coalesce(history.valid_to_date, 'infinity') > from_day
        and deal.valid_from_date <= from_day
        and coalesce(deal.valid_to_date, 'infinity') > from_day as is_opening,
      history.valid_from_date <= to_day
        and coalesce(history.valid_to_date, 'infinity') > to_day
        and deal.valid_from_date <= to_day
        and coalesce(deal.valid_to_date, 'infinity') > to_day as is_closing,
      history.referral_key,
      status.stage_label,
      status.stage_sort,
      referral.solution_area,
      coalesce(
        (
          select spelling.canonical_value
          from spelling
          where spelling.enum_value = referral.solution_play
        ),
        referral.solution_play
      ) as solution_play,
      history.currency_code,
      history.deal_value_amount,
      history.expected_close_date,
      history.customer_key,
      referral.deal_type
    from dw.fact_referral_history history
    join dw.dim_status status on status.status_key = history.status_key and status.is_open
    join dw.fact_engagement_history deal
      on deal.primary_referral_key = history.referral_key
      and deal.partner_account_key = history.partner_account_key
    left join lateral (
      select
        named.solution_area,
        named.solution_play,
        named.deal_type
      from dw.dim_referral named
      where named.referral_key = history.referral_key
        and named.partner_account_key = history.partner_account_key
      offset 0
    ) referral on true
    where not history.is_missing
      and from_day <= to_day
      and history.valid_from_date <= to_day
      and coalesce(history.valid_to_date, 'infinity') > from_day
      and deal.valid_from_date <= to_day
      and coalesce(deal.valid_to_date, 'infinity') > from_day
  )
  select
    coalesce(opening.partner_account_key, closing.partner_account_key),
    coalesce(opening.engagement_key, closing.engagement_key),
    case
      when opening.engagement_key is null and elsewhere.is_open is null then 'created'
      when opening.engagement_key is null then 'returned'
      when elsewhere.is_won then 'won'
      when elsewhere.is_lost then 'lost'
      when elsewhere.is_open then 'missing'
      when closing.engagement_key is null then 'dropped'
      when opening.currency_code = closing.currency_code
          and coalesce(closing.deal_value_amount, 0) > coalesce(opening.deal_value_amount, 0)
        then 'grew'
      when opening.currency_code = closing.currency_code
          and coalesce(closing.deal_value_amount, 0) < coalesce(opening.deal_value_amount, 0)
        then 'shrank'
      when moved.has_moved then 'moved'
      else 'unchanged'
    end,
    moved.has_moved,
    opening.referral_key,
    opening.stage_label,
    opening.stage_sort,
    opening.solution_area,
    opening.solution_play,
    opening.currency_code,
    opening.deal_value_amount,
    opening.expected_close_date,
    closing.referral_key,
    closing.stage_label,
    closing.stage_sort,
    closing.solution_area,
    closing.solution_play,
    closing.currency_code,
    closing.deal_value_amount,
    closing.expected_close_date,
    opening_customer.country_code,
    opening.deal_type,
    closing_customer.country_code,
    closing.deal_type
  from (select * from held where held.is_opening) opening
  full join (select * from held where held.is_closing) closing
    on closing.engagement_key = opening.engagement_key
    and closing.partner_account_key = opening.partner_account_key
  cross join lateral (
    select opening.engagement_key is not null
      and closing.engagement_key is not null
      and (
        opening.stage_label, opening.solution_area, opening.solution_play, opening.currency_code
      ) is distinct from (
        closing.stage_label, closing.solution_area, closing.solution_play, closing.currency_code
      ) as has_moved
  ) moved
  -- Where a deal stood on the day on which it was not in the pipeline; OFFSET looks up
  -- those few deals alone instead of joining all.
  left join lateral (
    select
      status.is_open,
      status.is_won,
      status.is_lost
    from dw.fact_engagement_history deal
    join dw.fact_referral_history history
      on history.referral_key = deal.primary_referral_key
      and history.partner_account_key = deal.partner_account_key
    join dw.dim_status status on status.status_key = history.status_key
    cross join lateral (
      select case when closing.engagement_key is null then to_day else from_day end as date_day
    ) other
    where (opening.engagement_key is null or closing.engagement_key is null)
      and deal.engagement_key = coalesce(opening.engagement_key, closing.engagement_key)
      and deal.partner_account_key
        = coalesce(opening.partner_account_key, closing.partner_account_key)
      and deal.valid_from_date <= other.date_day
      and coalesce(deal.valid_to_date, 'infinity') > other.date_day
      and history.valid_from_date <= other.date_day
      and coalesce(history.valid_to_date, 'infinity') > other.date_day
    offset 0
  ) elsewhere on true
  -- Read only where a country is asked for.
  left join dw.dim_customer opening_customer
    on opening_customer.customer_key = opening.customer_key
    and opening_customer.partner_account_key = opening.partner_account_key
  left join dw.dim_customer closing_customer
    on closing_customer.customer_key = closing.customer_key
    and closing_customer.partner_account_key = closing.partner_account_key
$$;

create or replace function mart.pipeline_movement_between(from_day date, to_day date)
returns table (
  from_date date,
  to_date date,
  partner_account_key integer,
  stage_label text,
  stage_sort smallint,
  solution_area text,
  solution_play text,
  currency_code text,
  opening_count bigint,
  opening_amount numeric,
  opening_reporting_amount numeric,
  created_count bigint,
  created_amount numeric,
  created_reporting_amount numeric,
  returned_count bigint,
  returned_amount numeric,
  returned_reporting_amount numeric,
  moved_in_count bigint,
  moved_in_amount numeric,
  moved_in_reporting_amount numeric,
  grew_count bigint,
  grew_amount numeric,
  grew_reporting_amount numeric,
  shrank_count bigint,
  shrank_amount numeric,
  shrank_reporting_amount numeric,
  moved_out_count bigint,
  moved_out_amount numeric,
  moved_out_reporting_amount numeric,
  won_count bigint,
  won_amount numeric,
  won_reporting_amount numeric,
  lost_count bigint,
  lost_amount numeric,
  lost_reporting_amount numeric,
  dropped_count bigint,
  dropped_amount numeric,
  dropped_reporting_amount numeric,
  missing_count bigint,
  missing_amount numeric,
  missing_reporting_amount numeric,
  closing_count bigint,
  closing_amount numeric,
  closing_reporting_amount numeric,
  postponed_count bigint,
  postponed_amount numeric,
  postponed_reporting_amount numeric,
  advanced_count bigint,
  advanced_amount numeric,
  advanced_reporting_amount numeric
)
language sql
stable
parallel safe
as $$
  with moved as materialized (
    select
      deal.partner_account_key,
      deal.movement,
      deal.has_moved,
      deal.opening_stage_label,
      deal.opening_stage_sort,
      deal.opening_solution_area,
      deal.opening_solution_play,
      deal.opening_currency_code,
      deal.closing_stage_label,
      deal.closing_stage_sort,
      deal.closing_solution_area,
      deal.closing_solution_play,
      deal.closing_currency_code,
      sign(deal.closing_expected_close_date - deal.opening_expected_close_date) as date_sign,
      count(*) as deal_count,
      coalesce(sum(deal.opening_amount), 0) as opening_amount,
      coalesce(sum(deal.closing_amount), 0) as closing_amount
    from mart.deal_movement_between(from_day, to_day) deal
    group by
      deal.partner_account_key,
      deal.movement,
      deal.has_moved,
      deal.opening_stage_label,
      deal.opening_stage_sort,
      deal.opening_solution_area,
      deal.opening_solution_play,
      deal.opening_currency_code,
      deal.closing_stage_label,
      deal.closing_stage_sort,
      deal.closing_solution_area,
      deal.closing_solution_play,
      deal.closing_currency_code,
      date_sign
  ),
  -- What each movement adds to the group that the deals were in, and to the one that they are in.
  flow as (
    select
      moved.partner_account_key,
      moved.opening_stage_label as stage_label,
      moved.opening_stage_sort as stage_sort,
      moved.opening_solution_area as solution_area,
      moved.opening_solution_play as solution_play,
      moved.opening_currency_code as currency_code,
      effect.kind,
      moved.deal_count,
      effect.amount
    from moved
    cross join lateral (
      values
        ('opening', moved.opening_amount),
        (
          case
            when moved.has_moved then 'moved_out'
            when moved.movement in ('won', 'lost', 'dropped', 'missing') then moved.movement
          end,
          - moved.opening_amount
        )
    ) effect (kind, amount)
    where moved.opening_stage_label is not null and effect.kind is not null
    union all
    select
      moved.partner_account_key,
      moved.closing_stage_label,
      moved.closing_stage_sort,
      moved.closing_solution_area,
      moved.closing_solution_play,
      moved.closing_currency_code,
      effect.kind,
      moved.deal_count,
      effect.amount
    from moved
    cross join lateral (
      values
        (
          case
            when moved.has_moved then 'moved_in'
            when moved.movement in ('created', 'returned') then moved.movement
          end,
          -- Of another currency the old value means nothing here.
          case
            when moved.opening_currency_code = moved.closing_currency_code
              then moved.opening_amount
            else moved.closing_amount
          end
        ),
        (
          case when moved.movement in ('grew', 'shrank') then moved.movement end,
          moved.closing_amount - moved.opening_amount
        ),
        ('closing', moved.closing_amount),
        (
          case moved.date_sign when 1 then 'postponed' when -1 then 'advanced' end,
          moved.closing_amount
        )
    ) effect (kind, amount)
    where moved.closing_stage_label is not null and effect.kind is not null
  ),
  summed as (
    select
      flow.partner_account_key,
      flow.stage_label,
      flow.stage_sort,
      flow.solution_area,
      flow.solution_play,
      flow.currency_code,
      flow.kind,
      sum(flow.deal_count) as deal_count,
      sum(flow.amount) as amount
    from flow
    group by
      flow.partner_account_key,
      flow.stage_label,
      flow.stage_sort,
      flow.solution_area,
      flow.solution_play,
      flow.currency_code,
      flow.kind
  )
  select
    from_day,
    to_day,
    flow.partner_account_key,
    flow.stage_label,
    flow.stage_sort,
    flow.solution_area,
    flow.solution_play,
    flow.currency_code,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'opening'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'opening'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'opening'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'created'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'created'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'created'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'returned'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'returned'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'returned'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'moved_in'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'moved_in'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'moved_in'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'grew'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'grew'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'grew'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'shrank'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'shrank'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'shrank'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'moved_out'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'moved_out'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'moved_out'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'won'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'won'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'won'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'lost'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'lost'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'lost'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'dropped'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'dropped'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'dropped'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'missing'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'missing'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'missing'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'closing'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'closing'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(
        sum(flow.reporting_amount) filter (
          where flow.kind not in ('closing', 'postponed', 'advanced')
        ),
        0
      )
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'postponed'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'postponed'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'postponed'), 0)
    end,
    coalesce(sum(flow.deal_count) filter (where flow.kind = 'advanced'), 0)::bigint,
    coalesce(sum(flow.amount) filter (where flow.kind = 'advanced'), 0),
    case when bool_and(flow.has_rate) then
      coalesce(sum(flow.reporting_amount) filter (where flow.kind = 'advanced'), 0)
    end
  from (
    select
      summed.*,
      rate.currency_code is not null as has_rate,
      div(
        summed.amount * rate.reporting_units * 20000 + sign(summed.amount) * rate.currency_units,
        2 * rate.currency_units
      ) * 0.0001 as reporting_amount
    from summed
    left join dw.fx_rate rate
      on rate.currency_code = summed.currency_code
      and rate.rate_date = least(to_day, (now() at time zone 'utc')::date)
  ) flow
  group by
    flow.partner_account_key,
    flow.stage_label,
    flow.stage_sort,
    flow.solution_area,
    flow.solution_play,
    flow.currency_code
$$;

create or replace view mart.pipeline_movement with (security_invoker = true) as
select
  period.period_kind,
  period.opening_date as from_date,
  period.closing_date as to_date,
  period.fiscal_year_label as to_fiscal_year,
  period.fiscal_quarter_label as to_fiscal_quarter,
  movement.partner_account_key,
  account.account_code,
  account.account_name,
  movement.stage_label,
  movement.stage_sort,
  movement.solution_area,
  movement.solution_play,
  movement.currency_code,
  movement.opening_count,
  movement.opening_amount::numeric(28, 4) as opening_amount,
  movement.created_count,
  movement.created_amount::numeric(28, 4) as created_amount,
  movement.returned_count,
  movement.returned_amount::numeric(28, 4) as returned_amount,
  movement.moved_in_count,
  movement.moved_in_amount::numeric(28, 4) as moved_in_amount,
  movement.grew_count,
  movement.grew_amount::numeric(28, 4) as grew_amount,
  movement.shrank_count,
  movement.shrank_amount::numeric(28, 4) as shrank_amount,
  movement.moved_out_count,
  movement.moved_out_amount::numeric(28, 4) as moved_out_amount,
  movement.won_count,
  movement.won_amount::numeric(28, 4) as won_amount,
  movement.lost_count,
  movement.lost_amount::numeric(28, 4) as lost_amount,
  movement.dropped_count,
  movement.dropped_amount::numeric(28, 4) as dropped_amount,
  movement.missing_count,
  movement.missing_amount::numeric(28, 4) as missing_amount,
  movement.closing_count,
  movement.closing_amount::numeric(28, 4) as closing_amount,
  movement.postponed_count,
  movement.postponed_amount::numeric(28, 4) as postponed_amount,
  movement.advanced_count,
  movement.advanced_amount::numeric(28, 4) as advanced_amount,
  movement.opening_reporting_amount::numeric(28, 4) as opening_reporting_amount,
  movement.created_reporting_amount::numeric(28, 4) as created_reporting_amount,
  movement.returned_reporting_amount::numeric(28, 4) as returned_reporting_amount,
  movement.moved_in_reporting_amount::numeric(28, 4) as moved_in_reporting_amount,
  movement.grew_reporting_amount::numeric(28, 4) as grew_reporting_amount,
  movement.shrank_reporting_amount::numeric(28, 4) as shrank_reporting_amount,
  movement.moved_out_reporting_amount::numeric(28, 4) as moved_out_reporting_amount,
  movement.won_reporting_amount::numeric(28, 4) as won_reporting_amount,
  movement.lost_reporting_amount::numeric(28, 4) as lost_reporting_amount,
  movement.dropped_reporting_amount::numeric(28, 4) as dropped_reporting_amount,
  movement.missing_reporting_amount::numeric(28, 4) as missing_reporting_amount,
  movement.closing_reporting_amount::numeric(28, 4) as closing_reporting_amount,
  movement.postponed_reporting_amount::numeric(28, 4) as postponed_reporting_amount,
  movement.advanced_reporting_amount::numeric(28, 4) as advanced_reporting_amount
from (
  select
    'month' as period_kind,
    day.month_start_date - 1 as opening_date,
    day.date_day as closing_date,
    day.fiscal_year_label,
    day.fiscal_quarter_label
  from dw.dim_date day
  where day.is_month_end
  union all
  select
    'week',
    day.date_day - 7,
    day.date_day,
    day.fiscal_year_label,
    day.fiscal_quarter_label
  from dw.dim_date day
  where day.day_of_week = 7 and day.date_day > (now() at time zone 'utc')::date - 53 * 7
) period
cross join lateral mart.pipeline_movement_between(period.opening_date, period.closing_date) movement
left join dw.dim_partner_account account
  on account.partner_account_key = movement.partner_account_key
where period.closing_date <= (now() at time zone 'utc')::date
  -- By the index of each account: the first day of which anything is known.
  and period.closing_date >= (
    select min(known.first_date)
    from dw.dim_partner_account first_account
    cross join lateral (
      select min(history.valid_from_date) as first_date
      from dw.fact_referral_history history
      where history.partner_account_key = first_account.partner_account_key
    ) known
  );

comment on function mart.deal_movement_between(date, date) is
  'One row per deal that is in the open pipeline at the end of from_day or of to_day: where it was, '
  'where it is and what happened between. Answers: which deals are behind a figure of '
  'mart.pipeline_movement? The movement is one of created; returned (it was closed or missing); grew, '
  'shrank; moved (other stage, area, play or currency and no other value); won, lost, dropped (closed '
  'otherwise), missing (no longer shown by the source); unchanged. With has_moved it is in the '
  'pipeline at both ends, in another group. The opening columns are null where it was not in the '
  'pipeline, the closing ones where it is not. A deal has the key, stage, value, currency and expected '
  'close date of its primary referral on the day, and the area, play and deal type that this referral '
  'has now; the country is that of its customer on the day. Amounts are in the currency beside them. '
  'A day to come has the state of today. No row when from_day is after to_day, or either is null.';
comment on function mart.pipeline_movement_between(date, date) is
  'One row per account, stage, area, play and currency: what moved the open pipeline from the end of '
  'from_day to the end of to_day, any two days. Answers: what moved the pipeline since Monday? The '
  'columns are those of mart.pipeline_movement. The deals behind a figure: mart.deal_movement_between. '
  'No row when from_day is after to_day, or either is null.';

comment on view mart.pipeline_movement is
  'One row per week or month, account, stage, area, play and currency: what moved the open pipeline '
  'between two ends, each deal once. Answers: why is the pipeline larger than a month ago? Filter '
  'period_kind, and to_date to one period end. opening_amount, the movements and closing_amount add '
  'up exactly: created, returned, moved_in and grew add to it; shrank, moved_out, won, lost, dropped '
  'and missing take from it, negated. A deal that opens and closes between the two ends is in '
  'neither. The function pipeline_movement_between answers for any two days.';
comment on column mart.pipeline_movement.period_kind is
  'Kind of period: week, from Sunday to Sunday, the last 53 of them, or month, since the first deal; '
  'the two never add up.';
comment on column mart.pipeline_movement.from_date is
  'Day at whose end the movement begins: the last day of the period before.';
comment on column mart.pipeline_movement.to_date is
  'Last day of the period, up to today; always filter by it.';
comment on column mart.pipeline_movement.to_fiscal_year is 'Fiscal year of to_date, as FY26.';
comment on column mart.pipeline_movement.to_fiscal_quarter is
  'Fiscal quarter of to_date, as FY26 Q3.';
comment on column mart.pipeline_movement.partner_account_key is
  'Account of the deals; dw.dim_partner_account.';
comment on column mart.pipeline_movement.stage_label is
  'Stage of the deal: at the opening for what it had and leaves with, at the closing for all else. '
  'Source: status';
comment on column mart.pipeline_movement.stage_sort is 'Order of stage_label.';
comment on column mart.pipeline_movement.solution_area is
  'Solution area of the primary referral as it is now, not as on the day; (Multiple) when there are '
  'several. Source: details.requirements.additionalRequirements.attributes[].id, solutionArea, '
  'details.solutionArea, details.requirements.solutionArea, details.requirements.solutions[].name';
comment on column mart.pipeline_movement.solution_play is
  'Solution play of the primary referral as it is now, not as on the day, in the documented '
  'spelling; (Multiple) when there are several. Source: '
  'details.requirements.additionalRequirements.attributes[].id, solutionPlay, '
  'details.solutionPlay, details.requirements.solutionPlay, details.requirements.solutions[].name';
comment on column mart.pipeline_movement.currency_code is
  'Currency of the amounts, ISO 4217; XXX when not given. Source: details.currency';
comment on column mart.pipeline_movement.opening_count is
  'Deals in the pipeline at the end of from_date.';
comment on column mart.pipeline_movement.opening_amount is
  'Value of the deals in the pipeline at the end of from_date, in currency_code. Source: computed '
  'from details.dealValue';
comment on column mart.pipeline_movement.created_count is
  'Deals of which nothing was known at the end of from_date, and which are open at the end of '
  'to_date.';
comment on column mart.pipeline_movement.created_amount is
  'Value of the deals that were created, in currency_code. Source: computed from '
  'details.dealValue';
comment on column mart.pipeline_movement.returned_count is
  'Deals that were closed or missing at the end of from_date, and are in the pipeline at the end '
  'of to_date.';
comment on column mart.pipeline_movement.returned_amount is
  'Value of the deals that came back, in currency_code. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.moved_in_count is
  'Deals that came from another stage, area, play or currency.';
comment on column mart.pipeline_movement.moved_in_amount is
  'Value that deals brought from another group: the one that they had there, from another currency '
  'the one that they have now, in currency_code. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.grew_count is
  'Deals whose value rose, in the same currency.';
comment on column mart.pipeline_movement.grew_amount is
  'By how much the deals grew, in currency_code. Source: computed from '
  'details.dealValue';
comment on column mart.pipeline_movement.shrank_count is
  'Deals whose value fell, in the same currency.';
comment on column mart.pipeline_movement.shrank_amount is
  'By how much the deals shrank, below zero, in currency_code. Source: computed from '
  'details.dealValue';
comment on column mart.pipeline_movement.moved_out_count is
  'Deals that went to another stage, area, play or currency.';
comment on column mart.pipeline_movement.moved_out_amount is
  'Value of the deals that went to another group, negated: the one that they had, in '
  'currency_code. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.won_count is 'Deals that were won.';
comment on column mart.pipeline_movement.won_amount is
  'Value that the won deals had at the opening, negated; what they were won for is in '
  'mart.referral, in currency_code. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.lost_count is 'Deals that were lost.';
comment on column mart.pipeline_movement.lost_amount is
  'Value that the lost deals had at the opening, negated, in currency_code. Source: computed '
  'from details.dealValue';
comment on column mart.pipeline_movement.dropped_count is
  'Deals that were closed neither won nor lost: declined, expired, in error.';
comment on column mart.pipeline_movement.dropped_amount is
  'Value that the dropped deals had at the opening, negated, in currency_code. Source: '
  'computed from details.dealValue';
comment on column mart.pipeline_movement.missing_count is
  'Open deals that the source no longer shows.';
comment on column mart.pipeline_movement.missing_amount is
  'Value of the open deals that the source no longer shows, negated, in currency_code. Source: '
  'computed from details.dealValue';
comment on column mart.pipeline_movement.closing_count is
  'Deals in the pipeline at the end of to_date.';
comment on column mart.pipeline_movement.closing_amount is
  'Value of the deals in the pipeline at the end of to_date, in currency_code. Source: computed '
  'from details.dealValue';
comment on column mart.pipeline_movement.postponed_count is
  'Deals in the pipeline at both ends whose expected close date moved to a later day; beside the '
  'sum, since it moves no value.';
comment on column mart.pipeline_movement.postponed_amount is
  'Value at the closing of the deals whose expected close date moved to a later day; not part of '
  'the sum, in currency_code. Source: computed from details.closingDateTime, details.dealValue';
comment on column mart.pipeline_movement.advanced_count is
  'Deals in the pipeline at both ends whose expected close date moved to an earlier day; beside '
  'the sum, since it moves no value.';
comment on column mart.pipeline_movement.advanced_amount is
  'Value at the closing of the deals whose expected close date moved to an earlier day; not part '
  'of the sum, in currency_code. Source: computed from details.closingDateTime, details.dealValue';
comment on column mart.pipeline_movement.opening_reporting_amount is
  'Value of the deals in the pipeline at the end of from_date, in the reporting currency at the '
  'rate of to_date, as all of the row, so that rates move nothing. Null where there is no rate '
  'for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.created_reporting_amount is
  'Value of the deals that were created, in the reporting currency at the rate of to_date. Null '
  'where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.returned_reporting_amount is
  'Value of the deals that came back, in the reporting currency at the rate of to_date. Null '
  'where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.moved_in_reporting_amount is
  'Value that deals brought from another group, in the reporting currency at the rate of '
  'to_date. Null where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.grew_reporting_amount is
  'By how much the deals grew, in the reporting currency at the rate of to_date. '
  'Null where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.shrank_reporting_amount is
  'By how much the deals shrank, below zero, in the reporting currency at the rate of '
  'to_date. Null where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.moved_out_reporting_amount is
  'Value of the deals that went to another group, negated, in the reporting currency at the '
  'rate of to_date. Null where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.won_reporting_amount is
  'Value that the won deals had at the opening, negated, in the reporting currency at the rate '
  'of to_date. Null where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.lost_reporting_amount is
  'Value that the lost deals had at the opening, negated, in the reporting currency at the '
  'rate of to_date. Null where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.dropped_reporting_amount is
  'Value that the dropped deals had at the opening, negated, in the reporting currency at the '
  'rate of to_date. Null where there is no rate for it. Source: computed from details.dealValue';
comment on column mart.pipeline_movement.missing_reporting_amount is
  'Value of the open deals that the source no longer shows, negated, in the reporting currency '
  'at the rate of to_date. Null where there is no rate for it. Source: computed from '
  'details.dealValue';
comment on column mart.pipeline_movement.closing_reporting_amount is
  'Value of the deals in the pipeline at the end of to_date, in the reporting currency: the sum '
  'of the opening and the movements, each converted. Null where there is no rate for it. Source: '
  'computed from details.dealValue';
comment on column mart.pipeline_movement.postponed_reporting_amount is
  'Value at the closing of the deals whose expected close date moved to a later day, in the '
  'reporting currency at the rate of to_date. Null where there is no rate for it. Source: '
  'computed from details.closingDateTime, details.dealValue';
comment on column mart.pipeline_movement.advanced_reporting_amount is
  'Value at the closing of the deals whose expected close date moved to an earlier day, in the '
  'reporting currency at the rate of to_date. Null where there is no rate for it. Source: '
  'computed from details.closingDateTime, details.dealValue';
