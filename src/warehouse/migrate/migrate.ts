import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import pg from 'pg'
import type { ErrorCode } from '../../error-codes.ts'
import { CosellError } from '../../errors.ts'
import { applyGrants, closePeople } from '../access/grants.ts'
import { codeOf, databaseFailure } from '../connection/database.ts'
import { retryTransient } from '../connection/retry-transient.ts'
import { martsFolder, migrationsFolder } from '../sql-folder.ts'
import { adoptBaseline, baselineUpgrade, isBeforeBaseline } from './adopt-baseline.ts'
import {
  actAsOwner,
  readTarget,
  rejectOldServer,
  rejectOtherRole,
  rejectReader,
  rejectTakenSchemas,
  type Target,
} from './check-target.ts'
import { applyDue, type DueMigrations, readLedger } from './ledger.ts'
import { advanceSequences } from './sequences.ts'
import {
  changedMarts,
  hasLedger,
  type MartView,
  readMarts,
  recreateMarts,
  underMarts,
} from './views.ts'

interface MigrateOptions {
  /** Folder of the migrations; that of the package unless a test gives another. */
  folder?: string
  /** Folder of the views of `mart`; no view is touched when only `folder` is given. */
  marts?: string
  /** Longest wait of a statement for a table that another session uses. */
  lockTimeoutMs?: number
  /** Time for which a migration is retried while its tables are locked. */
  lockWaitMs?: number
}

/** Short, and repeated: readers that come later queue behind the wait. */
const defaultLockTimeoutMs = 1_000
/** Pause in which the queued readers are served. */
const pauseMs = 500
/** Longer than a dashboard's query. */
const defaultLockWaitMs = 30_000

/** SQLSTATE lock_not_available. */
const lockNotAvailable = '55P03'
/** SQLSTATE deadlock_detected: a reader of two views may lock them in another order than migrate. */
const deadlock = '40P01'
/** SQLSTATE dependent_objects_still_exist: a view that is not of cosell reads one that is. */
const stillRead = '2BP01'
/** SQLSTATE duplicate_table: others made a table, view or sequence of that name before. */
const nameInUse = '42P07'

/** Changes of one call: names of migrations, in order, and of views of `mart`. */
export interface SchemaChange {
  readonly applied: string[]
  readonly views: string[]
  /** Tables whose sequence was behind their largest key, and is no longer. */
  readonly sequences: string[]
  /** Statements for an administrator: rights that the role of the connection cannot grant. */
  readonly lacking: string[]
}

/**
 * Brings the schema up to date and returns the names of the migrations that were applied.
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
 * Brings the schema up to date, then the views of `mart` and the sequences, and returns the changes of this call. Any
 * number of processes may call it at once. One of them applies a migration, in one transaction with
 * its entry in the ledger. The views change together, in one transaction too.
 *
 * @throws CosellError `configuration` when the server is too old, another version of cosell has
 * migrated the database, or a migration fails; `tryAgainLater` when a table stays locked.
 */
export async function bringUpToDate<Schema>(
  db: Kysely<Schema>,
  {
    folder,
    marts = folder === undefined ? martsFolder : undefined,
    lockTimeoutMs = defaultLockTimeoutMs,
    lockWaitMs = defaultLockWaitMs,
  }: MigrateOptions = {},
): Promise<SchemaChange> {
  const target = await readTarget(db)
  rejectOldServer(target)
  const views = marts === undefined ? [] : await readMarts(marts)
  const migrations = folder ?? migrationsFolder
  const known = await readNames(migrations)
  const applied: string[] = []
  const state = await readState(db, target, known, views, marts)
  rejectOtherRole(target, state.pending)
  if (state.pending.includes(baselineUpgrade)) {
    const isAdopted = await retryWhileLocked(lockWaitMs, () => upgradeToBaseline(db, lockTimeoutMs))
    if (isAdopted) applied.push(baselineUpgrade)
  }
  const all = { folder: migrations, known, views, lockTimeoutMs }
  const isNew = target.ledger_owner === null
  if (isNew) applied.push(...(await applyAllToNew(db, all)))
  if (known.some((name) => ![...state.applied, ...applied].includes(name))) {
    for (;;) {
      const names = await retryWhileLocked(lockWaitMs, () => applyNext(db, all))
      if (names.length === 0) break
      applied.push(...names)
    }
  }
  const touched = await retryWhileLocked(lockWaitMs, () =>
    putMarts(db, views, marts, lockTimeoutMs),
  )
  // It reads all tables in one statement, and rights that another process sets at the time lock them in another
  // order: a deadlock.
  const late = isNew ? [] : await retryTransient(() => advanceSequences(db))
  const sequences = late.map(({ schema_name, table_name }) => `${schema_name}.${table_name}`)
  return { applied, views: touched, sequences, lacking: await applyGrants(db, { isNew }) }
}

/** Retries while another session holds a table or a view. */
async function retryWhileLocked<T>(lockWaitMs: number, attempt: () => Promise<T>): Promise<T> {
  const started = performance.now()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const isOver = performance.now() - started >= lockWaitMs
      if (isOver || !isLocked(error)) throw error
      await sleep(pauseMs)
    }
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof CosellError && [lockNotAvailable, deadlock].includes(codeOf(error.cause))
}

interface Migrations {
  readonly folder: string
  /** Names of all, in order. */
  readonly known: readonly string[]
  readonly views: readonly MartView[]
  readonly lockTimeoutMs: number
}

/**
 * Applies all migrations to a database without any, in one transaction and one message: of the CPU that
 * they take one by one, PostgreSQL 18 spent a quarter on what is done once for each, and Node.js more than
 * a third. Where that fails, nothing is applied, and one by one the failing one is named.
 */
async function applyAllToNew<Schema>(
  db: Kysely<Schema>,
  { folder, known, lockTimeoutMs }: Migrations,
): Promise<readonly string[]> {
  const choose = (applied: readonly string[]) => (applied.length === 0 ? known : [])
  const apply = async ({ names, transaction }: DueMigrations<Schema>) => {
    const texts = await Promise.all(names.map((name) => readMigration(folder, name)))
    await sql.raw(texts.join(';\n')).execute(transaction)
    await closePeople(transaction)
  }
  try {
    return await applyDue(db, lockTimeoutMs, choose, apply)
  } catch (error) {
    if (error instanceof pg.DatabaseError) return []
    throw failure(error, 'Migrations')
  }
}

/** Applies the next migration and returns its name; empty when there is none. */
async function applyNext<Schema>(
  db: Kysely<Schema>,
  { folder, known, views, lockTimeoutMs }: Migrations,
): Promise<readonly string[]> {
  let where = 'Migrations'
  const choose = (applied: readonly string[]) => {
    refuseOtherVersion(applied, known)
    return known.filter((name) => !applied.includes(name)).slice(0, 1)
  }
  const apply = async ({ names, transaction }: DueMigrations<Schema>) => {
    await actAsOwner(transaction)
    for (const name of names) {
      where = `Migration ${name}`
      await underMarts(transaction, views, lockTimeoutMs, await readMigration(folder, name))
    }
    await closePeople(transaction)
  }
  try {
    return await applyDue(db, lockTimeoutMs, choose, apply)
  } catch (error) {
    throw failure(error, where)
  }
}

function readMigration(folder: string, name: string): Promise<string> {
  return readFile(path.join(folder, `${name}.sql`), 'utf8')
}

async function upgradeToBaseline<Schema>(db: Kysely<Schema>, lockTimeoutMs: number) {
  try {
    return await adoptBaseline(db, lockTimeoutMs)
  } catch (error) {
    throw failure(error, 'Upgrade to the baseline')
  }
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

/** Names of the applied migrations, and of the pending migrations and views. */
export interface SchemaState {
  readonly applied: readonly string[]
  readonly pending: readonly string[]
}

/**
 * Returns the applied and the pending parts of the schema; changes nothing.
 *
 * @throws CosellError `configuration` when another version of cosell has migrated the database.
 */
export async function compareSchema<Schema>(
  db: Kysely<Schema>,
  folder = migrationsFolder,
  marts = martsFolder,
): Promise<SchemaState> {
  return readState(db, await readTarget(db), await readNames(folder), await readMarts(marts), marts)
}

/**
 * Checks that nothing of the schema is pending; changes nothing.
 *
 * @throws CosellError `configuration` when a part is, or another version has migrated the database.
 */
export async function requireUpToDate<Schema>(db: Kysely<Schema>): Promise<void> {
  const { pending } = await compareSchema(db)
  if (pending.length === 0) return
  const [first] = pending
  const names = pending.length === 1 ? first : `${first} to ${pending.at(-1)}`
  throw new CosellError(
    'migrate.pending',
    `Schema: expected nothing to apply, got ${pending.length} to apply (${names}). ` +
      'Run `cosell migrate`, which loads nothing, then this again.',
  )
}

async function readState<Schema>(
  db: Kysely<Schema>,
  target: Target,
  known: readonly string[],
  views: readonly MartView[],
  marts: string | undefined,
): Promise<SchemaState> {
  rejectReader(target)
  const applied = target.ledger_owner === null ? [] : await readLedger(db)
  rejectTakenSchemas(target, applied)
  if (isBeforeBaseline(applied)) return { applied, pending: [baselineUpgrade] }
  refuseOtherVersion(applied, known)
  const pending = known.filter((name) => !applied.includes(name))
  const isViewed = marts !== undefined && (await hasLedger(db))
  const changed = isViewed ? await changedMarts(db, views) : []
  return { applied, pending: [...pending, ...changed.map((view) => `mart.${view}`)] }
}

async function readNames(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return files.map((name) => path.basename(name, '.sql'))
}

/** Migrations are only added at the end, so the applied ones must be the first of the known ones. */
function refuseOtherVersion(applied: readonly string[], known: readonly string[]): void {
  const unknown = applied.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new CosellError(
      'migrate.newer_database',
      `Database: expected no migration after ${known.at(-1)}, got ${unknown.join(', ')}. ` +
        'A newer cosell has migrated it: install that version, or use another database.',
    )
  }
  const skipped = known.slice(0, applied.length).filter((name) => !applied.includes(name))
  if (skipped.length > 0) {
    throw new CosellError(
      'migrate.skipped',
      `Database: expected ${skipped.join(', ')} before ${applied.at(-1)}, got none. ` +
        'An unreleased cosell has migrated it: restore a backup or start a new database.',
    )
  }
}

function failure(error: unknown, where: string): CosellError {
  if (error instanceof CosellError) return error
  const reason = error instanceof Error ? error.message : String(error)
  const failed = (code: ErrorCode, advice: string) =>
    new CosellError(code, `${where}: expected to apply, got: ${reason}. ${advice}`, {
      cause: error,
    })
  if (codeOf(error) === lockNotAvailable) {
    const advice =
      'Another session uses the table. Nothing was changed; run again when it has ended.'
    return failed('migrate.lock_timeout', advice)
  }
  if (databaseFailure(error).kind === 'tryAgainLater') {
    return failed('migrate.interrupted', 'It was rolled back; run again.')
  }
  if (codeOf(error) === stillRead) {
    const advice =
      'It was rolled back. Drop the object that reads it, run again, and create it anew.'
    return failed('migrate.still_read', advice)
  }
  if (codeOf(error) === nameInUse) {
    const advice =
      'It was rolled back. Another role made an object of that name: rename or drop it, then run ' +
      'again.'
    return failed('migrate.name_taken', advice)
  }
  const advice =
    'It was rolled back. Let a member of cosell_owner, or the owner of the schemas, run `cosell ' +
    'migrate`; `cosell doctor` names what others own.'
  return failed('migrate.failed', advice)
}
