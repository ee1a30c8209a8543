import { type RawBuilder, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { inLeasedTransaction, type Lease } from '../runs/lease.ts'
import { findRefused, ofReferrals, type Refused } from '../staging/rejected-rows.ts'
import { checkNames, runChecks } from './checks.ts'
import type { Publication } from './upsert.ts'
import { publishRows } from './write-rows.ts'

/**
 * The staged referrals that PostgreSQL will not publish. Tries them all, half by half, each half on
 * top of those that were taken, in one transaction that writes nothing: between the tries, rows
 * that are not being tried wait under the account's number made negative, where no statement of a
 * publish sees them.
 */
export async function findUnpublishable(
  query: Kysely<Database>,
  lease: Lease,
  runId: number,
): Promise<Refused[]> {
  const publication = { partnerAccountKey: lease.partnerAccountKey, runId }
  const nothingKept = new Error('a trial, rolled back')
  let refused: Refused[] = []
  try {
    await inLeasedTransaction(query, lease, async (transaction) => {
      refused = await tryHalves(transaction, publication)
      throw nothingKept
    })
  } catch (error) {
    if (error !== nothingKept) throw error
  }
  return refused
}

async function tryHalves(
  transaction: Transaction<Database>,
  publication: Publication,
): Promise<Refused[]> {
  const { partnerAccountKey } = publication
  // A deferred constraint would speak at the commit, which never comes.
  await sql`set constraints all immediate`.execute(transaction)
  await sql`set local jit = off`.execute(transaction)
  const staged = await transaction
    .selectFrom('stg.dim_referral')
    .select('referral_no')
    .where('partner_account_key', '=', partnerAccountKey)
    .orderBy('referral_no')
    .execute()
  await move(transaction, partnerAccountKey, sql`true`)
  const checks = await checkNames()
  const found = await findRefused(
    staged.map((row) => row.referral_no),
    async (referralNos) => {
      await sql`savepoint trial`.execute(transaction)
      try {
        await tryToPublish(transaction, publication, referralNos, checks)
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

async function tryToPublish(
  transaction: Transaction<Database>,
  publication: Publication,
  referralNos: readonly number[],
  checks: readonly string[],
) {
  const { partnerAccountKey } = publication
  const isTried = sql`referral_no between ${referralNos[0]} and ${referralNos.at(-1)}`
  await move(transaction, -partnerAccountKey, isTried)
  await publishRows(transaction, publication, false)
  for (const check of checks) await runChecks(transaction, [check]).catch(passBroken)
  for (const table of ofReferrals) {
    await sql`delete from ${sql.table(table)}
      where partner_account_key = ${partnerAccountKey}`.execute(transaction)
  }
}

/** Some promises hold only when all are published; a query that PostgreSQL refuses is what counts. */
function passBroken(error: unknown) {
  if (!(error instanceof CosellError)) throw error
}

async function move(
  transaction: Transaction<Database>,
  from: number,
  which: RawBuilder<unknown>,
): Promise<void> {
  for (const table of ofReferrals) {
    await sql`update ${sql.table(table)} set partner_account_key = ${-from}::integer
      where partner_account_key = ${from} and ${which}`.execute(transaction)
    // Planned for all the others too, the tries of a few would read whole facts.
    await sql`analyze ${sql.table(table)}`.execute(transaction)
  }
}
