-- A plausible warehouse of bench.referrals referrals over five years: nine in ten of one account,
-- one in six open, two versions of history and more, contracts on what was won.
set local session_replication_role = replica;
select setseed(0.5);

create temporary table deal on commit drop as
select
  i as referral_key,
  case when i % 10 = 0 then 2 else 1 end as account,
  created_date,
  case when roll < 0.92 then created_date + (random() * 20)::integer end as accepted_date,
  case when roll < 0.83 then least(created_date + 5 + (random() * 200)::integer, current_date) end
    as closed_date,
  case
    when roll < 0.40 then 34
    when roll < 0.70 then 35
    when roll < 0.83 then 37
    when roll < 0.92 then 23
    else 12
  end as status_key,
  (random() * 2000000)::numeric(19, 2) as value,
  (array['USD', 'EUR', 'GBP', 'JPY', 'INR', 'CHF', 'SEK', 'AUD'])[1 + (random() * 7)::integer]
    as currency,
  i % (current_setting('bench.referrals')::integer / 3 + 1) + 1 as customer_key,
  1 + (random() * 19)::integer as tag_no
from (
  select i, current_date - (random() * 1825)::integer as created_date, random() as roll
  from generate_series(1, current_setting('bench.referrals')::integer) as i
) as roll;
analyze deal;

insert into dw.dim_partner_account
  (partner_account_key, account_code, account_name, created_at)
values (1, 'one', 'One', now()), (2, 'two', 'Two', now());

insert into dw.dim_customer
  (customer_key, partner_account_key, profile_hash, customer_match_id, customer_name, customer_size,
    city, country_code, created_run_id)
select customer_key, min(account), customer_key, customer_key, 'Customer ' || customer_key, '1to9employees',
  'City ' || customer_key % 500, (array['DE', 'US', 'GB', 'FR', 'IN', 'JP'])[1 + customer_key % 6], 1
from deal
group by customer_key;

insert into dw.dim_solution
  (solution_key, partner_account_key, item_kind, solution_id, solution_name, match_type,
    solution_type, publisher_name, source_updated_at, row_hash, created_run_id, updated_run_id)
select i, 1 + i % 2, 'Solution', 'S' || i, 'Solution ' || i, 'x', '3P', 'Publisher ' || i % 40, now(), i,
  1, 1
from generate_series(1, 400) as i;

insert into dw.dim_tag
  (tag_key, partner_account_key, tag_group, tag_type, tag_id, is_documented, created_run_id)
select (account - 1) * 200 + kind_no * 20 + i, account, tag_group, tag_type, tag_type || i, true, 1
from generate_series(1, 20) as i
cross join (values (1), (2)) as a (account)
cross join (
  values (0, 'Industry', 'Industry'), (1, 'Product', 'Product'), (2, 'Service', 'Service'),
    (3, 'Attribute', 'SolutionPlay'), (4, 'Attribute', 'SolutionArea'), (5, 'Incentive', 'Incentive')
) as k (kind_no, tag_group, tag_type);

insert into dw.dim_referral
  (referral_key, partner_account_key, referral_id, engagement_id, referral_name,
    referral_status, referral_substatus, status_reason, referral_type, qualification,
    referral_source, call_to_action, registration_status, customer_marketplace_intent,
    solution_area, solution_play, partner_role, referral_category, deal_type, has_iot_requirements,
    customer_contact_count, team_member_count, direction, invited_by_organization_name, is_missing,
    source_updated_at, row_hash, created_run_id, updated_run_id)
select referral_key, account, md5(referral_key::text)::uuid, md5((referral_key / 4)::text)::uuid,
  'Referral ' || referral_key, s.referral_status, s.referral_substatus, repeat('why ', 5), 'Shared',
  'SalesQualified', 'None', 'None', 'Approved', (array['Yes', 'No'])[1 + referral_key % 2],
  'SolutionArea' || tag_no, 'SolutionPlay' || tag_no, 'Reseller',
  (array['Co-sell opportunity', 'Qualified lead', 'Marketplace lead'])[1 + referral_key % 3],
  'Co-sell', false, 1, 2, 'Outgoing', 'Organisation ' || referral_key % 50, referral_key % 500 = 0,
  now(), referral_key, 1, 1
from deal
join dw.dim_status s using (status_key);

insert into dw.fact_referral
  (partner_account_key, referral_key, customer_key, status_key, currency_code, created_date,
    updated_date, accepted_date, expected_close_date, expiration_date, closed_date, registered_date,
    registration_approved_date, created_at, updated_at, deal_value_amount, days_to_accept,
    days_to_close, requested_solution_count, requested_offer_count, registration_count, row_hash,
    created_run_id, updated_run_id)
select account, referral_key, customer_key, status_key, currency, created_date,
  coalesce(closed_date, created_date), accepted_date, created_date + 120, created_date + 240,
  closed_date, case when status_key = 34 then closed_date end,
  case when status_key = 34 and tag_no > 3 then closed_date + 9 end, created_date, created_date, value,
  accepted_date - created_date, closed_date - created_date, 1, 0, (status_key = 34)::integer,
  referral_key, 1, 1
from deal;

insert into dw.fact_referral_history
  (partner_account_key, referral_key, version_no, valid_from, valid_to, valid_from_date,
    valid_to_date, is_current, is_estimated, is_missing, customer_key, status_key,
    previous_status_key, is_status_change, registration_status, qualification, currency_code,
    deal_value_amount, expected_close_date, registered_acv_currency_code, source_updated_at,
    observed_at, tracked_hash, row_hash, created_run_id, updated_run_id)
select account, referral_key, version_no, began, ended, began, ended, ended is null,
  version_no = 1, ended is null and referral_key % 500 = 0, customer_key, status,
  lag(status) over w, status is distinct from lag(status) over w, 'None', 'SalesQualified', currency,
  value + version_no * 10 % 3, created_date + 120 + (version_no * 5 % 3)::integer, 'XXX', began, began, version_no, version_no, 1, 1
from (
  select *, row_number() over w as version_no, lead(began) over w as ended
  from (
    select *, created_date as began, 12 as status from deal
    union all
    select *, accepted_date, 23 from deal where accepted_date is not null
    union all
    select *, accepted_date + 3, 23 from deal
    where referral_key % 2 = 0 and closed_date > accepted_date + 3
    union all
    select *, closed_date, status_key from deal where closed_date is not null
  ) as step
  window w as (partition by referral_key order by began, status)
) as version
window w as (partition by referral_key order by version_no);

insert into dw.bridge_referral_tag
  (partner_account_key, referral_key, tag_key, weight, tag_count, row_hash, created_run_id,
    updated_run_id)
select account, referral_key, (account - 1) * 200 + kind_no * 20 + 1 + (tag_no + n) % 20,
  case when most = 2 then 0.5 else 1 end, most, referral_key, 1, 1
from deal
cross join (values (0, 1, 0), (1, 2, 0), (1, 2, 1), (2, 1, 0), (3, 1, 0), (4, 1, 0)) as k (kind_no, most, n);

insert into dw.dim_seller
  (seller_key, partner_account_key, seller_hash, seller_kind, email_domain, created_run_id)
select (account - 1) * 500 + i, account, md5(account || ' ' || i),
  case when i > 400 then 'Microsoft' else 'Own' end,
  case when i > 400 then 'microsoft.com' else 'example.com' end, 1
from generate_series(1, 500) as i
cross join (values (1), (2)) as a (account);

-- One or two own sellers, and one of Microsoft in every fourth referral.
insert into dw.bridge_referral_seller
  (partner_account_key, referral_key, seller_key, weight, seller_count, row_hash, created_run_id,
    updated_run_id)
select account, referral_key, (account - 1) * 500 + 1 + (referral_key / 4 + n * 7) % 400,
  case when referral_key % 3 = 0 then 0.5 else 1 end, case when referral_key % 3 = 0 then 2 else 1 end,
  referral_key, 1, 1
from deal
cross join generate_series(0, 1) as n
where n = 0 or referral_key % 3 = 0
union all
select account, referral_key, (account - 1) * 500 + 401 + referral_key / 4 % 100, 1, 1, referral_key,
  1, 1
from deal
where referral_key % 4 = 1;

insert into dw.fact_referral_solution
  (partner_account_key, referral_key, line_no, solution_key, price_text, price_amount,
    currency_code, quantity, line_amount, weight, row_hash, created_run_id, updated_run_id)
select account, referral_key, line_no, 2 * ((referral_key + line_no) % 199) + line_no, '100', 100,
  currency, 5, 500, 0.5, referral_key, 1, 1
from deal
cross join generate_series(1, 2) as line_no;

insert into dw.fact_registration
  (partner_account_key, referral_key, registration_no, customer_key, registration_type,
    registration_status, is_terminal, contract_term, is_perpetual, currency_code,
    contract_sign_date, contract_start_date, contract_end_date, contract_end_exclusive_date,
    term_months, acv_status, contract_value_amount, contract_acv_amount, line_count, registered_at,
    registered_date, approved_date, approval_lead_days, sign_to_registration_days, row_hash,
    created_run_id, updated_run_id)
select account, referral_key, 1, customer_key, 'AzureIPCoSell',
  (array['Approved', 'Passed', 'Failed', 'ReviewPending'])[1 + tag_no % 4], false, 'Finite', false,
  currency, closed_date - 2, closed_date, closed_date + 365 * years - 1,
  closed_date + 365 * years, 12 * years, 'ok', value, value / years, 2, closed_date, closed_date,
  closed_date + 9, 9, 2, referral_key, 1, 1
from (select *, 1 + tag_no % 5 as years from deal) as deal
where status_key = 34;

insert into dw.fact_registration_review
  (partner_account_key, referral_key, registration_no, visit_no, review_stage, entered_at, left_at,
    entered_date, left_date, entered_at_basis, is_current, stage_days, sent_back_count, row_hash,
    created_run_id, updated_run_id)
select partner_account_key, referral_key, 1, visit_no,
  case when visit_no = 1 then 'ReviewPending' else registration_status end,
  registered_at + (visit_no - 1) * interval '9 days',
  case when visit_no = 1 then registered_at + interval '9 days' end,
  registered_date + 9 * (visit_no - 1), case when visit_no = 1 then registered_date + 9 end, 'source',
  visit_no = 2, case when visit_no = 1 then 9 end, 0, referral_key, 1, 1
from dw.fact_registration
cross join generate_series(1, 2) as visit_no;

insert into dw.fact_registration_solution
  (partner_account_key, referral_key, registration_no, line_no, customer_key, solution_key,
    currency_code, contract_currency_code, contract_sign_date, contract_start_date,
    registered_date, solution_value_amount, solution_acv_amount, allocated_contract_value_amount,
    allocated_contract_acv_amount, primary_deployment_on, pricing_model, is_pay_as_you_go,
    is_marketplace_transacted, incentive_count, is_incentive_eligible, incentives, row_hash,
    created_run_id, updated_run_id)
select partner_account_key, referral_key, 1, line_no, customer_key,
  2 * (referral_key % 199) + line_no, currency_code, currency_code, contract_sign_date,
  contract_start_date, registered_date, contract_value_amount / 2, contract_acv_amount / 2,
  contract_value_amount / 2, contract_acv_amount / 2, 'Customer', 'FlatRate', false,
  case when referral_key % 3 > 0 then referral_key % 3 = 1 end, 1, true, 'Incentive1', referral_key,
  1, 1
from dw.fact_registration
cross join generate_series(1, 2) as line_no;

insert into dw.bridge_line_incentive
  (partner_account_key, referral_key, registration_no, line_no, tag_key, weight, row_hash,
    created_run_id, updated_run_id)
select partner_account_key, referral_key, 1, line_no,
  (partner_account_key - 1) * 200 + 101 + referral_key % 20, 1, referral_key, 1, 1
from dw.fact_registration_solution;

insert into dw.fact_acv_schedule
  (partner_account_key, referral_key, registration_no, line_no, contract_year_no, customer_key,
    solution_key, currency_code, contract_currency_code, period_start_date, period_end_date,
    period_months, scheduled_solution_amount, scheduled_contract_amount, is_incentive_eligible,
    row_hash, created_run_id, updated_run_id)
select l.partner_account_key, l.referral_key, 1, l.line_no, year_no, l.customer_key,
  l.solution_key, l.currency_code, l.currency_code, l.contract_start_date + 365 * (year_no - 1),
  l.contract_start_date + 365 * year_no - 1, 12, l.solution_acv_amount, l.solution_acv_amount, true,
  l.referral_key, 1, 1
from dw.fact_registration_solution l
join dw.fact_registration g using (referral_key)
cross join lateral generate_series(1, (g.term_months / 12)::integer) as year_no;

delete from dw.fx_rate;
insert into dw.fx_rate
  (currency_code, rate_date, rate_to_reporting, reporting_units, currency_units, observed_date,
    rate_source)
select currency_code, date_day, 1.25, 1.25, 1, date_day, 'invented'
from dw.dim_date
cross join dw.dim_currency
where date_day between current_date - 2200 and current_date
  and currency_code in ('USD', 'EUR', 'GBP', 'JPY', 'INR', 'CHF', 'SEK', 'AUD');

insert into etl.run
  (run_id, partner_account_key, run_mode, run_status, started_at, published_at, app_version,
    transform_version)
select i, 1 + i % 2, 'incremental', 'published', now(), now(), '0', 1
from generate_series(1, 2000) as i;
insert into dw.fact_finding
  (partner_account_key, referral_id, rule_code, item_ref, severity, first_seen_run_id,
    last_seen_run_id)
select partner_account_key, referral_id, 'rule_' || referral_key % 20, '', 'warn', 1, 2
from dw.dim_referral
where referral_key % 2 = 0;
