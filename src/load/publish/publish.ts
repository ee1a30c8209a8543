import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { analyzeGrown } from '../../warehouse/connection/analyze.ts'
import type { Transaction, Warehouse } from '../../warehouse/connection/database.ts'
import { redo, stageLost } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { inLeasedTransaction, type Lease } from '../runs/lease.ts'
import { isPublished } from '../runs/ledger.ts'
import { isRefusal, setAside } from '../staging/rejected-rows.ts'
import type { StageTable } from '../staging/stage.ts'
import { findUnpublishable } from './find-rejected.ts'
import { conclude, type PublishResult, type PublishTask, prepareForBulk } from './finish.ts'
import { conserve } from './reconcile.ts'
import type { Publication } from './upsert.ts'
import { publishRows } from './write-rows.ts'

export interface PublishRequest extends PublishTask {
  readonly staged: ReadonlyMap<StageTable, number>
  /** Rows that pages brought; in a replay, versions that were read from the landing zone. */
  readonly rowsRead: number
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
  const { runId, scope, staged } = request
  const publication = { partnerAccountKey, runId }
  await refuseEmptied(transaction, partnerAccountKey, staged)
  await prepareForBulk(transaction)
  const conservation = await conserve(transaction, publication, request)
  const missing = await countNewlyMissing(transaction, publication)
  const { written, quarantined } = await publishRows(transaction, publication, scope === 'all')
  const published = { written, staged, quarantined, missing, conservation }
  return conclude(transaction, publication, request, published)
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
    .select('referral_no')
    .where('partner_account_key', '=', partnerAccountKey)
    .limit(1)
    .execute()
  if (kept.length > 0) return
  const text = 'PostgreSQL crashed and lost what was staged; nothing was published. Run again.'
  throw new CosellError('tryAgainLater', stageLost, text)
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
