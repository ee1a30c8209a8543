create table etl.account (
  account_code        text        primary key,
  api_url             text,
  authority_url       text,
  api_scope           text,
  tenant_id           text,
  organization_id     text,
  client_id           text,
  -- A program's arguments are a JSON list. A secret itself begins with none of these words.
  client_secret_from  text        check (client_secret_from ~ '^(env|file|command):'),
  refresh_token_from  text        check (refresh_token_from ~ '^(env|file|command):'),
  access_token_from   text        check (access_token_from ~ '^(env|file|command):'),
  is_enabled          boolean     not null default true,
  created_at          timestamptz not null default clock_timestamp(),
  changed_at          timestamptz not null default clock_timestamp()
);
-- Two accounts whose names differ in case alone would keep one file of the token store.
create unique index account_code_any_case on etl.account (lower(account_code));

comment on table etl.account is
  'One partner account that cosell account has stored, with its settings; in force where neither an '
  'accounts file nor a setting of an account is given. Secrets are not in it, only where they are. '
  'Whoever may write it decides which programs the loads start.';
comment on column etl.account.account_code is
  'Name of the account; dw.dim_partner_account has it once the account was loaded.';
comment on column etl.account.api_url is 'Address of the Referrals API; null for the default.';
comment on column etl.account.authority_url is 'Address of the sign-in service; null for the default.';
comment on column etl.account.api_scope is
  'Permission to sign in for; null for /.default of the address of the API.';
comment on column etl.account.tenant_id is 'Microsoft Entra tenant to sign in to.';
comment on column etl.account.organization_id is
  'Organisation that is read, where accounts share a tenant; null for the one that is found.';
comment on column etl.account.client_id is 'Microsoft Entra application to sign in to.';
comment on column etl.account.client_secret_from is
  'Where the secret of the application is: env:NAME, file:/path, or command: with the program and its '
  'arguments as a JSON list. Null for a public client.';
comment on column etl.account.refresh_token_from is
  'Where the first refresh token is, as in client_secret_from; null after cosell login.';
comment on column etl.account.access_token_from is
  'Where an access token is that was obtained elsewhere, as in client_secret_from; null without one.';
comment on column etl.account.is_enabled is
  'Runs load the account. dw.dim_partner_account.is_active follows it.';
comment on column etl.account.created_at is 'When the account was stored.';
comment on column etl.account.changed_at is
  'When its settings, its name or is_enabled last changed.';
