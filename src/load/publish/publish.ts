import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Transaction, Warehouse } from '../../warehouse/connection/database.ts'
import { stageLost } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { fencedTransaction } from '../runs/fenced-transaction.ts'
import type { Lease } from '../runs/lease.ts'
import { isPublished } from '../runs/ledger.ts'
import { prepareForBulk } from '../runs/prepare-for-bulk.ts'
import { isRowRejected, quarantineRejected } from '../staging/rejected-rows.ts'
import type { StageTable } from '../staging/stage-tables.ts'
import { findRejectedOnTrial, findRejectedReferrals } from './find-rejected.ts'
import { analyzePublished, finishPublish } from './finish.ts'
import { addStagedMembers, sharedDimensions } from './members/shared-members.ts'
import type { PublishResult, PublishTask } from './publish-task.ts'
import { reconcile } from './reconcile.ts'
import { chooseAccess, starRows } from './star/star-access.ts'
import {
  type Announce,
  mayHaveRows,
  nothingWritten,
  type Publication,
  type RowsWritten,
} from './star/upsert.ts'
import { announceSteps, stagedSteps, stepNames } from './steps.ts'
import { publishRows } from './write-rows.ts'

export interface PublishRequest extends PublishTask {
  readonly staged: ReadonlyMap<StageTable, number>
  /** Rows that pages brought; in a replay, versions that were read from the landing zone. */
  readonly rowsRead: number
}

/** Without the rejected rows, others may be rejected that were not reached before. */
const roundsMax = 3

/**
 * Publishes the staged rows, all of them or none, in one transaction: dimensions, facts, bridges,
 * history, people, findings, quarantine, the ledger and the watermark. Members that accounts share
 * come before it. Referrals of which PostgreSQL rejects a row are quarantined, and the others
 * published.
 *
 * @throws CosellError `checkFailed` when a check of `sql/checks` fails or too many referrals are
 * unreadable, `bug` when rows read and rows staged do not add up, `accountHeld` when the lease was
 * lost, `tryAgainLater` when the staged rows were lost; nothing is published then.
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
      if (!isRowRejected(error) || round === roundsMax) throw error
      const rejected = await findRejectedReferrals(warehouse.query, lease, request.runId)
      // The rejected row belongs to no referral: it may be one of the ledger.
      if (rejected.length === 0) throw error
      staged = await fencedTransaction(warehouse.query, lease, (transaction) =>
        quarantineRejected(transaction, lease.partnerAccountKey, rejected, staged),
      )
    }
  }
}

/**
 * As `publish`, within a transaction of the caller, which rolls it back: shared members too, which
 * an ordinary publish commits before.
 *
 * @throws CosellError as `publish`, but for the lease, which is not looked at.
 */
export async function publishOnTrial(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  request: PublishRequest,
): Promise<PublishResult> {
  const announce = announceSteps(await stagedSteps(), request.onStep)
  const source = { partnerAccountKey, runId: request.runId }
  let { staged } = request
  for (let round = 1; ; round++) {
    await sql`savepoint published`.execute(transaction)
    try {
      announce(stepNames.members)
      const members = await addStagedMembers(transaction, transaction, source)
      const asked = { ...request, staged, announce }
      const result = await publishStaged(transaction, partnerAccountKey, asked, members)
      // A deferred constraint would fail at the commit, which never comes.
      await sql`set constraints all immediate`.execute(transaction)
      return result
    } catch (error) {
      if (!isRowRejected(error) || round === roundsMax) throw error
      await sql`rollback to savepoint published`.execute(transaction)
      const rejected = await findRejectedOnTrial(transaction, source)
      if (rejected.length === 0) throw error
      staged = await quarantineRejected(transaction, partnerAccountKey, rejected, staged)
    }
  }
}

async function publishOnce(
  { query }: Warehouse,
  lease: Lease,
  request: PublishRequest,
): Promise<PublishResult> {
  const { partnerAccountKey } = lease
  const { runId } = request
  const announce = announceSteps(await stagedSteps(), request.onStep)
  announce(stepNames.members)
  const filled = filledOf(request.staged)
  const members =
    filled.size === 0
      ? sharedDimensions.map(nothingWritten)
      : await addStagedMembers(query, query, { partnerAccountKey, runId })
  let complete: PublishResult | undefined
  const result = await fencedTransaction(
    query,
    lease,
    async (transaction) => {
      complete = await publishStaged(
        transaction,
        partnerAccountKey,
        { ...request, announce },
        members,
      )
      return complete
    },
    // The acknowledgement of COMMIT can be lost with the connection; the ledger alone knows.
    async (transaction) => ((await isPublished(transaction, runId)) ? complete : undefined),
  )
  announce(stepNames.statistics)
  await analyzePublished(query, result)
  return result
}

async function publishStaged(
  transaction: Transaction<Database>,
  partnerAccountKey: number,
  request: PublishRequest & { readonly announce: Announce },
  members: readonly RowsWritten[],
): Promise<PublishResult> {
  const { runId, scope, staged, announce } = request
  await checkStageKept(transaction, partnerAccountKey, staged)
  await prepareForBulk(transaction)
  const access = await chooseAccess(transaction, 'stg.dim_referral', partnerAccountKey)
  const publication = { partnerAccountKey, runId, access, announce, filled: filledOf(staged) }
  announce(stepNames.reconciliation)
  const reconciliation = await reconcile(transaction, publication, request)
  const missing = mayHaveRows(publication, 'stg.dim_referral')
    ? await countNewlyMissing(transaction, publication)
    : 0
  const rows = await publishRows(transaction, publication, scope === 'all')
  const written = [...members, ...rows.written]
  const published = { ...rows, written, staged, missing, reconciliation }
  return finishPublish(transaction, publication, request, published)
}

/** Returns the staging tables with rows. */
function filledOf(staged: PublishRequest['staged']): Set<StageTable> {
  return new Set([...staged].flatMap(([table, rows]) => (rows > 0 ? [table] : [])))
}

/**
 * Checks that the staged rows are still there: a crash of the server empties all unlogged tables.
 *
 * @throws CosellError `stage.lost` when they are.
 */
async function checkStageKept(
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
  const text = 'PostgreSQL crashed and lost the staged rows; nothing was published. Run again.'
  throw new CosellError(stageLost, text)
}

async function countNewlyMissing(transaction: Transaction<Database>, publication: Publication) {
  const isSame = sql`known.partner_account_key = s.partner_account_key
        and known.referral_id = s.referral_id`
  const known = starRows(publication.access, ['dw.dim_referral', 'known'], isSame)
  const counted = await transaction
    .selectFrom('stg.dim_referral as s')
    .innerJoin(known.rows, (join) => join.on(known.on))
    .select(({ fn }) => fn.countAll<number>().as('missing'))
    .where('s.partner_account_key', '=', publication.partnerAccountKey)
    .where(({ ref }) => ref('s.is_missing'))
    .where(({ not, ref }) => not(ref('known.is_missing')))
    .executeTakeFirstOrThrow()
  return counted.missing
}
