import { type Kysely, type QueryExecutorProvider, sql, type Transaction } from 'kysely'

/**
 * Key of the lock under which migrations are applied. It is the one of Kysely's migrator, which made
 * the ledger before: an older version of this program and this one exclude each other.
 */
const migrationLock = '3853314791062309107'

/** The tables as Kysely's migrator made them; `0001_schemas` comments on both. */
const ledgerText = `
  create schema if not exists etl;
  create table etl.migration (
    name varchar(255) not null primary key,
    timestamp varchar(255) not null
  );
  create table etl.migration_lock (
    id varchar(255) not null primary key,
    is_locked integer default 0 not null
  );
  insert into etl.migration_lock (id) values ('migration_lock')`

/** Migrations that are due, in order, and their transaction. */
export interface DueMigrations<Schema> {
  readonly names: readonly string[]
  readonly transaction: Transaction<Schema>
}

/** Returns the names of the applied migrations, in order. */
export async function readLedger(db: QueryExecutorProvider): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from etl.migration order by name`.execute(db)
  return rows.map((row) => row.name)
}

/**
 * Applies the migrations that `choose` finds due, in one transaction with their entries in the ledger, and
 * returns their names. Any number of processes may call it at once: they take their turn, and `choose` is
 * given what is applied by then.
 */
export function applyDue<Schema>(
  db: Kysely<Schema>,
  lockTimeoutMs: number,
  choose: (applied: readonly string[]) => readonly string[],
  apply: (due: DueMigrations<Schema>) => Promise<void>,
): Promise<readonly string[]> {
  return db.transaction().execute(async (transaction) => {
    // A role may have timeouts meant for queries; filling the calendar takes longer. The turn of others
    // is waited for, the tables that they use only for a moment.
    const begin = [
      'set local statement_timeout = 0',
      // Compiling a statement that runs once takes longer than the statement.
      'set local jit = off',
      `select pg_advisory_xact_lock(${migrationLock})`,
      `set local lock_timeout = ${lockTimeoutMs}`,
    ]
    await sql.raw(begin.join(';\n')).execute(transaction)
    const isMade = await hasTable(transaction, 'migration')
    if (!isMade) await sql.raw(ledgerText).execute(transaction)
    const names = choose(isMade ? await readLedger(transaction) : [])
    if (names.length === 0) return names
    await apply({ names, transaction })
    await sql`
      insert into etl.migration (name, timestamp)
      select name, ${new Date().toISOString()} from unnest(${names}::text[]) as name
    `.execute(transaction)
    return names
  })
}

/**
 * Whether `etl` has a table of this name. The catalog is read: `to_regclass` may answer from a cache
 * that is older than the turn of the transaction.
 */
export async function hasTable(db: QueryExecutorProvider, name: string): Promise<boolean> {
  const { rows } = await sql<{ exists: boolean }>`
    select exists (
      select from pg_class c
      join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'etl'
      where c.relname = ${name}
    ) as exists`.execute(db)
  return rows[0]?.exists === true
}
