-- Refresh tokens rotate, so that machines which load the same accounts need one place for the newest.
create table etl.sign_in (
  account_name text primary key,
  token text not null,
  signed_in_at timestamptz,
  renewed_at timestamptz not null
);

comment on table etl.sign_in is
  'One stored sign-in of an account, where COSELL_TOKEN_KEY is set; without it, sign-ins are files of COSELL_HOME.';
comment on column etl.sign_in.account_name is
  'Name of the account in the settings. It may not be in the warehouse yet.';
comment on column etl.sign_in.token is
  'The newest refresh token as a compact JWE, encrypted with COSELL_TOKEN_KEY, which is not in the database.';
comment on column etl.sign_in.signed_in_at is
  'When a person signed in; null when the token descends from a configured one.';
comment on column etl.sign_in.renewed_at is 'When the token was received.';
