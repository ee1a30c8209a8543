import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { beginWindow, type LandedPayload, landPage } from '../../src/load/landing/land-page.ts'
import type { LandedScope } from '../../src/load/landing/landed-pages.ts'
import { readLanded } from '../../src/load/landing/read-landed.ts'
import { publish } from '../../src/load/publish/publish.ts'
import type { PublishResult } from '../../src/load/publish/publish-task.ts'
import { enterAccount } from '../../src/load/runs/accounts.ts'
import { acquireLease, type Lease } from '../../src/load/runs/lease.ts'
import { beginRun, type RunMode } from '../../src/load/runs/ledger.ts'
import { type Reference, readReference } from '../../src/load/runs/reference.ts'
import { clearStage, stageRows } from '../../src/load/staging/stage.ts'
import type { StageTable } from '../../src/load/staging/stage-tables.ts'
import { createLog } from '../../src/log.ts'
import { toContext } from '../../src/pipeline/transform-and-publish.ts'
import { splitPii } from '../../src/transform/pii/split-pii.ts'
import { type TransformContext, toRows } from '../../src/transform/to-rows.ts'
import type { Warehouse } from '../../src/warehouse/connection/database.ts'
import type { TableName } from '../../src/warehouse/tables.generated.ts'

export const silent = createLog({ write: () => undefined, isTerminal: false }, 'silent').logger

/** An account of the warehouse whose lease the test holds. */
export interface TestAccount {
  readonly warehouse: Warehouse
  readonly lease: Lease
  readonly key: number
  readonly reference: Reference
  readonly context: TransformContext
}

/** Source whose tenant nothing names: two accounts of it may be two sources. */
export const unnamedSource = {
  apiUrl: 'https://api.example.com',
  tenantId: null,
  organizationId: null,
}

export async function anAccount(warehouse: Warehouse, name = 'north'): Promise<TestAccount> {
  const key = await enterAccount(warehouse.query, { name, tenantId: undefined }, unnamedSource)
  const lease = await acquireLease(warehouse.query, key, 'a test', silent)
  const reference = await readReference(warehouse.query)
  return { warehouse, lease, key, reference, context: toContext(reference) }
}

/** `5d3f9a10-...-000000000001` for 1 and so on. */
export function referralIdOf(no: number): string {
  return `5d3f9a10-0000-4000-8000-${String(no).padStart(12, '0')}`
}

export async function aRun(
  { warehouse, key }: TestAccount,
  mode: RunMode = 'incremental',
): Promise<number> {
  const runId = await beginRun(warehouse.query, {
    partnerAccountKey: key,
    mode,
    from: null,
    to: null,
    appVersion: '0.0.0',
    transformVersion: 1,
  })
  const [from, to] = ['2000-01-01T00:00:00Z', '2026-01-01T00:00:00Z']
  await beginWindow(warehouse.query, { runId, windowNo: 1, from, to })
  return runId
}

export const observedAt = '2026-01-05T02:00:00Z'

/** A referral split and hashed as the pipeline lands it. */
export function aLanding(wire: unknown, at = observedAt): LandedPayload {
  const cut = splitPii(wire)
  return {
    resource_id: cut.resourceId ?? '(no id)',
    payload_hash: createHash('sha256').update(cut.canonical).digest('hex'),
    observed_at: at,
    source_ref: 'a page',
    source_updated_at: cut.sourceUpdatedAt,
    source_updated_text: cut.sourceUpdatedText,
    payload: cut.payload,
    people: cut.people,
  }
}

/** Lands one page of referrals; returns how many versions were new. */
export async function landReferrals(
  account: TestAccount,
  runId: number,
  wires: readonly unknown[],
  at = observedAt,
): Promise<number> {
  const landed = await landPage(account.warehouse.query, account.lease, {
    runId,
    windowNo: 1,
    landings: wires.map((wire) => aLanding(wire, at)),
  })
  return landed.length
}

/** Stages the landed versions that are not published yet, or all of them. */
export async function stageLanded(
  { warehouse, lease, key, context }: TestAccount,
  scope: LandedScope,
): Promise<Map<StageTable, number>> {
  await clearStage(warehouse.query, lease)
  async function* batches() {
    let referral_no = 0
    for await (const landed of readLanded(warehouse.query, key, scope)) {
      referral_no += 1
      yield toRows({ partner_account_key: key, referral_no, ...landed }, context).rows
    }
  }
  return stageRows(warehouse, lease, batches())
}

export interface PublishChanges {
  readonly watermark?: string | null
  readonly quarantinePercentMax?: number
  readonly quarantineCountMax?: number
}

export async function publishStaged(
  { warehouse, lease }: TestAccount,
  runId: number,
  staged: ReadonlyMap<StageTable, number>,
  changes: PublishChanges & { scope?: LandedScope; rowsRead?: number } = {},
): Promise<PublishResult> {
  const { scope = 'unpublished' } = changes
  return publish(warehouse, lease, {
    runId,
    watermark: null,
    staged,
    scope,
    rowsRead: await rowsReadBy(warehouse, lease.partnerAccountKey, runId, scope),
    quarantinePercentMax: 1,
    quarantineCountMax: 10,
    ...changes,
  })
}

/** Rows of the pages that a run landed; in a rebuild, all landed versions. */
async function rowsReadBy(
  { query }: Pick<Warehouse, 'query'>,
  accountKey: number,
  runId: number,
  scope: LandedScope,
): Promise<number> {
  const ids = typeof scope === 'string' ? null : scope.ids
  const counted = await sql<{ rows: number }>`
    select case when ${scope === 'unpublished'} then
        (select count(*) from stg.listed_referral where run_id = ${runId})
      else
        (select count(*) from raw.payload
          where partner_account_key = ${accountKey} and resource_type = 'referral'
            and (${ids}::text[] is null or resource_id = any(${ids}::text[])))
      end as rows`.execute(query)
  return counted.rows[0]?.rows ?? 0
}

export interface LoadChanges extends PublishChanges {
  readonly at?: string
}

export interface Loaded extends PublishResult {
  readonly runId: number
}

/** One whole run over one page of referrals. */
export async function load(
  account: TestAccount,
  wires: readonly unknown[],
  { at, ...changes }: LoadChanges = {},
): Promise<Loaded> {
  const runId = await aRun(account)
  await landReferrals(account, runId, wires, at)
  const staged = await stageLanded(account, 'unpublished')
  return { runId, ...(await publishStaged(account, runId, staged, changes)) }
}

/** One whole rebuild. */
export async function reload(account: TestAccount, changes: PublishChanges = {}): Promise<Loaded> {
  const runId = await aRun(account, 'rebuild')
  const staged = await stageLanded(account, 'all')
  return {
    runId,
    ...(await publishStaged(account, runId, staged, { ...changes, scope: 'all' })),
  }
}

/** Rows written, table by table, without the tables that got none. */
export function writtenBy({ written }: PublishResult): Record<string, string> {
  const rows = written.filter(({ inserted, updated, deleted }) => inserted + updated + deleted > 0)
  return Object.fromEntries(
    rows.map(({ table, inserted, updated, deleted }) => [
      table,
      `${inserted} new, ${updated} changed, ${deleted} gone`,
    ]),
  )
}

export async function countOf(
  { query }: Pick<Warehouse, 'query'>,
  table: TableName,
): Promise<number> {
  const counted = await sql<{ rows: number }>`
    select count(*) as rows from ${sql.table(table)}`.execute(query)
  return counted.rows[0]?.rows ?? 0
}

/** Text that changes with every row of an account that is inserted, updated, deleted or locked. */
export async function physicalState(
  { query }: Pick<Warehouse, 'query'>,
  accountKey: number,
  tables: readonly TableName[],
): Promise<Record<string, string>> {
  const states: Record<string, string> = {}
  for (const table of tables) {
    const state = await sql<{ state: string }>`
      select count(*) || ' rows ' || coalesce(md5(string_agg(
        concat_ws(' ', ctid, xmin, xmax), ',' order by ctid)), '') as state
      from ${sql.table(table)} where partner_account_key = ${accountKey}`.execute(query)
    states[table] = state.rows[0]?.state ?? ''
  }
  return states
}

/** Runs `use` while another session keeps writers, but not readers, out of a table. */
export function whileLocked<T>(
  { query }: Pick<Warehouse, 'query'>,
  table: TableName,
  use: () => Promise<T>,
): Promise<T> {
  return query.transaction().execute(async (transaction) => {
    await sql`lock table ${sql.table(table)} in exclusive mode`.execute(transaction)
    return use()
  })
}

/** Waits until `count` statements in the database wait for a lock; fails after ten seconds. */
export async function untilWaiting({ query }: Pick<Warehouse, 'query'>, count: number) {
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline) {
    const waiting = await sql`
      select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(query)
    if (waiting.rows.length === count) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`expected ${count} statements that wait for a lock`)
}

/** The error that a promise fails with; fails when it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  if (outcome === undefined) throw new Error('expected a failure, got success')
  return outcome.error
}
