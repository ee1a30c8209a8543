-- The account becomes part of the keys of the dimensions that hold rows of accounts, and of the foreign
-- keys to them, so that every key of a table of accounts can be held by the part of the rows that
-- belongs to the account. The surrogate comes first: a look-up by it alone is served as before, and
-- what reads a foreign key by its first column finds the same way. One identity still numbers all
-- accounts, so a surrogate stays unique in the warehouse.
--
-- A foreign key keeps its name and all else that it says: what it does on deletion, and whether it is
-- enforced. Each enforced one is checked by a join with its dimension.
do $$
declare
  way record;
  dimension record;
  ways constant text[] := array(
    select format(
      'alter table %s add constraint %I %s',
      known.conrelid::regclass,
      known.conname,
      regexp_replace(
        pg_get_constraintdef(known.oid),
        '^FOREIGN KEY \((\w+)\) REFERENCES (\S+)\((\w+)\)',
        'FOREIGN KEY (\1, partner_account_key) REFERENCES \2 (\3, partner_account_key)'
      )
    )
    from pg_catalog.pg_constraint known
    where known.contype = 'f'
      and known.conrelid::regclass::text ~ '^(dw|pii)\.'
      and known.confrelid = any (array[
        'dw.dim_referral', 'dw.dim_customer', 'dw.dim_solution', 'dw.dim_tag', 'dw.dim_seller',
        'dw.dim_engagement'
      ]::regclass[])
    order by known.conrelid::regclass::text, known.conname
  );
  declared text;
begin
  for way in
    select known.conrelid::regclass as fact, known.conname as name
    from pg_catalog.pg_constraint known
    where known.contype = 'f'
      and known.conrelid::regclass::text ~ '^(dw|pii)\.'
      and known.confrelid = any (array[
        'dw.dim_referral', 'dw.dim_customer', 'dw.dim_solution', 'dw.dim_tag', 'dw.dim_seller',
        'dw.dim_engagement'
      ]::regclass[])
  loop
    execute format('alter table %s drop constraint %I', way.fact, way.name);
  end loop;
  for dimension in
    select known.conrelid::regclass as name, known.conname as key, attribute.attname as surrogate
    from pg_catalog.pg_constraint known
    join pg_catalog.pg_attribute attribute
      on attribute.attrelid = known.conrelid and attribute.attnum = known.conkey[1]
    where known.contype = 'p'
      and known.conrelid = any (array[
        'dw.dim_referral', 'dw.dim_customer', 'dw.dim_solution', 'dw.dim_tag', 'dw.dim_seller',
        'dw.dim_engagement'
      ]::regclass[])
  loop
    -- Without cascade: a view or a table of others that depends on the key is not dropped.
    execute format(
      'alter table %s drop constraint %I, add constraint %I primary key (%I, partner_account_key)',
      dimension.name,
      dimension.key,
      dimension.key,
      dimension.surrogate
    );
  end loop;
  foreach declared in array ways
  loop
    execute declared;
  end loop;
end;
$$;
