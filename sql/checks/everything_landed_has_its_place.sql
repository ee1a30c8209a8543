-- Every referral with a landed version that was not yet published is published now, quarantined, or waits.
--
-- Rows of files wait while none of the referral has its status, and the API has not shown it.
-- The versions of each run are read by the index on the run. Account and type are compared outside,
-- where the primary key cannot serve them.
with unpublished_run as materialized (
  select run.partner_account_key, run.run_id
  from etl.run run
  where run.run_status in ('running', 'extracted', 'failed')
    and run.partner_account_key = :partner_account_key
),
unpublished as (
  select distinct landed.partner_account_key, landed.resource_type, landed.resource_id
  from unpublished_run run
  cross join lateral (
    select payload.partner_account_key, payload.resource_type, payload.resource_id
    from raw.payload payload
    where payload.run_id = run.run_id
    offset 0
  ) landed
  where landed.partner_account_key = run.partner_account_key
    and landed.resource_type in ('referral', 'csv_row')
),
unplaced as materialized (
  select unpublished.*
  from unpublished
  where not exists (
      select 1 from touched
      where touched.partner_account_key = unpublished.partner_account_key
        and touched.referral_id = unpublished.resource_id)
    and not exists (
      select 1 from etl.quarantine quarantine
      where quarantine.partner_account_key = :partner_account_key
        and quarantine.resource_type = unpublished.resource_type
        and quarantine.resource_id = unpublished.resource_id
        and quarantine.resolved_run_id is null)
)
select unplaced.resource_id
from unplaced
cross join lateral (
  select 1
  from raw.payload shown
  where shown.partner_account_key = unplaced.partner_account_key
    and shown.resource_type in ('referral', 'csv_row')
    and shown.resource_id = unplaced.resource_id
    and (shown.resource_type = 'referral'
      or shown.payload -> 'referral' ->> 'status' is not null
      or shown.payload -> 'referral' = 'null')
  limit 1
) shown
