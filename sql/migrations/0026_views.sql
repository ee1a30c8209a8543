-- The views of mart lie in sql/marts and follow their files. These tables tell what is in force, so
-- that a view whose file did not change is not touched.
create table etl.mart_view (
  view_name         text        primary key,
  definition_digest text        not null,
  created_at        timestamptz not null default now()
);
comment on table etl.mart_view is 'One view of mart as it was last created from its file.';
comment on column etl.mart_view.view_name is 'View in mart, and file in sql/marts without its ending.';
comment on column etl.mart_view.definition_digest is
  'SHA-256 of the file; empty while the view is dropped and its grants wait.';
comment on column etl.mart_view.created_at is 'When it was created or replaced.';

create table etl.mart_grant (
  view_name    text    not null,
  column_name  text    not null,
  grantee      text    not null,
  privilege    text    not null,
  is_grantable boolean not null,
  primary key (view_name, column_name, grantee, privilege)
);
comment on table etl.mart_grant is
  'One right to a view that had to be dropped, until the view is created again.';
comment on column etl.mart_grant.view_name is 'View in mart.';
comment on column etl.mart_grant.column_name is 'Column of the view; empty: the whole of it.';
comment on column etl.mart_grant.grantee is 'Role; public for everybody.';
comment on column etl.mart_grant.privilege is 'Right, such as SELECT.';
comment on column etl.mart_grant.is_grantable is 'The role may pass it on.';

-- Few referrals are missing; views leave them out without reading all of the dimension.
create index dim_referral_missing on dw.dim_referral (referral_key) where is_missing;
