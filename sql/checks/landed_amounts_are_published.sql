-- The deal, contract and solution values of each referral are those of its newest landed payload, by currency.
--
-- A referral that files show a part of is left out, as its amounts may be theirs.
--
-- This reads the payloads without the code that loaded them. Names match in any case, the exact
-- spelling first. One object in place of a list is a list of one; what is no number, or one of more
-- than 15 digits before the point, is no amount. Left out are payloads in which an amount has more than
-- 64 characters, an amount or a currency others than ASCII, or a currency is not text: PostgreSQL would
-- read some of those otherwise than the loader.
with newest as (
  select touched.partner_account_key, touched.referral_key,
    -- One copy out of the compressed column, which every operator below would unpack again.
    landed.payload || '{}' as payload
  from touched
  cross join lateral (
    select p.payload
    from raw.payload p
    where p.partner_account_key = touched.partner_account_key
      and p.resource_type = 'referral'
      and p.resource_id = touched.referral_id
    order by coalesce(p.source_updated_at, p.observed_at) desc,
      coalesce(substring(p.source_updated_text from '\.[0-9]{6}([0-9])'), '0') desc,
      p.observed_at desc, p.version_no desc
    limit 1
  ) landed
  offset 0
),
opened as (
  select n.partner_account_key, n.referral_key,
    coalesce(nullif(nullif(n.payload -> 'details', 'null'), '""'), (
      select e.value from jsonb_each(n.payload) e
      where lower(e.key) = 'details' and e.value not in ('null', '""')
      order by e.key collate "C" limit 1)) as details,
    coalesce(nullif(nullif(n.payload -> 'registrations', 'null'), '""'), (
      select e.value from jsonb_each(n.payload) e
      where lower(e.key) = 'registrations' and e.value not in ('null', '""')
      order by e.key collate "C" limit 1)) as registrations
  from newest n
  offset 0
),
deal as materialized (
  select o.partner_account_key, o.referral_key, o.registrations,
    coalesce(nullif(o.details ->> 'dealValue', ''), (
      select e.value
      from jsonb_each_text(case jsonb_typeof(o.details) when 'object' then o.details end) e
      where lower(e.key) = 'dealvalue' and e.value <> ''
      order by e.key collate "C" limit 1)) as written,
    coalesce(nullif(o.details ->> 'currency', ''), (
      select e.value
      from jsonb_each_text(case jsonb_typeof(o.details) when 'object' then o.details end) e
      where lower(e.key) = 'currency' and e.value <> ''
      order by e.key collate "C" limit 1)) as currency
  from opened o
),
contract as materialized (
  select d.partner_account_key, d.referral_key, r.lines,
    coalesce(nullif(r.contract ->> 'value', ''), (
      select e.value
      from jsonb_each_text(case jsonb_typeof(r.contract) when 'object' then r.contract end) e
      where lower(e.key) = 'value' and e.value <> ''
      order by e.key collate "C" limit 1)) as written,
    coalesce(nullif(r.contract ->> 'currency', ''), (
      select e.value
      from jsonb_each_text(case jsonb_typeof(r.contract) when 'object' then r.contract end) e
      where lower(e.key) = 'currency' and e.value <> ''
      order by e.key collate "C" limit 1)) as currency
  from deal d
  cross join lateral jsonb_array_elements(
    case jsonb_typeof(d.registrations)
      when 'array' then d.registrations
      when 'object' then jsonb_build_array(d.registrations)
    end) registration
  cross join lateral (
    select
      coalesce(nullif(nullif(registration.value -> 'contract', 'null'), '""'), (
        select e.value
        from jsonb_each(
          case jsonb_typeof(registration.value) when 'object' then registration.value end) e
        where lower(e.key) = 'contract' and e.value not in ('null', '""')
        order by e.key collate "C" limit 1)) as contract,
      coalesce(nullif(nullif(registration.value -> 'solutionDetails', 'null'), '""'), (
        select e.value
        from jsonb_each(
          case jsonb_typeof(registration.value) when 'object' then registration.value end) e
        where lower(e.key) = 'solutiondetails' and e.value not in ('null', '""')
        order by e.key collate "C" limit 1)) as lines
    offset 0
  ) r
),
solution as (
  select c.partner_account_key, c.referral_key, c.currency as contract_currency,
    coalesce(nullif(line.value ->> 'value', ''), (
      select e.value
      from jsonb_each_text(case jsonb_typeof(line.value) when 'object' then line.value end) e
      where lower(e.key) = 'value' and e.value <> ''
      order by e.key collate "C" limit 1)) as written,
    coalesce(nullif(line.value ->> 'currency', ''), (
      select e.value
      from jsonb_each_text(case jsonb_typeof(line.value) when 'object' then line.value end) e
      where lower(e.key) = 'currency' and e.value <> ''
      order by e.key collate "C" limit 1)) as currency
  from contract c
  cross join lateral jsonb_array_elements(
    case jsonb_typeof(c.lines)
      when 'array' then c.lines
      when 'object' then jsonb_build_array(c.lines)
    end) line
),
found as (
  select partner_account_key, referral_key, 'deal value' as amount, written, currency from deal
  union all
  select partner_account_key, referral_key, 'contract value', written, currency from contract
  union all
  select partner_account_key, referral_key, 'solution value', written,
    coalesce(nullif(btrim(currency, e' \t\n\r\f\v'), ''), contract_currency)
  from solution
),
compared as (
  select partner_account_key, referral_key, amount,
    upper(coalesce(nullif(btrim(currency, e' \t\n\r\f\v'), ''), 'XXX')) as currency_code,
    case when abs(number) < 1e15 then number end as landed,
    null::numeric as published,
    length(written) > 64 or written || coalesce(currency, '') ~ '[^\x01-\x7e]'
      or currency ~ '[^\x01-\x7e]|^([[{0-9-]|true$|false$)' as is_odd
  from found
  cross join lateral (
    select case
      when length(written) <= 64
        and written ~ '^[ \t\n\r\f\v]*[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?[ \t\n\r\f\v]*$'
      then round(substring(written from '[+-]?[0-9.]+(?:[eE][+-]?0*[0-9]{1,3})?')::numeric, 4)
    end as number
  ) parsed
  union all
  select partner_account_key, referral_key, 'deal value', t.currency_code, null,
    t.deal_value_amount, false
  from touched_fact_referral t
  union all
  select partner_account_key, referral_key, 'contract value', t.currency_code, null,
    t.contract_value_amount, false
  from touched_fact_registration t
  union all
  select partner_account_key, referral_key, 'solution value', t.currency_code, null,
    t.solution_value_amount, false
  from touched_fact_registration_solution t
),
referral_totals as (
  select referral_key, partner_account_key, amount, currency_code, sum(landed) as landed,
    sum(published) as published, bool_or(is_odd) as is_odd
  from compared
  group by referral_key, partner_account_key, amount, currency_code
),
offending as materialized (
  select touched.partner_account_key, touched.referral_id, different.amount,
    different.currency_code, different.landed, different.published
  from referral_totals different
  join touched using (referral_key, partner_account_key)
  where different.landed is distinct from different.published
    and not exists (
      select 1 from referral_totals odd
      where odd.is_odd
        and odd.referral_key = different.referral_key
        and odd.partner_account_key = different.partner_account_key)
)
select offending.referral_id, offending.amount, offending.currency_code, offending.landed,
  offending.published
from offending
left join lateral (
  select true as is_shown
  from raw.payload shown
  where shown.partner_account_key = offending.partner_account_key
    and shown.resource_type = 'csv_row'
    and shown.resource_id = offending.referral_id
  limit 1
) by_file on true
where by_file.is_shown is null
