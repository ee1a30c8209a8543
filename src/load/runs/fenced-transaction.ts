import { sql } from 'kysely'
import type { PoolClient, QueryResult } from 'pg'
import { isShared } from '../../warehouse/connection/client.ts'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import { retryTransient } from '../../warehouse/connection/retry-transient.ts'
import { beginText } from '../../warehouse/connection/session.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { extendLease, type Lease, leaseLost, leaseSeconds, lostToAnother } from './lease.ts'

/**
 * Runs `use` in a transaction that commits only while this process holds the lease. The row of the
 * lease stays locked until the end, so no other run can take the account over between the check and
 * the commit. The lock is a shared one of the key: the heartbeat goes on beside it, so a lease does
 * not run out during a long publish. The server ends the transaction when the process is silent for
 * as long as a lease lasts.
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
    query.transaction().execute(async (transaction) => {
      await lockLease(transaction, lease)
      const committed = isRetry ? await findCommitted?.(transaction) : undefined
      if (committed !== undefined) return committed
      const result = await use(transaction)
      await extendLease(transaction, lease.partnerAccountKey, lease.epoch)
      return result
    })
  return retryTransient(attempt)
}

/**
 * As `fencedTransaction`, for work that begins while other transactions under the lease come and go:
 * `use` calls `lock` behind the last of them, which locks the lease. Nobody sees its rows before the
 * commit. Nothing is retried. When the acknowledgement of the commit is lost, the caller has to find out.
 *
 * @throws CosellError `accountHeld` when the lease was lost: nothing was written.
 */
export function lateFencedTransaction<T>(
  query: Kysely<Database>,
  lease: Lease,
  use: (transaction: Transaction<Database>, lock: () => Promise<void>) => Promise<T>,
): Promise<T> {
  return query.transaction().execute(async (transaction) => {
    await sql.raw(`select ${idleLimit}`).execute(transaction)
    let isLocked = false
    const result = await use(transaction, async () => {
      await lockLease(transaction, lease)
      isLocked = true
    })
    if (!isLocked) throw new Error('the lease is not locked: nothing is committed')
    await extendLease(transaction, lease.partnerAccountKey, lease.epoch)
    return result
  })
}

/** @throws CosellError `accountHeld` when this process does not hold the lease any more. */
async function lockLease(transaction: Transaction<Database>, lease: Lease) {
  const fenced = sql.raw(`${waitForEarlier(lease)};${fence(lease, idleLimit)}`)
  const { rows } = await fenced.execute(transaction)
  if (rows.length === 0) throw await lostToAnother(transaction, lease.partnerAccountKey)
}

/**
 * Waits until no transaction under the lease is open: a lost one of an earlier attempt may be, and
 * could commit later. The lock that waits would stop the heartbeat, so it is given back at once.
 */
const waitForEarlier = ({ partnerAccountKey, epoch }: Lease) =>
  `savepoint fence;
  select from etl.lease
  where partner_account_key = ${partnerAccountKey} and epoch = ${epoch} for update;
  rollback to savepoint fence`

/**
 * Runs a COPY in a transaction that commits only while this process holds the lease. It uses one
 * connection without Kysely. For staged rows only: a crash of the server may undo it.
 *
 * @throws CosellError `accountHeld` when the lease was lost: nothing was written.
 */
export async function copyUnderLease<T>(
  client: PoolClient,
  lease: Lease,
  copy: () => Promise<T>,
): Promise<T> {
  // One message with one response to wait for; only a text without parameters can be that.
  const begin = `${beginText(isShared(client))};${waitForEarlier(lease)};${fence(lease, copyLimits)}`
  const results = (await client.query(begin)) as unknown as readonly QueryResult[]
  try {
    if (results.at(-1)?.rowCount === 0) throw leaseLost(lease.partnerAccountKey)
    const result = await copy()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

/** Otherwise a process that is stopped from here on would hold the account until it resumes. */
export const idleLimit = `set_config('idle_in_transaction_session_timeout', '${leaseSeconds}s', true)`
/** There are many COPYs, so the commit of one does not wait for the disk. */
const copyLimits = `set_config('synchronous_commit', 'off', true), ${idleLimit}`

/** Statement that returns a row, and locks it, while the lease is held; it makes the settings as well. */
const fence = ({ partnerAccountKey, epoch }: Lease, settings: string) => `
  select ${settings}
  from etl.lease
  where partner_account_key = ${partnerAccountKey} and epoch = ${epoch}
  for key share`
