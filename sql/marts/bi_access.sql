create or replace view mart.bi_access as
select
  access.role_name,
  access.partner_account_key
from etl.bi_access access
where access.partner_account_key in (
  select visible.partner_account_key
  from etl.visible_account visible
);

-- Runs as its owner, since readers have no right to etl; etl.visible_account stands in for row-level
-- security.
comment on view mart.bi_access is
  'One row per login or person and account that they may see. Answers: whose rows may a BI tool show '
  'to whom? For the role of the Power BI model, which compares role_name with the sign-in name of '
  'the reader. Empty until rows are put into etl.bi_access.';
comment on column mart.bi_access.role_name is
  'Login or group of the database, or sign-in name of a person in the BI tool.';
comment on column mart.bi_access.partner_account_key is 'Account whose rows they may see.';
