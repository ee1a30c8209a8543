-- Without lz4 a server compresses with pglz. On the embedded 18 that took 0.9 of the 1.8 s of PostgreSQL in which
-- 10,000 referrals land, for 31 MB instead of 44. There payloads up to 8 kB are kept as they are.
do $$
begin
  if not exists (
    select
    from pg_catalog.pg_attribute
    where attrelid = 'raw.payload'::regclass and attname = 'payload' and attcompression = 'l'
  ) then
    alter table raw.payload set (toast_tuple_target = 8160);
  end if;
end;
$$;
