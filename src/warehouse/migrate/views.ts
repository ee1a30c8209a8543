import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, type QueryExecutorProvider, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { madeFunctions } from '../access/roles.ts'
import { codeOf } from '../connection/database.ts'
import { actAsOwner, readForeignMarts } from './check-target.ts'
import { hasTable } from './ledger.ts'
import { clearComments, inheritComments } from './view-comments.ts'
import { dropFunctions, readFunctions, replaceFunctions } from './view-functions.ts'
import { dropView, restoreGrants } from './view-grants.ts'

/** One view of `mart`: its file, the functions that the file makes, and the views that it reads. */
export interface MartView {
  readonly name: string
  readonly text: string
  readonly digest: string
  readonly functions: readonly string[]
  readonly reads: readonly string[]
}

interface LedgerEntry {
  readonly view_name: string
  readonly definition_digest: string
  readonly exists: boolean
}

type Db = QueryExecutorProvider

const beforeViews = 'before_views'

/**
 * SQLSTATE invalid_table_definition, since `create or replace view` only adds columns at the end, and
 * invalid_function_definition, since a function keeps its columns and the names of its arguments.
 */
const cannotReplaceCodes = ['42P16', '42P13']
/** SQLSTATE feature_not_supported and dependent_objects_still_exist. */
const heldByViewCodes = ['0A000', '2BP01']

/** The views of a folder, each after those that it reads; the name of a file is that of its view. */
export async function readMarts(folder: string): Promise<MartView[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  const names = files.map((file) => path.basename(file, '.sql'))
  const views = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(path.join(folder, `${name}.sql`), 'utf8')
      const digest = createHash('sha256').update(text).digest('hex')
      const made = text.matchAll(/^create or replace function mart\.(\w+)/gm)
      const functions = Array.from(made, ([, made = '']) => made)
      return { name, text, digest, functions, reads: readsOf(text, name, names) }
    }),
  )
  return inOrder(views)
}

/** Comments name other views too, so only the statement before the first of them counts. */
function readsOf(text: string, name: string, names: readonly string[]): string[] {
  const [statement = ''] = text.replaceAll(/--.*$/gm, '').split(/^comment on /m)
  const mentioned = new Set([...statement.matchAll(/\bmart\.(\w+)/g)].map((match) => match[1]))
  return names.filter((other) => other !== name && mentioned.has(other))
}

function inOrder(views: readonly MartView[]): MartView[] {
  const ordered: MartView[] = []
  for (let left = [...views]; left.length > 0; ) {
    const ready = left.filter((view) => !left.some((other) => view.reads.includes(other.name)))
    if (ready.length === 0) {
      const names = left.map((view) => view.name).join(', ')
      throw new CosellError(
        'migrate.view_circle',
        `sql/marts: expected views that can be created one after another, got ${names}, which ` +
          'read one another. Break the circle.',
      )
    }
    ordered.push(...ready)
    left = left.filter((view) => !ready.includes(view))
  }
  return ordered
}

/** Names of the views that `recreateMarts` would create, replace or drop; changes nothing. */
export async function changedMarts(db: Db, views: readonly MartView[]): Promise<string[]> {
  const ledger = await readLedger(db)
  const gone = ledger.filter((entry) => !views.some((view) => view.name === entry.view_name))
  return [...changedOf(views, ledger), ...gone].map((view) =>
    'name' in view ? view.name : view.view_name,
  )
}

/**
 * Makes the views of `mart` what `views` say and returns the names of those that it touched, in one
 * transaction: readers see the old ones or the new ones. A view whose file is the same is not even
 * locked. One that only gains columns is replaced, another dropped and created again with its
 * grants, together with those that read it. Views of other people are never dropped. Any number of
 * processes may call it at once.
 *
 * @throws DatabaseError lock_not_available when a reader keeps a view for `lockTimeoutMs`.
 */
export async function recreateMarts<Schema>(
  db: Kysely<Schema>,
  views: readonly MartView[],
  lockTimeoutMs: number,
): Promise<string[]> {
  if ((await changedMarts(db, views)).length === 0) return []
  return db.transaction().execute(async (transaction) => {
    await sql`set local statement_timeout = 0`.execute(transaction)
    // The catalog is read once a view: to plan the joins in the order in which they are written, which is a good
    // one, takes a quarter of what the search for the best takes.
    await sql`set local join_collapse_limit = 1`.execute(transaction)
    await actAsOwner(transaction)
    return putViews(transaction, views, lockTimeoutMs)
  })
}

/** Recreates the marts in the caller's transaction. */
async function putViews(db: Db, views: readonly MartView[], lockTimeoutMs: number) {
  const untilMs = performance.now() + lockTimeoutMs
  // Readers queue behind the first view that is locked, so all waits share one limit.
  const limitWait = () => {
    const leftMs = Math.max(1, Math.round(untilMs - performance.now()))
    return sql`set local lock_timeout = ${sql.lit(leftMs)}`.execute(db)
  }
  await limitWait()
  await sql`lock table etl.mart_view in share row exclusive mode`.execute(db)
  await rejectForeign(
    db,
    views.map((view) => view.name),
  )
  const touched: string[] = []
  let ledger = await readLedger(db)
  for (const view of views) {
    if (changedOf([view], ledger).length === 0) continue
    await limitWait()
    const entry = ledger.find(({ view_name }) => view_name === view.name)
    const isReplaced = await putView(db, view, entry)
    // A view that had to be dropped took those along that read it.
    if (!isReplaced) ledger = await readLedger(db)
    touched.push(view.name)
  }
  const known = views.map((view) => view.name)
  const gone = (await readLedger(db)).filter((entry) => !known.includes(entry.view_name))
  const replaced = await readForeignMarts(
    db,
    gone.map((entry) => entry.view_name),
  )
  for (const { view_name } of gone) {
    await limitWait()
    if (!replaced.some(({ name }) => name === view_name)) await dropView(db, view_name)
    await sql`delete from etl.mart_grant where view_name = ${view_name}`.execute(db)
    await sql`delete from etl.mart_view where view_name = ${view_name}`.execute(db)
    touched.push(view_name)
  }
  const shipped = new Set(views.flatMap((view) => view.functions))
  const left = madeFunctions.filter((name) => !shipped.has(name))
  await dropFunctions(db, await readFunctions(db, left))
  return touched
}

/**
 * A view is neither replaced nor read where somebody else's object has its name: a model of another
 * tool may have dropped ours and taken the name.
 *
 * @throws CosellError `configuration` that names the objects and their owners.
 */
async function rejectForeign(db: Db, names: readonly string[]): Promise<void> {
  const foreign = await readForeignMarts(db, names)
  if (foreign.length === 0) return
  const found = foreign.map(({ name, kind, owner }) => `mart.${name}, a ${kind} of "${owner}"`)
  throw new CosellError(
    'migrate.name_taken',
    `Views of mart: expected names that are free or views that cosell made, got ` +
      `${found.join('; ')}. Nothing was changed. Rename it or drop it, then run again.`,
  )
}

function changedOf(views: readonly MartView[], ledger: readonly LedgerEntry[]): MartView[] {
  return views.filter((view) => {
    const entry = ledger.find(({ view_name }) => view_name === view.name)
    return entry?.exists !== true || entry.definition_digest !== view.digest
  })
}

async function readLedger(db: Db): Promise<LedgerEntry[]> {
  const { rows } = await sql<LedgerEntry>`
    select
      v.view_name,
      v.definition_digest,
      exists (
        select from pg_class c
        where c.relnamespace = 'mart'::regnamespace and c.relname = v.view_name
      ) as exists
    from etl.mart_view v
  `.execute(db)
  return rows
}

/** Returns whether the view was created or replaced; false when it was dropped before, with its readers. */
async function putView(db: Db, view: MartView, entry: LedgerEntry | undefined): Promise<boolean> {
  await clearComments(db, view.name)
  const functions = await readFunctions(db, view.functions)
  const within = inOneMessage(view.text)
  const isReplaced = await isDone(db, cannotReplaceCodes, () => within.execute(db))
  if (!isReplaced) {
    for (const name of await readersOf(db, view.name)) await dropView(db, name)
    await dropView(db, view.name)
    await dropFunctions(db, functions)
    await sql.raw(view.text).execute(db)
  }
  await replaceFunctions(db, view.functions, functions)
  await inheritComments(db, view.name)
  // Without an entry of before, and with a digest in it, no grants were kept.
  if (!isReplaced || entry?.definition_digest === '') await restoreGrants(db, view.name)
  await sql`
    insert into etl.mart_view (view_name, definition_digest)
    values (${view.name}, ${view.digest})
    on conflict (view_name) do update
      set definition_digest = excluded.definition_digest, created_at = excluded.created_at
  `.execute(db)
  return isReplaced
}

/**
 * Runs a migration that may alter what views of ours read: where PostgreSQL refuses that, they are
 * dropped, and created again in the same transaction as far as the schema allows by then. What
 * needs a later migration follows after it; the grants wait in `etl.mart_grant`.
 */
export async function underMarts(
  db: Db,
  views: readonly MartView[],
  lockTimeoutMs: number,
  text: string,
): Promise<void> {
  if (await isDone(db, heldByViewCodes, () => inOneMessage(text).execute(db))) return
  const standing = (await hasLedger(db)) ? await readLedger(db) : []
  await rejectForeign(
    db,
    standing.map((entry) => entry.view_name),
  )
  for (const { view_name, exists } of standing) {
    if (!exists) continue
    for (const reader of await readersOf(db, view_name)) await dropView(db, reader)
    await dropView(db, view_name)
  }
  await sql.raw(text).execute(db)
  if (standing.length === 0) return
  const tooEarly = ['42P01', '42703', '42704', '42883']
  await orBack(db, tooEarly, () => putViews(db, views, lockTimeoutMs))
}

/** Whether the schema has come so far that views of `mart` can be kept. */
export function hasLedger(db: Db): Promise<boolean> {
  return hasTable(db, 'mart_view')
}

/** Whether `work` went through; false when it ended with one of `codes` and nothing of it is left. */
async function orBack(db: Db, codes: readonly string[], work: () => Promise<unknown>) {
  return isDone(db, codes, async () => {
    await sql.raw(`savepoint ${beforeViews}`).execute(db)
    await work()
    await sql.raw(`release savepoint ${beforeViews}`).execute(db)
  })
}

/** Statements between `beforeViews` and its release: where one fails, the savepoint is there to return to. */
function inOneMessage(text: string) {
  return sql.raw(`savepoint ${beforeViews};\n${text}\n;release savepoint ${beforeViews}`)
}

/** The same for work that sets the savepoint `beforeViews` and releases it. */
async function isDone(db: Db, codes: readonly string[], work: () => Promise<unknown>) {
  try {
    await work()
    return true
  } catch (error) {
    if (!codes.includes(codeOf(error))) throw error
    await sql.raw(`rollback to savepoint ${beforeViews}`).execute(db)
    return false
  }
}

/** Views of ours that read `name`, directly or not, those first that nobody else reads. */
async function readersOf(db: Db, name: string): Promise<string[]> {
  const { rows } = await sql<{ view_name: string }>`
    with recursive reader (oid, depth) as (
      select c.oid, 0
      from pg_class c
      where c.relnamespace = 'mart'::regnamespace and c.relname = ${name}
      union
      select w.ev_class, reader.depth + 1
      from reader
      join pg_depend d
        on d.refclassid = 'pg_class'::regclass
        and d.refobjid = reader.oid
        and d.classid = 'pg_rewrite'::regclass
      join pg_rewrite w on w.oid = d.objid and w.ev_class <> reader.oid
    )
    select v.view_name
    from reader
    join pg_class c on c.oid = reader.oid and c.relnamespace = 'mart'::regnamespace
    join etl.mart_view v on v.view_name = c.relname
    where reader.depth > 0
    group by v.view_name
    order by max(reader.depth) desc
  `.execute(db)
  return rows.map((row) => row.view_name)
}
