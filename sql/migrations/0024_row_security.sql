insert into etl.setting (setting_name, setting_value)
values
  -- on: readers see the accounts that etl.bi_access gives them. Set by cosell migrate, which also
  -- makes the policies; the row alone does nothing until the next migrate.
  ('row_level_security', 'off');

-- Views that run with their owner's rights, since readers have none to etl, select from this one to
-- leave out what row-level security would: it reads dim_partner_account as whoever asks.
create view etl.visible_account with (security_invoker = true) as
select a.partner_account_key
from dw.dim_partner_account a;
comment on view etl.visible_account is
  'One account whose rows the asking role may see: every one while row-level security is off.';
comment on column etl.visible_account.partner_account_key is 'Account; dw.dim_partner_account.';
