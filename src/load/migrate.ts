import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Kysely, type Migration, Migrator, sql } from 'kysely'
import { CosellError, type FailureKind } from '../errors.ts'
import { codeOf, databaseFailure } from './database.ts'

interface MigrateOptions {
  /** Where the `.sql` files are; those of the package unless a test says otherwise. */
  folder?: string
  /** How long a statement waits for a table that somebody else uses. */
  lockTimeoutMs?: number
  /** For how long a migration that did not get its tables is tried again. */
  patienceMs?: number
}

/** 15 brought `security_invoker`, which keeps row-level security in force behind the views. */
export const serverVersionMin = 15
/** Every reader that comes after us queues behind our wait: it is short, and repeated. */
const defaultLockTimeoutMs = 1_000
/** In which readers who queued are served. */
const pauseMs = 500
/** Longer than a dashboard's query. */
const defaultPatienceMs = 30_000
/** `sql/` lies beside `src/` in a checkout and beside `dist/` in the installed package. */
const shippedFolder = fileURLToPath(new URL('../../sql/migrations/', import.meta.url))

const ledgerSchema = 'etl'
const ledgerTable = 'migration'
/** SQLSTATE lock_not_available. */
const lockNotAvailable = '55P03'

/**
 * Brings the schema up to date and returns the names of the migrations that this call applied, in
 * order; empty when there was nothing to do. Any number of processes may call it at once: each
 * migration is applied by one of them, in one transaction together with its entry in the ledger.
 *
 * @throws CosellError `configuration` when the server is too old, another version of cosell has
 * migrated the database, or a migration fails; `tryAgainLater` when a table stays locked.
 */
export async function migrate<Schema>(
  db: Kysely<Schema>,
  {
    folder = shippedFolder,
    lockTimeoutMs = defaultLockTimeoutMs,
    patienceMs = defaultPatienceMs,
  }: MigrateOptions = {},
): Promise<string[]> {
  await refuseOldServer(db)
  const migrations = await readMigrations(folder, lockTimeoutMs)
  await refuseOtherVersion(db, Object.keys(migrations))
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableSchema: ledgerSchema,
    migrationTableName: ledgerTable,
    migrationLockTableName: `${ledgerTable}_lock`,
    // Kysely would order the ledger by the clocks of the machines that wrote it, and refuse a
    // database for good when they differed. `refuseOtherVersion` compares the names instead.
    allowUnorderedMigrations: true,
  })
  const applied: string[] = []
  let started = performance.now()
  // One step a call: Kysely wraps a call in one transaction, and a file is to be one transaction.
  for (;;) {
    const { error, results = [] } = await migrator.migrateUp()
    const step = results.at(-1)?.migrationName
    if (error !== undefined) {
      const isOver = performance.now() - started >= patienceMs
      if (isOver || codeOf(error) !== lockNotAvailable) throw failure(error, step)
      await sleep(pauseMs)
      continue
    }
    if (step === undefined) return applied
    applied.push(step)
    started = performance.now()
  }
}

/** Names of migrations: of those that are applied, and of those that `migrate` would apply. */
export interface SchemaState {
  readonly applied: readonly string[]
  readonly pending: readonly string[]
}

/**
 * How far the schema has come; changes nothing.
 *
 * @throws CosellError `configuration` when another version of cosell has migrated the database.
 */
export async function compareSchema<Schema>(
  db: Kysely<Schema>,
  folder = shippedFolder,
): Promise<SchemaState> {
  const known = Object.keys(await readMigrations(folder, defaultLockTimeoutMs))
  await refuseOtherVersion(db, known)
  const applied = await readLedger(db)
  return { applied, pending: known.filter((name) => !applied.includes(name)) }
}

async function readMigrations(folder: string, lockTimeoutMs: number) {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const migrations: Record<string, Migration> = {}
  for (const name of names) {
    const text = await readFile(path.join(folder, name), 'utf8')
    migrations[path.basename(name, '.sql')] = { up: (db) => apply(db, text, lockTimeoutMs) }
  }
  return migrations
}

async function apply(db: Kysely<unknown>, text: string, lockTimeoutMs: number): Promise<void> {
  await sql`set local lock_timeout = ${sql.lit(lockTimeoutMs)}`.execute(db)
  // A role may come with a statement timeout meant for queries; filling the calendar is no query.
  await sql`set local statement_timeout = 0`.execute(db)
  await sql.raw(text).execute(db)
}

async function refuseOldServer<Schema>(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ version_number: string; version: string }>`
    select
      current_setting('server_version_num') as version_number,
      current_setting('server_version') as version
  `.execute(db)
  const server = rows[0]
  if (server !== undefined && Number(server.version_number) >= serverVersionMin * 10_000) return
  throw new CosellError(
    'configuration',
    'migrate.server_too_old',
    `Database server: expected PostgreSQL ${serverVersionMin} or newer, got ${server?.version}. ` +
      'Upgrade it, or unset COSELL_DATABASE_URL to use the embedded server.',
  )
}

/** Migrations are only ever added at the end, so what was applied must be the first of ours. */
async function refuseOtherVersion<Schema>(db: Kysely<Schema>, known: string[]): Promise<void> {
  const applied = await readLedger(db)
  const unknown = applied.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new CosellError(
      'configuration',
      'migrate.newer_database',
      `Database: expected no migration after ${known.at(-1)}, got ${unknown.join(', ')}. ` +
        'A newer cosell has been here: install it, or point this one at another database.',
    )
  }
  const skipped = known.slice(0, applied.length).filter((name) => !applied.includes(name))
  if (skipped.length > 0) {
    throw new CosellError(
      'configuration',
      'migrate.skipped',
      `Database: expected ${skipped.join(', ')} before ${applied.at(-1)}, got it missing. ` +
        'A cosell that was not released has been here: restore a backup or start a new database.',
    )
  }
}

async function readLedger<Schema>(db: Kysely<Schema>): Promise<string[]> {
  const name = `${ledgerSchema}.${ledgerTable}`
  const { rows } = await sql<{ exists: boolean }>`
    select to_regclass(${name}) is not null as exists
  `.execute(db)
  if (rows[0]?.exists !== true) return []
  const ledger = await sql<{ name: string }>`
    select name from ${sql.table(name)} order by name
  `.execute(db)
  return ledger.rows.map((row) => row.name)
}

function failure(error: unknown, migration: string | undefined): CosellError {
  const where = migration === undefined ? 'Migrations' : `Migration ${migration}`
  const reason = error instanceof Error ? error.message : String(error)
  const refuse = (kind: FailureKind, code: string, advice: string) =>
    new CosellError(kind, code, `${where}: expected to apply, got: ${reason}. ${advice}`, {
      cause: error,
    })
  if (codeOf(error) === lockNotAvailable) {
    const advice = 'Another session uses the table. Nothing was changed; try again when it is done.'
    return refuse('tryAgainLater', 'migrate.lock_timeout', advice)
  }
  if (databaseFailure(error).kind === 'tryAgainLater') {
    return refuse('tryAgainLater', 'migrate.interrupted', 'It was rolled back; run again.')
  }
  const advice = 'It was rolled back. The user needs CREATE on the database and owns its schemas.'
  return refuse('configuration', 'migrate.failed', advice)
}
