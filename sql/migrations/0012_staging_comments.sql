comment on table stg.listed_referral is
  'One resource that the current full read of an account returned; what is not here is missing.';
comment on column stg.listed_referral.partner_account_key is 'Account that is read in full.';
comment on column stg.listed_referral.run_id is 'Run that full reads; etl.run.';
comment on column stg.listed_referral.resource_id is 'Id of the resource, as in raw.payload.';

comment on table stg.referral_key is
  'One referral of the batch with the keys that publishing gave it; children find theirs here.';
comment on column stg.referral_key.partner_account_key is 'Account of the referral.';
comment on column stg.referral_key.referral_id is 'Id of the referral in the source.';
comment on column stg.referral_key.referral_key is 'The referral; dw.dim_referral.';
comment on column stg.referral_key.customer_key is
  'Customer profile of its latest version; dw.dim_customer.';

comment on column stg.fact_referral_history.previous_referral_status is
  'status of the version before; null for the first.';
comment on column stg.fact_referral_history.previous_referral_substatus is
  'substatus of the version before; null for the first.';

-- The rest means what it means in the target, or in the dimension whose natural key it is.
do $$
declare
  staged record;
begin
  for staged in
    select
      s.oid as staging_id,
      s.relname as table_name,
      format('%I.%I', tn.nspname, t.relname) as target_name,
      t.oid as target_id
    from pg_catalog.pg_class s
    join pg_catalog.pg_class t on t.relname = s.relname and t.relkind = 'r'
    join pg_catalog.pg_namespace tn
      on tn.oid = t.relnamespace and tn.nspname in ('dw', 'pii', 'etl')
    where s.relnamespace = 'stg'::regnamespace and s.relkind = 'r'
  loop
    execute format(
      'comment on table stg.%I is %L',
      staged.table_name,
      'Rows for ' || staged.target_name || ' in the batch that is being published.'
    );
    execute coalesce(
      (
        select
          string_agg(
            format(
              'comment on column stg.%I.%I is %L',
              staged.table_name,
              a.attname,
              coalesce(
                col_description(staged.target_id, same.attnum),
                col_description(natural_key.attrelid, natural_key.attnum)
              )
            ),
            '; '
          )
        from pg_catalog.pg_attribute a
        left join pg_catalog.pg_attribute same
          on same.attrelid = staged.target_id and same.attname = a.attname
        left join pg_catalog.pg_attribute natural_key
          on natural_key.attname = a.attname
          and natural_key.attrelid = (
            case
              when a.attname = 'profile_hash' then 'dw.dim_customer'
              when a.attname in ('referral_status', 'referral_substatus') then 'dw.dim_status'
              when a.attname in ('item_kind', 'solution_id') then 'dw.dim_solution'
              when a.attname in ('tag_group', 'tag_type', 'tag_id') then 'dw.dim_tag'
            end
          )::regclass
        where a.attrelid = staged.staging_id
          and a.attnum > 0
          and coalesce(same.attnum, natural_key.attnum) is not null
      ),
      ''
    );
  end loop;

  for staged in
    select c.relname as table_name
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'stg'::regnamespace and a.attname = 'referral_no'
  loop
    execute format(
      'comment on column stg.%I.referral_no is %L',
      staged.table_name,
      'Number of the referral within the batch.'
    );
  end loop;
end
$$;

comment on column stg.enum_value.partner_account_key is 'Account in which the value was met.';
