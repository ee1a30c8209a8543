import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { codeOf, inTransaction, type Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/**
 * Right to write one account. The epoch distinguishes the holder from an earlier one that revives.
 */
export interface Lease {
  readonly partnerAccountKey: number
  readonly epoch: number
  release(): Promise<void>
}

/** Holders to wait for when an account is held, and the longest wait. */
export interface WaitPolicy {
  waitsFor(holder: string): boolean
  readonly waitMs: number
  /** Aborting it ends the wait with its reason as the error. */
  readonly signal: AbortSignal
}

/** Time after which a silent holder loses the account. */
export const leaseSeconds = 60
const heartbeatMs = 15_000
/**
 * Shorter than the pause of a backfill between two windows, so that a nightly run gets the lease.
 */
const pollMs = 1_000

/**
 * Takes the lease of an account, or takes it over when its holder let it expire. A heartbeat keeps
 * it until `release`. All times are the database's: clocks of machines may differ.
 *
 * @throws CosellError `accountHeld` when another run holds it, after the wait of the policy.
 */
export async function acquireLease(
  query: Kysely<Database>,
  partnerAccountKey: number,
  holder: string,
  logger: Logger,
  waitPolicy?: WaitPolicy,
): Promise<Lease> {
  let epoch = await takeOver(query, partnerAccountKey, holder)
  const started = performance.now()
  let isLogged = false
  while (epoch === undefined) {
    const waitedMs = performance.now() - started
    const present = await readHolder(query, partnerAccountKey)
    if (
      waitPolicy === undefined ||
      !waitPolicy.waitsFor(present) ||
      waitedMs >= waitPolicy.waitMs
    ) {
      throw await heldByAnother(query, partnerAccountKey)
    }
    if (!isLogged) logger.info({ holder: present }, 'the account is being loaded: waiting')
    isLogged = true
    await pause(pollMs, waitPolicy.signal)
    epoch = await takeOver(query, partnerAccountKey, holder)
  }
  return keepLease(query, partnerAccountKey, epoch, logger)
}

/** Waits. @throws the reason of the signal when it is aborted meanwhile. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error
  })
}

/** Extends a taken lease by a heartbeat until its release. */
function keepLease(
  query: Kysely<Database>,
  partnerAccountKey: number,
  epoch: number,
  logger: Logger,
): Lease {
  let isBeating = false
  const heartbeat = setInterval(() => {
    // A heartbeat waits while a publish locks the row; a second one would take another connection.
    if (isBeating) return
    isBeating = true
    extendLease(query, partnerAccountKey, epoch)
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

/** New epoch; undefined when another run holds the lease, or writes under it at this moment. */
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
 * Extends a lease. Skips a locked row: the transaction that locks it extends the lease at its end.
 */
export async function extendLease(
  query: Kysely<Database>,
  partnerAccountKey: number,
  epoch: number,
) {
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

/** The error of a run whose account another run holds. */
export async function heldByAnother(query: Kysely<Database>, partnerAccountKey: number) {
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
  return new CosellError('lease.held', text)
}
