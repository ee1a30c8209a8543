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
import { findUnpublishable } from './publish-bisect.ts'
import { publishRows } from './publish-rows.ts'
import { isRefusal, setAside } from './refusal.ts'
import { redo, stageLost } from './retry.ts'
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

/** Setting some aside may bring out others, which the rows before had kept from being written. */
const roundsMax = 3

/**
 * Makes what is staged visible, all of it or nothing, in one transaction: dimensions, facts,
 * bridges, history, people, findings, quarantine, the ledger and the watermark. Referrals of which
 * PostgreSQL refuses a row are set aside, and the others published.
 *
 * @throws CosellError `checkFailed` when a promise of `sql/checks` is broken or too many referrals
 * are unreadable, `bug` when what was read and what is staged do not add up, `accountHeld` when the
 * lease was lost, `tryAgainLater` when the stage was lost; nothing is published then.
 */
export async function publish(
  warehouse: Warehouse,
  lease: Lease,
  request: PublishRequest,
): Promise<PublishResult> {
  let { staged } = request
  for (let round = 1; ; round++) {
    try {
      return await publishOnce(warehouse, lease, { ...request, staged })
    } catch (error) {
      if (!isRefusal(error) || round === roundsMax) throw error
      const refused = await findUnpublishable(warehouse.query, lease, request.runId)
      // What no referral is to blame for, such as a row of the ledger.
      if (refused.length === 0) throw error
      staged = await inLeasedTransaction(warehouse.query, lease, (transaction) =>
        setAside(transaction, lease.partnerAccountKey, refused, staged),
      )
    }
  }
}

async function publishOnce(
  { query }: Warehouse,
  lease: Lease,
  request: PublishRequest,
): Promise<PublishResult> {
  let complete: PublishResult | undefined
  const result = await inLeasedTransaction(
    query,
    lease,
    async (transaction) => {
      complete = await publishStaged(transaction, lease.partnerAccountKey, request)
      return complete
    },
    // The acknowledgement of COMMIT can be lost with the connection; only the ledger can tell.
    async (transaction) => ((await isPublished(transaction, request.runId)) ? complete : undefined),
  )
  const grown = result.written.map(
    ({ table, inserted, updated, deleted }) => [table, inserted + updated + deleted] as const,
  )
  await redo(() => analyzeGrown(query, grown))
  return result
}

async function publishStaged(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  request: PublishRequest,
): Promise<PublishResult> {
  const { runId, scope } = request
  const publication = { partnerAccountKey, runId }
  await refuseEmptied(transaction, partnerAccountKey, request.staged)
  await sql`set local work_mem = '96MB'`.execute(transaction)
  // The row estimates of some checks are high enough for it, and their code runs once.
  await sql`set local jit = off`.execute(transaction)
  const conservation = await conserve(transaction, publication, request)
  const missing = await countNewlyMissing(transaction, publication)
  const { written, quarantined } = await publishRows(transaction, publication, scope === 'all')
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

/** Unlogged tables are empty after a crash of the server, all of them at once. */
async function refuseEmptied(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  staged: PublishRequest['staged'],
) {
  const table = (['stg.dim_referral', 'stg.quarantine'] as const).find(
    (name) => (staged.get(name) ?? 0) > 0,
  )
  if (table === undefined) return
  const kept = await transaction
    .selectFrom(table)
    .select('batch_no')
    .where('partner_account_key', '=', partnerAccountKey)
    .limit(1)
    .execute()
  if (kept.length > 0) return
  const text = 'PostgreSQL crashed and lost what was staged; nothing was published. Run again.'
  throw new CosellError('tryAgainLater', stageLost, text)
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
