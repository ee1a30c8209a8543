create table etl.account_source (
  partner_account_key integer     primary key,
  api_url             text        not null,
  tenant_id           text,
  organization_id     text,
  recorded_at         timestamptz not null
);
comment on table etl.account_source is
  'One partner account with the source that its referrals were read from: no two accounts may have '
  'the same one.';
comment on column etl.account_source.partner_account_key is
  'Account that was read; dw.dim_partner_account.';
comment on column etl.account_source.api_url is 'Address of the API, without a path.';
comment on column etl.account_source.tenant_id is
  'Microsoft Entra tenant in lower case: of the access token where it names one, else of the '
  'settings; empty where neither does.';
comment on column etl.account_source.organization_id is
  'Organisation as configured, else the one that most referrals name; empty where none does.';
comment on column etl.account_source.recorded_at is
  'When a read last succeeded with another source than the recorded one.';
