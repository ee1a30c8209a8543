-- Turns a database that the 28 migrations before the baseline made into one of the baseline, data kept.
-- Its comments, its staging tables and its ledger follow in src/warehouse/migrate/adopt-baseline.ts.
-- Kept until 1.0.
alter table etl.run rename column is_complete_sweep to is_complete;
alter table etl.run rename column referral_rejected_count to referral_quarantined_count;
alter table etl.extract_window rename column next_link to resume_at;
alter table etl.sight rename to principal_referral;
alter table etl.principal_referral rename constraint sight_pkey to principal_referral_pkey;
alter table stg.seen rename to listed_referral;

-- Rows that an operator changed keep their values.
update etl.setting
set setting_name = 'full_read_days_max'
where setting_name = 'full_sweep_days_max';
update etl.quarantine
set reason_code = 'rejected_by_database'
where reason_code = 'refused_by_database';
update etl.dq_finding
set rule_code = 'principal_sees_fewer'
where rule_code = 'principal_sees_less';

-- Since PostgreSQL 18 a column that is not null has a constraint, which keeps its name in a rename.
do $$
declare
  renamed record;
begin
  for renamed in
    select
      k.conrelid::regclass as table_name,
      k.conname as old_name,
      concat_ws('_', c.relname, a.attname, 'not_null') as new_name
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where k.contype = 'n'
      and k.conrelid in (
        'etl.run'::regclass,
        'etl.principal_referral'::regclass,
        'stg.listed_referral'::regclass
      )
      and k.conname <> concat_ws('_', c.relname, a.attname, 'not_null')
  loop
    execute format(
      'alter table %s rename constraint %I to %I',
      renamed.table_name,
      renamed.old_name,
      renamed.new_name
    );
  end loop;
end
$$;

-- Staging may be empty at any time. Without cascade: what is not of cosell stays.
drop table
  stg.bridge_line_incentive,
  stg.bridge_referral_tag,
  stg.contact,
  stg.dim_customer,
  stg.dim_referral,
  stg.dim_solution,
  stg.dim_tag,
  stg.dq_finding,
  stg.enum_value,
  stg.fact_acv_schedule,
  stg.fact_referral,
  stg.fact_referral_history,
  stg.fact_referral_solution,
  stg.fact_registration,
  stg.fact_registration_eligibility,
  stg.fact_registration_solution,
  stg.quarantine,
  stg.referral_key,
  stg.referral_text;

-- Views of mart inherit comments when they are created, so each counts as changed.
update etl.mart_view
set definition_digest = 'before the baseline'
where definition_digest <> '';
