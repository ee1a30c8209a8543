import { sql } from 'kysely'
import {
  type Kysely,
  openCopying,
  type Transaction,
  type Warehouse,
} from '../../warehouse/connection/database.ts'
import type { Database, TableName } from '../../warehouse/tables.generated.ts'
import { checkNames } from '../publish/checks.ts'
import {
  conclude,
  type PublishResult,
  type PublishTask,
  prepareForBulk,
} from '../publish/finish.ts'
import {
  addCurrencies,
  catalogValues,
  isDocumented,
  upsertSolutions,
} from '../publish/publish-dimensions.ts'
import { publishFindings } from '../publish/publish-findings.ts'
import { publishQuarantine } from '../publish/publish-quarantine.ts'
import { conserve, pouredReferrals } from '../publish/reconcile.ts'
import type { Publication } from '../publish/upsert.ts'
import { inLeasedTransaction, type Lease } from '../runs/lease.ts'
import { isPublished } from '../runs/ledger.ts'
import type { StagedBatch } from '../staging/stage.ts'
import type { Poured } from './copy-lines.ts'
import { copyDirectly } from './direct-copy.ts'

export interface FirstPublish extends PublishTask {
  /** The rows of every referral; asked for once more when the transaction has to be done again. */
  readonly batches: () => AsyncIterable<StagedBatch>
  /** As for a publish of what is staged; known when the batches are at their end. */
  readonly rowsRead: () => number
}

/** These hold rows against what was staged; COPY, which counts for itself, comes in their place. */
const checksOfStaged = ['everything_staged_is_published', 'staged_amounts_are_published']

/** Whether the star has nothing of an account and takes COPY: no row can be in the way of a new one. */
export async function canLoadInitially(query: Kysely<Database>, lease: Lease): Promise<boolean> {
  const dimensions = [
    'dw.dim_referral',
    'dw.dim_customer',
    'dw.dim_solution',
    'dw.dim_tag',
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
  return !(await isCopyRefused(query))
}

/** PostgreSQL takes no COPY from a role that row-level security applies to, whatever it is shown. */
async function isCopyRefused(query: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql<{ is_active: boolean }>`
    select row_security_active('dw.fact_referral') as is_active`.execute(query)
  return rows[0]?.is_active === true
}

/**
 * Publishes the first referrals of an account: as `publish`, in one transaction, with the same rows
 * and the same checks, but without staging most of them.
 *
 * @throws pg.DatabaseError when PostgreSQL refuses a row; nothing is published then. Otherwise as
 * `publish`.
 */
export async function initialLoad(
  warehouse: Warehouse,
  lease: Lease,
  request: FirstPublish,
): Promise<PublishResult> {
  const copying = openCopying(warehouse)
  const { partnerAccountKey } = lease
  const publication = { partnerAccountKey, runId: request.runId }
  let complete: PublishResult | undefined
  return inLeasedTransaction(
    copying.query,
    lease,
    async (transaction) => {
      await prepareForBulk(transaction)
      const { query } = warehouse
      const publish = { transaction, client: copying.client(), query, publication }
      const poured = await copyDirectly(publish, request.batches())
      complete = await publishPoured(transaction, publication, request, poured)
      return complete
    },
    // The acknowledgement of COMMIT can be lost with the connection; only the ledger can tell.
    async (transaction) => ((await isPublished(transaction, request.runId)) ? complete : undefined),
  )
}

async function publishPoured(
  transaction: Transaction<Database>,
  publication: Publication,
  request: FirstPublish,
  { written, staged }: Poured,
): Promise<PublishResult> {
  await analyzeAll(transaction, [...written.map(({ table }) => table), 'stg.referral_key'])
  await catalogValues(transaction, publication)
  const currencies = await addCurrencies(transaction, publication, 'dw')
  await upsertSolutions(transaction, publication)
  await markDocumentedTags(transaction, publication)
  await publishFindings(transaction, publication, request.scope === 'all')
  const quarantined = await publishQuarantine(transaction, publication)
  const read = { scope: request.scope, rowsRead: request.rowsRead() }
  const conservation = await conserve(transaction, publication, read, pouredReferrals(publication))
  const checks = (await checkNames()).filter((name) => !checksOfStaged.includes(name))
  const all = { written: [...written, currencies], staged, quarantined, missing: 0, conservation }
  return conclude(transaction, publication, request, all, checks)
}

/**
 * Before the checks, and small tables too: with no statistics of a hundred tags, or with those of
 * tags that were there before, a check of 280,000 rows was planned to end early and took minutes.
 */
async function analyzeAll(transaction: Transaction<Database>, written: readonly TableName[]) {
  for (const table of written) await sql`analyze ${sql.table(table)}`.execute(transaction)
}

async function markDocumentedTags(
  transaction: Transaction<Database>,
  { partnerAccountKey }: Publication,
) {
  await sql`
    update dw.dim_tag t
    set is_documented = true
    where t.partner_account_key = ${partnerAccountKey} and ${isDocumented('t')}`.execute(
    transaction,
  )
}
