import { sql } from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import { type Database, type TableName, tables } from '../../warehouse/tables.generated.ts'
import { unknownPrincipal } from '../runs/ledger.ts'

/** Rows of a run that go with it. */
const ofRuns: readonly TableName[] = [
  'etl.run_table',
  'etl.extract_window',
  'dw.fact_run',
  'etl.run',
]

/**
 * Finds the runs of all accounts that ended before an instant and that nothing needs: no stored row names
 * them, and none of them says where the next run, a backfill or a look at the state begins.
 */
export async function findRuns(
  query: Kysely<Database>,
  before: string,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const { rows } = await sql<{ key: number; run_id: number }>`
    select run.partner_account_key as key, run.run_id
    from etl.run run
    where run.run_status in ('published', 'abandoned', 'failed')
      -- A run that was killed has no end.
      and coalesce(run.finished_at, run.extracted_at, run.started_at) < ${before}::timestamptz
      and run.run_id not in (${neededRuns})`.execute(query)
  const left = new Set(rows.map(({ run_id }) => run_id))
  for (const name of namingTables) {
    if (left.size === 0) break
    for (const run of await namedIn(query, name, [...left])) left.delete(run)
  }
  const byAccount = new Map<number, number[]>()
  for (const { key, run_id } of rows) {
    if (left.has(run_id)) byAccount.set(key, [...(byAccount.get(key) ?? []), run_id])
  }
  return byAccount
}

/** Counts the rows of runs, by table. */
export async function countRuns(
  query: Kysely<Database>,
  runs: readonly number[],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of ofRuns) {
    const { rows } = await sql<{ rows: number }>`
      select count(*) as rows from ${sql.table(name)}
      where run_id = any(${runs}::bigint[])`.execute(query)
    counts[name] = rows[0]?.rows ?? 0
  }
  return counts
}

/** Deletes runs, with what they say of their tables and windows. Returns the rows by table. */
export async function deleteRuns(
  transaction: Transaction<Database>,
  runs: readonly number[],
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of ofRuns) {
    const deleted = await sql`
      delete from ${sql.table(name)} where run_id = any(${runs}::bigint[])`.execute(transaction)
    counts[name] = Number(deleted.numAffectedRows ?? 0)
  }
  return counts
}

const runColumns = (name: TableName) =>
  (tables[name].columns as readonly string[]).filter((column) => /(^|_)run_id$/.test(column))

/** Tables whose rows name the runs that wrote them. */
const namingTables = (Object.keys(tables) as TableName[]).filter(
  (name) => !ofRuns.includes(name) && runColumns(name).length > 0,
)

async function namedIn(
  query: Kysely<Database>,
  name: TableName,
  runs: readonly number[],
): Promise<number[]> {
  const values = runColumns(name).map((column) => sql`(${sql.ref(`t.${column}`)})`)
  // All columns in one scan; the runs are hashed.
  const { rows } = await sql<{ run_id: number }>`
    select distinct named.run_id
    from ${sql.table(name)} t
    cross join lateral (values ${sql.join(values)}) named (run_id)
    join unnest(${runs}::bigint[]) asked (run_id) on asked.run_id = named.run_id`.execute(query)
  return rows.map(({ run_id }) => run_id)
}

/** The run of each account that is first by an order. */
const firstBy = (where: string, order: string, also = '') =>
  sql.raw(`(
    select distinct on (partner_account_key${also}) run_id
    from etl.run
    where ${where}
    order by partner_account_key${also}, ${order})`)

const neededRuns = sql`
  ${firstBy('true', 'run_id desc')}
  union all ${firstBy('finished_at is not null', 'run_id desc')}
  union all ${firstBy(`run_status = 'published'`, 'run_id desc')}
  union all ${firstBy(`run_status = 'published'`, 'published_at desc')}
  -- The age of the last night, by cosell check.
  union all ${firstBy(
    `run_status = 'published' and run_mode in ('incremental', 'full', 'import')`,
    'published_at desc',
  )}
  -- Where the next read begins, and when a full one is due.
  union all ${firstBy(
    `run_status = 'published' and watermark_text is not null`,
    'watermark_text collate "C" desc, run_id desc',
  )}
  union all ${firstBy(`run_status = 'published' and is_complete`, 'started_at desc, run_id desc')}
  -- What the API counts beyond the warehouse, by user.
  union all ${firstBy(
    'listed_total is not null and known_total is not null',
    'run_id desc',
    `, coalesce(principal, '${unknownPrincipal}')`,
  )}
  -- How far a backfill has come with each window.
  union all (
    select distinct on (run.partner_account_key, w.filter_from, w.filter_to) run.run_id
    from etl.run run
    join etl.extract_window w on w.run_id = run.run_id
    where run.run_mode = 'backfill'
    order by run.partner_account_key, w.filter_from, w.filter_to, run.run_id desc)`
