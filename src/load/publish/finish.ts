import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { LandedScope } from '../landing/read-landed.ts'
import { markPublished } from '../runs/ledger.ts'
import type { StageTable } from '../staging/stage.ts'
import { runChecks } from './checks.ts'
import type { Conservation } from './reconcile.ts'
import type { Publication, RowsWritten } from './upsert.ts'

/** What a publish is to do, however its rows come in. */
export interface PublishTask {
  readonly runId: number
  readonly watermark: string | null
  /** Whose versions are published. In a replay, of all or some, only a row that differs has changed. */
  readonly scope: LandedScope
  /** Above both, the run publishes nothing: many unreadable referrals mean that the source changed. */
  readonly quarantinePercentMax: number
  readonly quarantineCountMax: number
}

export interface PublishResult {
  readonly written: readonly RowsWritten[]
  /** Referrals that could be read. */
  readonly staged: number
  /** Referrals with a new version; in a replay, those whose row in `dw.dim_referral` differs. */
  readonly changed: number
  readonly quarantined: number
  readonly missing: number
  readonly conservation: Conservation
}

/** What was written, before it is known to be right. */
export interface WrittenRows {
  readonly written: readonly RowsWritten[]
  readonly staged: ReadonlyMap<StageTable, number>
  readonly quarantined: number
  readonly missing: number
  readonly conservation: Conservation
}

/** Settings for statements over many rows, until the transaction ends. */
export async function prepareForBulk(transaction: Transaction<Database>) {
  await sql`set local work_mem = '96MB'`.execute(transaction)
  // The row estimates of some checks are high enough for it, and their code runs once.
  await sql`set local jit = off`.execute(transaction)
}

/**
 * Holds what was written against the promises of `sql/checks`, all or those named, and enters it in
 * the ledger.
 *
 * @throws CosellError `checkFailed` when a promise is broken or too many referrals are set aside.
 */
export async function conclude(
  transaction: Transaction<Database>,
  publication: Publication,
  task: PublishTask,
  { written, quarantined, missing, conservation, ...rest }: WrittenRows,
  checks?: readonly string[],
): Promise<PublishResult> {
  const { scope, watermark } = task
  const staged = rest.staged.get('stg.dim_referral') ?? 0
  const changed = scope === 'unpublished' ? staged : countWritten(written, 'dw.dim_referral')
  // Those that are tried again by name were set aside before: none of them is news.
  if (typeof scope === 'string') refuseTooMany(quarantined, staged + quarantined, task)
  await runChecks(transaction, checks)
  await transaction
    .deleteFrom('stg.referral_key')
    .where('partner_account_key', '=', publication.partnerAccountKey)
    .execute()
  await recordTables(transaction, publication, written, rest.staged)
  const isOfSome = typeof scope !== 'string'
  const figures = { watermark, changed, quarantined, missing, isOfSome }
  await markPublished(transaction, { ...publication, ...figures })
  return { written, staged, changed, quarantined, missing, conservation }
}

function countWritten(written: readonly RowsWritten[], name: string): number {
  const rows = written.find(({ table }) => table === name)
  return rows === undefined ? 0 : rows.inserted + rows.updated
}

function refuseTooMany(quarantined: number, all: number, task: PublishTask) {
  const percent = all === 0 ? 0 : (100 * quarantined) / all
  if (quarantined <= task.quarantineCountMax || percent <= task.quarantinePercentMax) return
  const text =
    `${quarantined} of ${all} referrals cannot be read (${percent.toFixed(1)} %; at most ` +
    `${task.quarantinePercentMax} % or ${task.quarantineCountMax} are set aside), so nothing was ` +
    'published. Look at etl.run.error_message and at the source; raise quarantine_percent_max in ' +
    'etl.setting to go on without them.'
  throw new CosellError('checkFailed', 'quarantine.threshold', text)
}

async function recordTables(
  transaction: Transaction<Database>,
  publication: Publication,
  written: readonly RowsWritten[],
  staged: ReadonlyMap<string, number>,
) {
  const rows = written.map(({ table, inserted, updated, deleted }) => ({
    run_id: publication.runId,
    table_name: table,
    staged_count: staged.get(`stg.${table.slice(table.indexOf('.') + 1)}`) ?? 0,
    inserted_count: inserted,
    updated_count: updated,
    deleted_count: deleted,
  }))
  await transaction.insertInto('etl.run_table').values(rows).execute()
}
