import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import type { Database } from '../warehouse.ts'
import { analyzeGrown } from './analyze.ts'
import { runChecks } from './checks.ts'
import { type Conservation, conserve } from './conservation.ts'
import type { Transaction, Warehouse } from './database.ts'
import type { LandedScope } from './landed.ts'
import { inLeasedTransaction, type Lease } from './lease.ts'
import { isPublished, markPublished } from './ledger.ts'
import { publishChildren } from './publish-children.ts'
import { publishDimensions } from './publish-dimensions.ts'
import { publishFindings } from './publish-findings.ts'
import { publishQuarantine } from './publish-quarantine.ts'
import type { StageTable } from './stage.ts'
import type { Publication, RowsWritten } from './upsert.ts'

export interface PublishRequest {
  readonly runId: number
  readonly watermark: string | null
  readonly staged: ReadonlyMap<StageTable, number>
  /** Whose versions are staged. In a replay, of all or some, only a row that differs has changed. */
  readonly scope: LandedScope
  /** Rows that pages brought; in a replay, versions that were read from the landing zone. */
  readonly rowsRead: number
  /** Above both, the run publishes nothing: many unreadable referrals mean that the source changed. */
  readonly quarantinePercentMax: number
  readonly quarantineCountMax: number
}

export interface PublishResult {
  readonly written: readonly RowsWritten[]
  /** Referrals that were staged. */
  readonly staged: number
  /** Referrals with a new version; in a replay, those whose row in `dw.dim_referral` differs. */
  readonly changed: number
  readonly quarantined: number
  readonly missing: number
  readonly conservation: Conservation
}

/**
 * Makes what is staged visible, all of it or nothing, in one transaction: dimensions, facts,
 * bridges, history, people, findings, quarantine, the ledger and the watermark.
 *
 * @throws CosellError `checkFailed` when a promise of `sql/checks` is broken or too many referrals
 * are unreadable, `bug` when what was read and what is staged do not add up, `accountHeld` when the
 * lease was lost; nothing is published then.
 */
export async function publish(
  warehouse: Warehouse,
  lease: Lease,
  request: PublishRequest,
): Promise<PublishResult> {
  let result: PublishResult | undefined
  try {
    await inLeasedTransaction(warehouse.query, lease, async (transaction) => {
      result = await publishStaged(transaction, lease.partnerAccountKey, request)
    })
  } catch (error) {
    // The acknowledgement of COMMIT can be lost with the connection; only the ledger can tell.
    if (result === undefined || error instanceof CosellError) throw error
    if (!(await isPublished(warehouse.query, request.runId))) throw error
  }
  if (result === undefined) throw new Error('publish ended without a result')
  await analyzeGrown(
    warehouse.query,
    result.written.map(({ table, inserted, updated, deleted }) => [
      table,
      inserted + updated + deleted,
    ]),
  )
  return result
}

async function publishStaged(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  request: PublishRequest,
): Promise<PublishResult> {
  const { runId, scope } = request
  const publication = { partnerAccountKey, runId }
  await sql`set local work_mem = '96MB'`.execute(transaction)
  // The row estimates of some checks are high enough for it, and their code runs once.
  await sql`set local jit = off`.execute(transaction)
  const conservation = await conserve(transaction, publication, request)
  const missing = await countNewlyMissing(transaction, publication)
  const written = await publishDimensions(transaction, publication)
  written.push(...(await publishChildren(transaction, publication)))
  await publishFindings(transaction, publication, scope === 'all')
  const quarantined = await publishQuarantine(transaction, publication)
  const staged = request.staged.get('stg.dim_referral') ?? 0
  const changed = scope === 'unpublished' ? staged : countWritten(written, 'dw.dim_referral')
  // Those that are tried again by name were set aside before: none of them is news.
  if (typeof scope === 'string') refuseTooMany(quarantined, staged + quarantined, request)
  await runChecks(transaction)
  await transaction
    .deleteFrom('stg.referral_key')
    .where('partner_account_key', '=', partnerAccountKey)
    .execute()
  await recordTables(transaction, publication, written, request.staged)
  await markPublished(transaction, {
    ...publication,
    watermark: request.watermark,
    changed,
    quarantined,
    missing,
    isOfSome: typeof scope !== 'string',
  })
  return { written, staged, changed, quarantined, missing, conservation }
}

function countWritten(written: readonly RowsWritten[], name: string): number {
  const rows = written.find(({ table }) => table === name)
  return rows === undefined ? 0 : rows.inserted + rows.updated
}

function refuseTooMany(quarantined: number, all: number, request: PublishRequest) {
  const percent = all === 0 ? 0 : (100 * quarantined) / all
  if (quarantined <= request.quarantineCountMax || percent <= request.quarantinePercentMax) return
  const text =
    `${quarantined} of ${all} referrals cannot be read (${percent.toFixed(1)} %; at most ` +
    `${request.quarantinePercentMax} % or ${request.quarantineCountMax} are set aside), so nothing was ` +
    'published. Look at etl.run.error_message and at the source; raise quarantine_percent_max in ' +
    'etl.setting to go on without them.'
  throw new CosellError('checkFailed', 'quarantine.threshold', text)
}

async function countNewlyMissing(transaction: Transaction<Database>, publication: Publication) {
  const counted = await sql<{ missing: number }>`
    select count(*) as missing
    from stg.dim_referral s
    join dw.dim_referral known
      on known.partner_account_key = s.partner_account_key and known.referral_id = s.referral_id
    where s.partner_account_key = ${publication.partnerAccountKey}
      and s.is_missing and not known.is_missing`.execute(transaction)
  return counted.rows[0]?.missing ?? 0
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
