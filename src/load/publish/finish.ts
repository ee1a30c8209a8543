import { CosellError } from '../../errors.ts'
import { analyzeGrown } from '../../warehouse/connection/analyze.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import { retryTransient } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { markPublished } from '../runs/ledger.ts'
import type { StageTable } from '../staging/stage-tables.ts'
import { checkNames, runChecks } from './checks.ts'
import { countQuarantined } from './publish-quarantine.ts'
import type { PublishResult, PublishTask } from './publish-task.ts'
import type { Reconciliation } from './reconcile.ts'
import { mayHaveRows, type Publication, type RowsWritten } from './star/upsert.ts'
import { checkStep, stepNames } from './steps.ts'

/** Checks that do not begin with the referrals of a publish, and may fail without any. */
const checksOfAll = ['every_key_has_its_dimension']

/** Holds of a publish of all that has landed: what a failed run landed beside named referrals still waits. */
const checkOfUnpublished = 'everything_landed_has_its_place'

/** Rows written by a publish, before the checks. */
export interface WrittenRows {
  readonly written: readonly RowsWritten[]
  readonly staged: ReadonlyMap<StageTable, number>
  readonly quarantined: number
  readonly missing: number
  readonly reconciliation: Reconciliation
}

/**
 * Analyzes the tables that a publish let grow, after its commit: ANALYZE keeps other accounts from
 * analyzing a table until the transaction ends, and no statement of a publish needs it.
 */
export function analyzePublished(
  query: Kysely<Database>,
  { written }: Pick<PublishResult, 'written'>,
): Promise<void> {
  const grown = written.map(
    ({ table, inserted, updated, deleted }) => [table, inserted + updated + deleted] as const,
  )
  return retryTransient(() => analyzeGrown(query, grown))
}

/**
 * Runs the checks of `sql/checks`, all or the named ones, over the written rows and records them in
 * the ledger.
 *
 * @throws CosellError `checkFailed` when a check fails, or when too many of the referrals or all that
 *   were read are quarantined.
 */
export async function finishPublish(
  transaction: Transaction<Database>,
  publication: Publication,
  task: PublishTask,
  { written, quarantined, missing, reconciliation, ...rest }: WrittenRows,
  checks?: readonly string[],
): Promise<PublishResult> {
  const { scope, watermark } = task
  const isPartial = typeof scope !== 'string'
  const staged = rest.staged.get('stg.dim_referral') ?? 0
  const changed = scope === 'unpublished' ? staged : countWritten(written, 'dw.dim_referral')
  // Referrals that are retried by name were quarantined before, so they do not count again.
  // An import has judged the rows of its files before it landed them.
  if (!isPartial && quarantined > 0) {
    const fetched = await countQuarantined(transaction, publication, ['referral'])
    checkQuarantineLimit(fetched, staged + fetched, task)
    await checkAnyRead(transaction, publication, task, { ...reconciliation, quarantined: fetched })
  }
  const { announce } = publication
  const isAnyTouched = mayHaveRows(publication, 'stg.dim_referral')
  const due = isPartial
    ? (await checkNames()).filter((name) => name !== checkOfUnpublished)
    : checks
  await runChecks(
    transaction,
    publication.partnerAccountKey,
    isAnyTouched ? due : checksOfAll,
    undefined,
    (name) => announce?.(checkStep(name)),
  )
  announce?.(stepNames.ledger)
  if (isAnyTouched) {
    await transaction
      .deleteFrom('stg.referral_key')
      .where('partner_account_key', '=', publication.partnerAccountKey)
      .execute()
  }
  await recordTables(transaction, publication, written, rest.staged)
  const figures = { watermark, changed, quarantined, missing, isPartial }
  await markPublished(transaction, { ...publication, ...figures })
  return { written, staged, changed, quarantined, missing, reconciliation }
}

function countWritten(written: readonly RowsWritten[], name: string): number {
  const rows = written.find(({ table }) => table === name)
  return rows === undefined ? 0 : rows.inserted + rows.updated
}

function checkQuarantineLimit(quarantined: number, all: number, task: PublishTask) {
  const percent = all === 0 ? 0 : (100 * quarantined) / all
  if (quarantined <= task.quarantineCountMax || percent <= task.quarantinePercentMax) return
  const text =
    `${quarantined} of ${all} referrals cannot be read (${percent.toFixed(1)} %; at most ` +
    `${task.quarantinePercentMax} % or ${task.quarantineCountMax} are quarantined), so nothing was ` +
    'published. Look at etl.run.error_message and at the source; raise quarantine_percent_max in ' +
    'etl.setting to publish without them.'
  throw new CosellError('quarantine.threshold', text)
}

/** However few they are: a source of which nothing can be read would look like one without news. */
async function checkAnyRead(
  transaction: Transaction<Database>,
  { partnerAccountKey }: Publication,
  { quarantinePercentMax }: PublishTask,
  { inserted, updated, unchanged, quarantined }: Reconciliation,
) {
  if (quarantined === 0 || inserted + updated + unchanged > 0) return
  if (quarantinePercentMax >= 100) return
  const first = await transaction
    .selectFrom('stg.quarantine')
    .select(['reason_code', 'item_path', 'detail'])
    .where('partner_account_key', '=', partnerAccountKey)
    .where('resource_type', '=', 'referral')
    .orderBy('resource_id')
    .orderBy('version_no', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow()
  const { reason_code, item_path, detail } = first
  const where = item_path === '' ? '' : ` at ${item_path}`
  const text =
    `none of the ${quarantined} referrals read can be loaded, so nothing was published. The first: ` +
    `${reason_code}${where}: ${detail}. Look at the source; the pages stay, and the next run tries again. ` +
    'With quarantine_percent_max of etl.setting at 100 a run goes on without any.'
  throw new CosellError('quarantine.everything', text)
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
