import { sql } from 'kysely'
import type { PoolClient, QueryResult } from 'pg'
import { CosellError } from '../../errors.ts'
import {
  inTransaction,
  type Kysely,
  type Transaction,
} from '../../warehouse/connection/database.ts'
import { retryTransient } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { extendLease, heldByAnother, type Lease, leaseSeconds } from './lease.ts'

/**
 * Runs `use` in a transaction that commits only while this process holds the lease. The row of the
 * lease stays locked until the end, so no other run can take the account over between the check and
 * the commit. The server ends the transaction when the process is silent for as long as a lease
 * lasts.
 *
 * Transient failures are retried, the whole transaction, so `use` must support being repeated. The
 * acknowledgement of a commit can be lost: before a retry, `findCommitted` returns the result of a
 * transaction that did commit.
 *
 * @throws CosellError `accountHeld` when the lease was lost: nothing was written.
 */
export function fencedTransaction<T>(
  query: Kysely<Database>,
  lease: Lease,
  use: (transaction: Transaction<Database>) => Promise<T>,
  findCommitted?: (transaction: Transaction<Database>) => Promise<T | undefined>,
): Promise<T> {
  const attempt = (isRetry: boolean) =>
    inTransaction(query, async (transaction) => {
      const ours = await transaction
        .selectFrom('etl.lease')
        // Otherwise a process that is stopped from here on would hold the account until it resumes.
        .select(
          sql`set_config('idle_in_transaction_session_timeout', ${`${leaseSeconds}s`}, true)`.as(
            'idle_timeout',
          ),
        )
        .where('partner_account_key', '=', lease.partnerAccountKey)
        .where('epoch', '=', lease.epoch)
        .forUpdate()
        .execute()
      if (ours.length === 0) throw await heldByAnother(transaction, lease.partnerAccountKey)
      // With the row locked, no earlier attempt can still be committing.
      const committed = isRetry ? await findCommitted?.(transaction) : undefined
      if (committed !== undefined) return committed
      const result = await use(transaction)
      // A transaction may last longer than the lease, and its lock blocks the heartbeat meanwhile.
      await extendLease(transaction, lease.partnerAccountKey, lease.epoch)
      return result
    })
  return retryTransient(attempt)
}

/**
 * Runs a COPY in a transaction that commits only while this process holds the lease, and extends
 * the lease. It uses one connection without Kysely. For staged rows only: a crash of the server may
 * undo it.
 *
 * @throws CosellError `accountHeld` when the lease was lost: nothing was written.
 */
export async function copyUnderLease<T>(
  client: PoolClient,
  { partnerAccountKey, epoch }: Lease,
  copy: () => Promise<T>,
): Promise<T> {
  // One message with one response to wait for; only a text without parameters can be that.
  const [, ours] = (await client.query(beginFenced(partnerAccountKey, epoch))) as unknown as Results
  try {
    if (ours.rowCount === 0) throw leaseLost(partnerAccountKey)
    const result = await copy()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

/** Results of BEGIN and of the statement after it. */
type Results = readonly [QueryResult, QueryResult]

/**
 * Begins the transaction of a COPY. There are many of them, so the commit does not wait for the
 * disk.
 */
const beginFenced = (partnerAccountKey: number, epoch: number) => `
  begin;
  update etl.lease
  set heartbeat_at = clock_timestamp(),
      expires_at = clock_timestamp() + interval '${leaseSeconds} s'
  where partner_account_key = ${partnerAccountKey} and epoch = ${epoch}
  returning set_config('synchronous_commit', 'off', true),
    set_config('idle_in_transaction_session_timeout', '${leaseSeconds}s', true)`

function leaseLost(partnerAccountKey: number): CosellError {
  const text = `Account ${partnerAccountKey} was taken over by another run while this one was stopped.`
  return new CosellError('lease.held', text)
}
