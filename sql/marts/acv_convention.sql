create or replace view mart.acv_convention with (security_invoker = true) as
select
  counted.partner_account_key,
  counted.convention_name,
  counted.year_rule,
  counted.end_rule,
  counted.short_rule,
  counted.value_rule,
  counted.currency_rule,
  counted.registration_count,
  counted.reproduced_count,
  counted.telling_count,
  rank() over (
    partition by counted.partner_account_key
    order by counted.reproduced_count desc
  ) as convention_rank,
  counted.year_rule = 'months'
    and counted.end_rule = 'end or anniversary'
    and counted.short_rule = 'capped below a year'
    and counted.value_rule = 'contract value'
    and counted.currency_rule = 'contract currency' as is_ours
from (
  select
    candidate.partner_account_key,
    candidate.convention_name,
    candidate.year_rule,
    candidate.end_rule,
    candidate.short_rule,
    candidate.value_rule,
    candidate.currency_rule,
    count(*) as registration_count,
    count(*) filter (where candidate.is_reproduced) as reproduced_count,
    count(*) filter (
      where candidate.is_reproduced and not candidate.is_reproduced_by_all
    ) as telling_count
  from (
    select
      one.*,
      bool_and(one.is_reproduced) over (
        partition by one.partner_account_key, one.referral_key, one.reading_no
      ) as is_reproduced_by_all
    from mart.acv_candidate one
  ) candidate
  group by
    candidate.partner_account_key,
    candidate.convention_name,
    candidate.year_rule,
    candidate.end_rule,
    candidate.short_rule,
    candidate.value_rule,
    candidate.currency_rule
) counted;

comment on view mart.acv_convention is
  'One row per convention and account. Answers: which convention does Microsoft annualize contracts '
  'by? The one that reproduces its figure for most registrations has convention_rank 1. Several of '
  'rank 1 mean that the files do not tell them apart; compare telling_count. Filter convention_rank.';
comment on column mart.acv_convention.registration_count is
  'Registrations to which the convention can be applied: the file has Microsoft''s figure, and what '
  'the convention needs.';
comment on column mart.acv_convention.reproduced_count is
  'Registrations for which the convention gives Microsoft''s figure.';
comment on column mart.acv_convention.telling_count is
  'Registrations for which the convention gives Microsoft''s figure and some other does not: '
  'they alone are evidence.';
comment on column mart.acv_convention.convention_rank is
  'Place by reproduced_count, from 1; equal counts have equal places.';
comment on column mart.acv_convention.is_ours is
  'The convention is ours, that of the contract ACV in mart.registration.';
