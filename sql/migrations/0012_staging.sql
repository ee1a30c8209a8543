-- Twins of the loaded tables: the rows of one batch of referrals before they have surrogate keys.
-- referral_no, the number of the referral in the batch, stands for the referral, and natural keys
-- stand for the other surrogates. Unlogged and without index: a crash empties them and the batch is
-- staged again, and they are read by whole-table joins only.

create unlogged table stg.dim_referral (
  like dw.dim_referral including comments,
  referral_no integer not null
);
alter table stg.dim_referral
  drop column referral_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.dim_customer (
  like dw.dim_customer including comments,
  referral_no integer not null
);
alter table stg.dim_customer
  drop column customer_key,
  drop column created_run_id;

create unlogged table stg.dim_solution (
  like dw.dim_solution including comments,
  referral_no integer not null
);
alter table stg.dim_solution
  drop column solution_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.dim_tag (
  like dw.dim_tag including comments,
  referral_no integer not null
);
alter table stg.dim_tag
  drop column tag_key,
  drop column is_documented,
  drop column created_run_id;

create unlogged table stg.fact_referral (
  like dw.fact_referral including comments,
  referral_no integer not null,
  profile_hash text not null,
  referral_status text not null,
  referral_substatus text not null
);
alter table stg.fact_referral
  drop column referral_key,
  drop column customer_key,
  drop column status_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.fact_referral_history (
  like dw.fact_referral_history including comments,
  referral_no integer not null,
  profile_hash text not null,
  referral_status text not null,
  referral_substatus text not null,
  previous_referral_status text,
  previous_referral_substatus text
);
alter table stg.fact_referral_history
  drop column referral_key,
  drop column customer_key,
  drop column status_key,
  drop column previous_status_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.fact_referral_solution (
  like dw.fact_referral_solution including comments,
  referral_no integer not null,
  item_kind text not null,
  solution_id text not null
);
alter table stg.fact_referral_solution
  drop column referral_key,
  drop column solution_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.fact_registration (
  like dw.fact_registration including comments,
  referral_no integer not null
);
alter table stg.fact_registration
  drop column referral_key,
  drop column customer_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.fact_registration_solution (
  like dw.fact_registration_solution including comments,
  referral_no integer not null,
  item_kind text not null,
  solution_id text not null
);
alter table stg.fact_registration_solution
  drop column referral_key,
  drop column customer_key,
  drop column solution_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.fact_acv_schedule (
  like dw.fact_acv_schedule including comments,
  referral_no integer not null,
  item_kind text not null,
  solution_id text not null
);
alter table stg.fact_acv_schedule
  drop column referral_key,
  drop column customer_key,
  drop column solution_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.fact_registration_eligibility (
  like dw.fact_registration_eligibility including comments,
  referral_no integer not null
);
alter table stg.fact_registration_eligibility
  drop column referral_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.bridge_referral_tag (
  like dw.bridge_referral_tag including comments,
  referral_no integer not null,
  tag_group text not null,
  tag_type text not null,
  tag_id text not null
);
alter table stg.bridge_referral_tag
  drop column referral_key,
  drop column tag_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.bridge_line_incentive (
  like dw.bridge_line_incentive including comments,
  referral_no integer not null,
  tag_group text not null,
  tag_type text not null,
  tag_id text not null
);
alter table stg.bridge_line_incentive
  drop column referral_key,
  drop column tag_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.contact (
  like pii.contact including comments,
  referral_no integer not null
);
alter table stg.contact
  drop column referral_key,
  drop column is_erased,
  drop column erased_at,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.referral_text (
  like pii.referral_text including comments,
  referral_no integer not null
);
alter table stg.referral_text
  drop column referral_key,
  drop column created_run_id,
  drop column updated_run_id;

create unlogged table stg.dq_finding (
  like etl.dq_finding including comments,
  referral_no integer not null
);
alter table stg.dq_finding
  drop column first_seen_run_id,
  drop column last_seen_run_id;

create unlogged table stg.quarantine (
  like etl.quarantine including comments,
  referral_no integer not null
);
alter table stg.quarantine
  drop column first_run_id,
  drop column last_run_id,
  drop column attempts,
  drop column resolved_run_id;

create unlogged table stg.enum_value (
  like etl.enum_value including comments,
  partner_account_key integer not null,
  referral_no integer not null
);
alter table stg.enum_value
  drop column canonical_value,
  drop column description,
  drop column sort_order,
  drop column is_documented,
  drop column first_seen_run_id;

comment on column stg.fact_referral_history.previous_referral_status is
  'status of the version before; null for the first.';
comment on column stg.fact_referral_history.previous_referral_substatus is
  'substatus of the version before; null for the first.';
comment on column stg.enum_value.partner_account_key is 'Account in which the value was met.';

create unlogged table stg.referral_key (
  partner_account_key integer not null,
  referral_no         integer not null,
  referral_id         text    not null,
  referral_key        bigint,
  customer_key        bigint
);
comment on table stg.referral_key is
  'One referral of the batch with the keys that publishing gave it; the other tables of the '
  'referral find theirs here.';
comment on column stg.referral_key.partner_account_key is 'Account of the referral.';
comment on column stg.referral_key.referral_id is 'Id of the referral in the source.';
comment on column stg.referral_key.referral_key is 'The referral; dw.dim_referral.';
comment on column stg.referral_key.customer_key is
  'Customer profile of its latest version; dw.dim_customer.';

-- What the twins have beyond their target: the number of the referral, and natural keys, which mean
-- what they mean in their dimension.
do $$
declare
  staged record;
begin
  for staged in
    select s.relname as table_name, n.nspname || '.' || t.relname as target_name
    from pg_catalog.pg_class s
    join pg_catalog.pg_class t on t.relname = s.relname and t.relkind = 'r'
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace and n.nspname in ('dw', 'pii', 'etl')
    where s.relnamespace = 'stg'::regnamespace and s.relkind = 'r'
  loop
    execute format(
      'comment on table stg.%I is %L',
      staged.table_name,
      'Rows for ' || staged.target_name || ' in the batch that is being published.'
    );
  end loop;

  for staged in
    select
      s.relname as table_name,
      a.attname as column_name,
      case a.attname
        when 'referral_no' then 'Number of the referral within the batch.'
        else col_description(k.attrelid, k.attnum)
      end as meaning
    from pg_catalog.pg_class s
    join pg_catalog.pg_attribute a on a.attrelid = s.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attribute k
      on k.attname = a.attname
      and k.attrelid = (
        case
          when a.attname = 'profile_hash' then 'dw.dim_customer'
          when a.attname in ('referral_status', 'referral_substatus') then 'dw.dim_status'
          when a.attname in ('item_kind', 'solution_id') then 'dw.dim_solution'
          when a.attname in ('tag_group', 'tag_type', 'tag_id') then 'dw.dim_tag'
        end
      )::regclass
    where s.relnamespace = 'stg'::regnamespace
      and s.relkind = 'r'
      and (a.attname = 'referral_no' or k.attname is not null)
      and col_description(a.attrelid, a.attnum) is null
  loop
    execute format(
      'comment on column stg.%I.%I is %L', staged.table_name, staged.column_name, staged.meaning
    );
  end loop;
end
$$;
