import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { type Kysely, openCopying, type Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { checkNames } from '../publish/checks.ts'
import { analyzePublished, finishPublish } from '../publish/finish.ts'
import { publishEngagements } from '../publish/members/publish-engagements.ts'
import { addCopiedMembers } from '../publish/members/shared-members.ts'
import { isDocumented, upsertSolutions } from '../publish/publish-dimensions.ts'
import { publishFindings } from '../publish/publish-findings.ts'
import { publishQuarantine } from '../publish/publish-quarantine.ts'
import type { LoadRun, LoadTask, PublishResult } from '../publish/publish-task.ts'
import { initialReferrals, reconcile } from '../publish/reconcile.ts'
import { chooseAccess } from '../publish/star/star-access.ts'
import type { Announce, Publication } from '../publish/star/upsert.ts'
import { announceSteps, initialSteps, stepNames } from '../publish/steps.ts'
import { fencedTransaction, lateFencedTransaction } from '../runs/fenced-transaction.ts'
import type { Lease } from '../runs/lease.ts'
import { isPublished } from '../runs/ledger.ts'
import { prepareForBulk } from '../runs/prepare-for-bulk.ts'
import { isRowRejected } from '../staging/rejected-rows.ts'
import { clearStage } from '../staging/stage.ts'
import type { CopiedTables } from './copy-lines.ts'
import { copyDirectly, type DirectCopy } from './direct-copy.ts'

/** Checks that compare with staged rows. COPY, whose rows are counted, takes their place. */
const checksOfStaged = ['everything_staged_is_published', 'staged_amounts_are_published']

/**
 * Publishes the first referrals of an account with the rows, the transaction and the checks of
 * `publish`, but most rows go by COPY straight into the star. Returns undefined, with nothing
 * published, when the account has rows already, or PostgreSQL accepts no COPY or rejects a row.
 *
 * @throws CosellError as `publish`.
 */
export async function initialLoad(
  run: LoadRun,
  task: LoadTask,
): Promise<PublishResult | undefined> {
  const { warehouse, lease, log } = run
  if (!(await canLoadInitially(warehouse.query, lease))) return undefined
  const { query, copy, publishCopied, findCommitted, finish } = await openInitialLoad(run, task)
  const copyAndPublish = async (transaction: Transaction<Database>) =>
    publishCopied(transaction, await copy(transaction))
  try {
    return await finish(await fencedTransaction(query, lease, copyAndPublish, findCommitted))
  } catch (error) {
    if (!isRowRejected(error)) throw error
    log.logger.info({ code: error.code }, 'PostgreSQL rejected a row of the initial load: staging')
    return undefined
  }
}

/** A load under way. */
export interface EarlyLoad {
  readonly published: Promise<PublishResult | undefined>
}

/**
 * An initial load whose batches come while the source is read, and its pages land beside it: one open
 * transaction, which nobody sees, and whose work is lost when it fails. Returns undefined when the
 * account has rows already; otherwise `published`, which resolves as `initialLoad` does, and to
 * undefined after any failure that loading what was landed may not meet again.
 */
export async function earlyInitialLoad(
  run: LoadRun,
  task: LoadTask,
): Promise<EarlyLoad | undefined> {
  const { warehouse, lease, log } = run
  if (!(await canLoadInitially(warehouse.query, lease))) return undefined
  await clearStage(warehouse.query, lease)
  const opened = await openInitialLoad(run, task)
  const { query, copy, publishCopied, mayBeCommitted, findCommitted, finish } = opened
  const load = async () => {
    try {
      const copyAndPublish = async (
        transaction: Transaction<Database>,
        lock: () => Promise<void>,
      ) => publishCopied(transaction, await copy(transaction, lock))
      return await finish(await lateFencedTransaction(query, lease, copyAndPublish))
    } catch (error) {
      if (error instanceof CosellError) throw error
      const text = 'the early load is over: what has landed stays to be loaded'
      log.logger.info({ run_id: task.runId, reason: String(error) }, text)
      if (!mayBeCommitted()) return undefined
      const committed = await fencedTransaction(warehouse.query, lease, findCommitted)
      return committed === undefined ? undefined : finish(committed)
    }
  }
  return { published: load() }
}

async function* followed<T>(items: AsyncIterable<T>, behindLast?: () => Promise<void>) {
  yield* items
  await behindLast?.()
}

/** The steps of an initial load, and the connection that they share. */
async function openInitialLoad({ warehouse, lease }: LoadRun, task: LoadTask) {
  const copying = openCopying(warehouse)
  const { query } = warehouse
  const checks = (await checkNames()).filter((name) => !checksOfStaged.includes(name))
  const announce = announceSteps(initialSteps(checks), task.onStep)
  let complete: PublishResult | undefined
  return {
    query: copying.query,
    /** Calls `behindLast` behind the last batch: the last rows are copied after that. */
    copy: async (transaction: Transaction<Database>, behindLast?: () => Promise<void>) => {
      await prepareForBulk(transaction)
      const target = { transaction, client: copying.client(), query, runId: task.runId }
      return copyDirectly(target, followed(task.batches(), behindLast))
    },
    publishCopied: async (transaction: Transaction<Database>, copied: CopiedTables) => {
      complete = await publishCopied({ transaction, query, checks, announce }, lease, task, copied)
      return complete
    },
    mayBeCommitted: () => complete !== undefined,
    // The acknowledgement of COMMIT can be lost with the connection; the ledger alone knows.
    findCommitted: async (transaction: Transaction<Database>) =>
      (await isPublished(transaction, task.runId)) ? complete : undefined,
    finish: async (result: PublishResult) => {
      announce(stepNames.statistics)
      await analyzePublished(query, result)
      return result
    },
  }
}

/**
 * True when COPY works: no row of the account is in the star that a new one could conflict with.
 */
async function canLoadInitially(query: Kysely<Database>, lease: Lease): Promise<boolean> {
  const dimensions = [
    'dw.dim_referral',
    'dw.dim_customer',
    'dw.dim_solution',
    'dw.dim_tag',
    'dw.dim_seller',
  ] as const
  for (const dimension of dimensions) {
    const found = await query
      .selectFrom(dimension)
      .select('partner_account_key')
      .where('partner_account_key', '=', lease.partnerAccountKey)
      .limit(1)
      .execute()
    if (found.length > 0) return false
  }
  return !(await isRowSecurityActive(query))
}

/**
 * PostgreSQL accepts no COPY from a role that row-level security applies to, whatever it may see.
 */
async function isRowSecurityActive(query: Kysely<Database>): Promise<boolean> {
  const { is_active } = await query
    .selectNoFrom(sql<boolean>`row_security_active('dw.fact_referral')`.as('is_active'))
    .executeTakeFirstOrThrow()
  return is_active
}

type CopiedTarget = Pick<DirectCopy, 'transaction' | 'query'> & {
  readonly checks: readonly string[]
  readonly announce: Announce
}

async function publishCopied(
  { transaction, query, checks, announce }: CopiedTarget,
  { partnerAccountKey }: Lease,
  task: LoadTask,
  { written, staged }: CopiedTables,
): Promise<PublishResult> {
  const access = await chooseAccess(transaction, 'stg.referral_key', partnerAccountKey)
  const publication = { partnerAccountKey, runId: task.runId, access, announce }
  announce(stepNames.members)
  const members = await addCopiedMembers(transaction, query, publication)
  await upsertSolutions(transaction, publication)
  await markDocumentedTags(transaction, publication)
  announce(stepNames.deals)
  const engagements = await publishEngagements(transaction, publication, [])
  announce(stepNames.findings)
  await publishFindings(transaction, publication, task.scope === 'all')
  announce(stepNames.quarantine)
  const quarantined = await publishQuarantine(transaction, publication)
  const end = task.atEnd()
  const read = { scope: task.scope, rowsRead: end.rowsRead }
  announce(stepNames.reconciliation)
  const referrals = initialReferrals(publication)
  const reconciliation = await reconcile(transaction, publication, read, referrals)
  const published = [...written, ...members, ...engagements]
  const all = { written: published, staged, quarantined, missing: 0, reconciliation }
  return finishPublish(transaction, publication, { ...task, ...end }, all, checks)
}

async function markDocumentedTags(
  transaction: Transaction<Database>,
  { partnerAccountKey, announce }: Publication,
) {
  announce?.('dw.dim_tag')
  await transaction
    .updateTable('dw.dim_tag as t')
    .set({ is_documented: true })
    .where('t.partner_account_key', '=', partnerAccountKey)
    .where(isDocumented('t'))
    .execute()
}
