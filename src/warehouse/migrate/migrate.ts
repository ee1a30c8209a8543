import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Kysely, type Migration, Migrator, sql } from 'kysely'
import { CosellError, type FailureKind } from '../../errors.ts'
import { settleAccess } from '../access/grants.ts'
import { codeOf, databaseFailure } from '../connection/database.ts'
import {
  changedMarts,
  hasLedger,
  type MartView,
  readMarts,
  recreateMarts,
  underMarts,
} from './views.ts'

interface MigrateOptions {
  /** Where the `.sql` files are; those of the package unless a test says otherwise. */
  folder?: string
  /** Where the views of `mart` are; none are touched when only `folder` is given. */
  marts?: string
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
const shippedFolder = fileURLToPath(new URL('../../../sql/migrations/', import.meta.url))
const shippedMarts = fileURLToPath(new URL('../../../sql/marts/', import.meta.url))

const ledgerSchema = 'etl'
const ledgerTable = 'migration'
/** SQLSTATE lock_not_available. */
const lockNotAvailable = '55P03'
/** SQLSTATE deadlock_detected: a reader of two views may lock them in another order than we do. */
const deadlock = '40P01'
/** SQLSTATE dependent_objects_still_exist: somebody's own view reads one of ours. */
const stillRead = '2BP01'

/** What one call changed: names of migrations, in order, and of views of `mart`. */
export interface SchemaChange {
  readonly applied: string[]
  readonly views: string[]
  /** Statements for an administrator: rights that the role of the connection could not grant. */
  readonly lacking: string[]
}

/**
 * As `bringUpToDate`; the names of the migrations that were applied.
 *
 * @throws CosellError as `bringUpToDate`.
 */
export async function migrate<Schema>(
  db: Kysely<Schema>,
  options: MigrateOptions = {},
): Promise<string[]> {
  return (await bringUpToDate(db, options)).applied
}

/**
 * Brings the schema up to date, then the views of `mart`, and tells what this call changed; nothing
 * when there was nothing to do. Any number of processes may call it at once: each migration is
 * applied by one of them, in one transaction together with its entry in the ledger, and so are the
 * views, all together.
 *
 * @throws CosellError `configuration` when the server is too old, another version of cosell has
 * migrated the database, or a migration fails; `tryAgainLater` when a table stays locked.
 */
export async function bringUpToDate<Schema>(
  db: Kysely<Schema>,
  {
    folder,
    marts = folder === undefined ? shippedMarts : undefined,
    lockTimeoutMs = defaultLockTimeoutMs,
    patienceMs = defaultPatienceMs,
  }: MigrateOptions = {},
): Promise<SchemaChange> {
  await refuseOldServer(db)
  const views = marts === undefined ? [] : await readMarts(marts)
  const migrations = await readMigrations(folder ?? shippedFolder, lockTimeoutMs, views)
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
  // One step a call: Kysely wraps a call in one transaction, and a file is to be one transaction.
  for (;;) {
    const step = await patiently(patienceMs, () => applyNext(migrator))
    if (step === undefined) break
    applied.push(step)
  }
  const touched = await patiently(patienceMs, () => putMarts(db, views, marts, lockTimeoutMs))
  return { applied, views: touched, lacking: await settleAccess(db) }
}

/** Tries again while somebody else holds a table or a view. */
async function patiently<T>(patienceMs: number, attempt: () => Promise<T>): Promise<T> {
  const started = performance.now()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const isOver = performance.now() - started >= patienceMs
      if (isOver || !isHeld(error)) throw error
      await sleep(pauseMs)
    }
  }
}

function isHeld(error: unknown): boolean {
  return error instanceof CosellError && [lockNotAvailable, deadlock].includes(codeOf(error.cause))
}

/** Applies the next migration and returns its name; `undefined` when there is none. */
async function applyNext(migrator: Migrator): Promise<string | undefined> {
  const { error, results = [] } = await migrator.migrateUp()
  const name = results.at(-1)?.migrationName
  if (error === undefined) return name
  throw failure(error, name === undefined ? 'Migrations' : `Migration ${name}`)
}

async function putMarts<Schema>(
  db: Kysely<Schema>,
  views: readonly MartView[],
  folder: string | undefined,
  lockTimeoutMs: number,
): Promise<string[]> {
  if (folder === undefined || !(await hasLedger(db))) return []
  try {
    return await recreateMarts(db, views, lockTimeoutMs)
  } catch (error) {
    throw failure(error, 'Views of mart')
  }
}

/** Names of the migrations that are applied, and of the migrations and views that are due. */
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
  marts = shippedMarts,
): Promise<SchemaState> {
  const known = await readNames(folder)
  await refuseOtherVersion(db, known)
  const applied = await readLedger(db)
  const pending = known.filter((name) => !applied.includes(name))
  const views = (await hasLedger(db)) ? await changedMarts(db, await readMarts(marts)) : []
  return { applied, pending: [...pending, ...views.map((view) => `mart.${view}`)] }
}

async function readNames(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return files.map((name) => path.basename(name, '.sql'))
}

async function readMigrations(folder: string, lockTimeoutMs: number, views: readonly MartView[]) {
  const migrations: Record<string, Migration> = {}
  for (const name of await readNames(folder)) {
    const text = await readFile(path.join(folder, `${name}.sql`), 'utf8')
    migrations[name] = { up: (db) => apply(db, text, lockTimeoutMs, views) }
  }
  return migrations
}

async function apply(
  db: Kysely<unknown>,
  text: string,
  lockTimeoutMs: number,
  views: readonly MartView[],
): Promise<void> {
  await sql`set local lock_timeout = ${sql.lit(lockTimeoutMs)}`.execute(db)
  // A role may come with a statement timeout meant for queries; filling the calendar is no query.
  await sql`set local statement_timeout = 0`.execute(db)
  await underMarts(db, views, lockTimeoutMs, () => sql.raw(text).execute(db))
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

function failure(error: unknown, where: string): CosellError {
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
  if (codeOf(error) === stillRead) {
    const advice = 'It was rolled back. Drop what reads it, run again, and create it anew.'
    return refuse('configuration', 'migrate.still_read', advice)
  }
  const advice =
    'It was rolled back. Let a member of cosell_owner, or whoever owns the schemas, run `cosell ' +
    'migrate`; in an empty database, the user needs CREATE on it.'
  return refuse('configuration', 'migrate.failed', advice)
}
