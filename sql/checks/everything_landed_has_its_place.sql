-- Every referral with a landed version that was not yet published is published now or quarantined.
select distinct landed.resource_id
from raw.payload landed
where landed.resource_type = 'referral'
  and (landed.partner_account_key, landed.run_id) in (
    select run.partner_account_key, run.run_id
    from etl.run run
    where run.run_status in ('running', 'extracted', 'failed')
      and run.partner_account_key in (select partner_account_key from stg.referral_key))
  and not exists (
    select 1 from stg.referral_key touched
    where touched.partner_account_key = landed.partner_account_key
      and touched.referral_id = landed.resource_id)
  and not exists (
    select 1 from etl.quarantine quarantine
    where quarantine.partner_account_key = landed.partner_account_key
      and quarantine.resource_type = landed.resource_type
      and quarantine.resource_id = landed.resource_id
      and quarantine.resolved_run_id is null)
