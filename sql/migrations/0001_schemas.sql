-- Six schemas, by who may read them: BI roles get dw and mart; people live in pii alone.
-- The ledger of applied migrations is in etl, which therefore exists already.
create schema raw;
create schema stg;
create schema dw;
create schema pii;
create schema mart;

comment on schema raw is 'Landing zone: what the source sent, in every version, without people.';
comment on schema etl is 'Control: runs, windows, leases, quarantine, findings, settings.';
comment on schema stg is 'Staging: the batch that is being published; may be empty at any time.';
comment on schema dw is 'Star schema: dimensions, facts and bridges.';
comment on schema pii is 'People and free text, erasable; granted to few.';
comment on schema mart is 'Views for BI tools and spreadsheets.';

-- Made before this file runs: the ledger of the migrations themselves.
comment on table etl.migration is 'One migration that was applied, each in its own transaction.';
comment on column etl.migration.name is 'File in sql/migrations, without its ending.';
comment on column etl.migration.timestamp is 'When it was applied, ISO 8601 in UTC.';
comment on table etl.migration_lock is 'One row: the lock of databases without advisory locks.';
comment on column etl.migration_lock.id is 'Name of the lock.';
comment on column etl.migration_lock.is_locked is
  'Always 0 on PostgreSQL, which needs no such row.';
