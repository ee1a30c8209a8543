import { type RawBuilder, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { fencedTransaction } from '../runs/fenced-transaction.ts'
import type { Lease } from '../runs/lease.ts'
import { prepareForBulk } from '../runs/prepare-for-bulk.ts'
import { findRejected, type RejectedRow } from '../staging/rejected-rows.ts'
import { referralStageTables } from '../staging/stage-tables.ts'
import { checkNames, runChecks } from './checks.ts'
import { addStagedMembers } from './members/shared-members.ts'
import { chooseAccess } from './star/star-access.ts'
import type { Publication } from './star/upsert.ts'
import { publishRows } from './write-rows.ts'

/**
 * Staged referrals of which PostgreSQL rejects a row at the publish. Publishes halves of them on
 * trial, each half on top of the accepted ones, in one transaction that is rolled back. Between the
 * trials the other rows wait under the negative number of the account, which no statement of a
 * publish reads.
 */
export async function findRejectedReferrals(
  query: Kysely<Database>,
  lease: Lease,
  runId: number,
): Promise<RejectedRow[]> {
  const publication = { partnerAccountKey: lease.partnerAccountKey, runId }
  const nothingKept = new Error('a trial is rolled back')
  let rejected: RejectedRow[] = []
  try {
    await fencedTransaction(query, lease, async (transaction) => {
      rejected = await tryHalves(transaction, publication)
      throw nothingKept
    })
  } catch (error) {
    if (error !== nothingKept) throw error
  }
  return rejected
}

/** `findRejectedReferrals` within a transaction of the caller; nothing of the trials stays in it. */
export async function findRejectedOnTrial(
  transaction: Transaction<Database>,
  publication: Pick<Publication, 'partnerAccountKey' | 'runId'>,
): Promise<RejectedRow[]> {
  await sql`savepoint halves`.execute(transaction)
  const rejected = await tryHalves(transaction, publication)
  await sql`rollback to savepoint halves`.execute(transaction)
  return rejected
}

/** A publish whose way to the star depends on the referrals that are tried. */
type Trial = Omit<Publication, 'access'>

async function tryHalves(
  transaction: Transaction<Database>,
  publication: Trial,
): Promise<RejectedRow[]> {
  const { partnerAccountKey } = publication
  // A deferred constraint would fail at the commit, which never comes.
  await sql`set constraints all immediate`.execute(transaction)
  await prepareForBulk(transaction)
  const staged = await transaction
    .selectFrom('stg.dim_referral')
    .select('referral_no')
    .where('partner_account_key', '=', partnerAccountKey)
    .orderBy('referral_no')
    .execute()
  await move(transaction, partnerAccountKey, sql<boolean>`true`)
  const checks = await checkNames()
  const found = await findRejected(
    staged.map((row) => row.referral_no),
    async (referralNos) => {
      await sql`savepoint trial`.execute(transaction)
      try {
        await publishTrial(transaction, publication, referralNos, checks)
      } catch (error) {
        await sql`rollback to savepoint trial`.execute(transaction)
        throw error
      } finally {
        await sql`release savepoint trial`.execute(transaction)
      }
    },
  )
  return found.map(({ item: referralNo, error }) => ({ referralNo, error }))
}

async function publishTrial(
  transaction: Transaction<Database>,
  publication: Trial,
  referralNos: readonly number[],
  checks: readonly string[],
) {
  const { partnerAccountKey } = publication
  const isTried = sql<boolean>`referral_no between ${referralNos[0]} and ${referralNos.at(-1)}`
  await move(transaction, -partnerAccountKey, isTried)
  const access = await chooseAccess(transaction, 'stg.dim_referral', partnerAccountKey)
  await addStagedMembers(transaction, transaction, publication)
  await publishRows(transaction, { ...publication, access }, false)
  for (const check of checks) {
    await runChecks(transaction, partnerAccountKey, [check]).catch(ignoreFailedCheck)
  }
  for (const table of referralStageTables) {
    await transaction
      .deleteFrom(table)
      .where('partner_account_key', '=', partnerAccountKey)
      .execute()
  }
}

/** Some checks pass only when all referrals are published; here only a query's own error counts. */
function ignoreFailedCheck(error: unknown) {
  if (!(error instanceof CosellError)) throw error
}

async function move(
  transaction: Transaction<Database>,
  from: number,
  which: RawBuilder<boolean>,
): Promise<void> {
  for (const table of referralStageTables) {
    await transaction
      .updateTable(table)
      .set(({ cast, val }) => ({ partner_account_key: cast<number>(val(-from), 'integer') }))
      .where('partner_account_key', '=', from)
      .where(which)
      .execute()
  }
}
