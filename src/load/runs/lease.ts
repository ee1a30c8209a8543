import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { PoolClient, QueryResult } from 'pg'
import { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import {
  codeOf,
  inTransaction,
  type Kysely,
  type Transaction,
} from '../../warehouse/connection/database.ts'
import { redo } from '../../warehouse/connection/retry-transient.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** The right to write one account; the epoch tells a revived old holder from the present one. */
export interface Lease {
  readonly partnerAccountKey: number
  readonly epoch: number
  release(): Promise<void>
}

/** For whom to wait, and how long, when an account is held. */
export interface Patience {
  waitsFor(holder: string): boolean
  readonly waitMs: number
  /** Aborting it ends the wait; its reason is what is thrown. */
  readonly signal: AbortSignal
}

const leaseSeconds = 60
const heartbeatMs = 15_000
/** Shorter than the pause that a backfill makes between two windows, so that a nightly run gets in. */
const pollMs = 1_000

/**
 * Takes the lease of an account, or takes it over when its holder let it expire. A heartbeat keeps
 * it until `release`. All times are the database's: clocks of machines may differ.
 *
 * @throws CosellError `accountHeld` when another run holds it, after a wait for those that `patience`
 * waits for.
 */
export async function acquireLease(
  query: Kysely<Database>,
  partnerAccountKey: number,
  holder: string,
  logger: Logger,
  patience?: Patience,
): Promise<Lease> {
  let epoch = await takeOver(query, partnerAccountKey, holder)
  const started = performance.now()
  let isSaid = false
  while (epoch === undefined) {
    const waitedMs = performance.now() - started
    const present = await readHolder(query, partnerAccountKey)
    if (patience === undefined || !patience.waitsFor(present) || waitedMs >= patience.waitMs) {
      throw await heldByAnother(query, partnerAccountKey)
    }
    if (!isSaid) logger.info({ holder: present }, 'the account is being loaded: waiting')
    isSaid = true
    await pause(pollMs, patience.signal)
    epoch = await takeOver(query, partnerAccountKey, holder)
  }
  return hold(query, partnerAccountKey, epoch, logger)
}

/** Waits; ends with the reason of the signal when it is aborted meanwhile. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error
  })
}

/** Keeps a lease that was taken. */
function hold(
  query: Kysely<Database>,
  partnerAccountKey: number,
  epoch: number,
  logger: Logger,
): Lease {
  let isBeating = false
  const heartbeat = setInterval(() => {
    // One waits while a publish holds the row; a second one would take the pool's next connection.
    if (isBeating) return
    isBeating = true
    extend(query, partnerAccountKey, epoch)
      .catch((error: unknown) => {
        logger.warn({ reason: String(error) }, 'lease could not be extended')
      })
      .finally(() => {
        isBeating = false
      })
  }, heartbeatMs)
  heartbeat.unref()
  return {
    partnerAccountKey,
    epoch,
    release: async () => {
      clearInterval(heartbeat)
      await query
        .updateTable('etl.lease')
        .set({ expires_at: sql`clock_timestamp()` })
        .where('partner_account_key', '=', partnerAccountKey)
        .where('epoch', '=', epoch)
        .execute()
    },
  }
}

const lockNotAvailable = '55P03'

/** The new epoch; none when another run holds the lease, or is writing under it at this moment. */
async function takeOver(
  query: Kysely<Database>,
  partnerAccountKey: number,
  holder: string,
): Promise<number | undefined> {
  try {
    return await inTransaction(query, async (transaction) => {
      await sql`set local lock_timeout = '2s'`.execute(transaction)
      const taken = await sql<{ epoch: number }>`
    insert into etl.lease as held
      (partner_account_key, holder, epoch, acquired_at, heartbeat_at, expires_at)
    values (${partnerAccountKey}, ${holder}, 1, clock_timestamp(), clock_timestamp(),
      clock_timestamp() + make_interval(secs => ${leaseSeconds}))
    on conflict (partner_account_key) do update
      set holder = excluded.holder,
          epoch = held.epoch + 1,
          acquired_at = excluded.acquired_at,
          heartbeat_at = excluded.heartbeat_at,
          expires_at = excluded.expires_at
      where held.expires_at <= excluded.acquired_at
    returning epoch`.execute(transaction)
      return taken.rows[0]?.epoch
    })
  } catch (error) {
    if (codeOf(error) === lockNotAvailable) return undefined
    throw error
  }
}

/**
 * A transaction that commits only while the lease is ours. The row stays locked until the end, so
 * nobody can take the account over between the check and the commit; the server ends it when the
 * process says nothing for as long as a lease lasts. It is done again, all of it,
 * after a failure that passes; what `use` keeps outside of the database must bear that. `findDone`
 * tells its result when it was done after all: the acknowledgement of a commit can be lost.
 *
 * @throws CosellError `accountHeld` when the lease was lost: nothing was written.
 */
export function inLeasedTransaction<T>(
  query: Kysely<Database>,
  lease: Lease,
  use: (transaction: Transaction<Database>) => Promise<T>,
  findDone?: (transaction: Transaction<Database>) => Promise<T | undefined>,
): Promise<T> {
  const attempt = (isAgain: boolean) =>
    inTransaction(query, async (transaction) => {
      const ours = await transaction
        .selectFrom('etl.lease')
        // Else a process that is stopped from here on would keep the account until it goes on.
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
      // With the row locked, no transaction of ours is still on its way to its commit.
      const done = isAgain ? await findDone?.(transaction) : undefined
      if (done !== undefined) return done
      const result = await use(transaction)
      // A transaction may outlast the lease, whose heartbeat cannot pass the lock meanwhile.
      await extend(transaction, lease.partnerAccountKey, lease.epoch)
      return result
    })
  return redo(attempt)
}

/**
 * A COPY that commits only while the lease is ours, and extends it: over one connection, so without
 * Kysely. Meant for what is staged: a crash of the server may take it back.
 *
 * @throws CosellError `accountHeld` when the lease was lost: nothing was written.
 */
export async function copyUnderLease<T>(
  client: PoolClient,
  { partnerAccountKey, epoch }: Lease,
  copy: () => Promise<T>,
): Promise<T> {
  // One message, and so one answer to wait for, which only a text without parameters can be.
  const [, ours] = (await client.query(takingLease(partnerAccountKey, epoch))) as unknown as Results
  try {
    if (ours.rowCount === 0) throw lostTo(partnerAccountKey)
    const result = await copy()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw error
  }
}

/** Of BEGIN and of the statement after it. */
type Results = readonly [QueryResult, QueryResult]

/** Done for every chunk of a COPY, so its commit does not wait for the disk. */
const takingLease = (partnerAccountKey: number, epoch: number) => `
  begin;
  update etl.lease
  set heartbeat_at = clock_timestamp(),
      expires_at = clock_timestamp() + interval '${leaseSeconds} s'
  where partner_account_key = ${partnerAccountKey} and epoch = ${epoch}
  returning set_config('synchronous_commit', 'off', true),
    set_config('idle_in_transaction_session_timeout', '${leaseSeconds}s', true)`

function lostTo(partnerAccountKey: number): CosellError {
  const text = `Account ${partnerAccountKey} was carried over by another run while this one was stopped.`
  return new CosellError('accountHeld', 'lease.held', text)
}

/** Does nothing while a transaction of ours holds the row: it extends the lease itself at its end. */
async function extend(query: Kysely<Database>, partnerAccountKey: number, epoch: number) {
  await query
    .updateTable('etl.lease')
    .set({
      heartbeat_at: sql`clock_timestamp()`,
      expires_at: sql`clock_timestamp() + make_interval(secs => ${leaseSeconds})`,
    })
    .where('partner_account_key', 'in', (from) =>
      from
        .selectFrom('etl.lease')
        .select('partner_account_key')
        .where('partner_account_key', '=', partnerAccountKey)
        .where('epoch', '=', epoch)
        .forUpdate()
        .skipLocked(),
    )
    .execute()
}

async function readHolder(query: Kysely<Database>, partnerAccountKey: number): Promise<string> {
  const held = await query
    .selectFrom('etl.lease')
    .select('holder')
    .where('partner_account_key', '=', partnerAccountKey)
    .executeTakeFirst()
  return held?.holder ?? ''
}

async function heldByAnother(query: Kysely<Database>, partnerAccountKey: number) {
  const held = await query
    .selectFrom('etl.lease as lease')
    .innerJoin(
      'dw.dim_partner_account as account',
      'account.partner_account_key',
      'lease.partner_account_key',
    )
    .select(['account.account_code', 'lease.holder', 'lease.expires_at'])
    .where('lease.partner_account_key', '=', partnerAccountKey)
    .executeTakeFirst()
  const text =
    `Account ${held?.account_code ?? partnerAccountKey} is being loaded by ${held?.holder ?? 'another run'}` +
    ` (its lease lasts until ${held?.expires_at ?? 'unknown'}). Wait for it to end, then run again.`
  return new CosellError('accountHeld', 'lease.held', text)
}
