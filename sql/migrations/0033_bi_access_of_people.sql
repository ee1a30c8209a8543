-- People who read a BI tool through one login of it have an account map too: mart.bi_access shows it to
-- readers, and the role of the Power BI model compares it with the sign-in name.
comment on table etl.bi_access is
  'One partner account that one database role, or one person in a BI tool, may read. Roles matter '
  'only where row-level security is on.';
comment on column etl.bi_access.role_name is
  'Login, or a group: all who have its rights see the account. Or the sign-in name of a person, as '
  'the BI tool knows it.';
