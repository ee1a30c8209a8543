import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/**
 * Right to write one account. The epoch distinguishes the holder from an earlier one that revives.
 */
export interface Lease {
  readonly partnerAccountKey: number
  readonly epoch: number
  /** Aborted with the reason when a heartbeat finds that the lease is lost, or finds no database. */
  readonly lost: AbortSignal
  release(): Promise<void>
}

/** Holders to wait for when an account is held, and the longest wait. */
export interface WaitPolicy {
  waitsFor(holder: string): boolean
  readonly waitMs: number
  /** Longest wait for an open transaction of a holder whose lease has run out. */
  readonly openMs?: number
  /** Aborting it ends the wait with its reason as the error. */
  readonly signal: AbortSignal
}

const noWait: WaitPolicy = {
  waitsFor: () => false,
  waitMs: 0,
  signal: new AbortController().signal,
}

/** Time after which a silent holder loses the account. */
export const leaseSeconds = 60
const heartbeatMs = 15_000
/** Heartbeats without an answer after which the lease has run out. */
const missedMax = (leaseSeconds * 1_000) / heartbeatMs
/**
 * Shorter than the pause of a backfill between two windows, so that a nightly run gets the lease.
 */
const pollMs = 1_000
/** A row that says nothing yet is mostly locked for milliseconds. */
const pollExpiredMs = 50
/**
 * The server ends the transaction of a dead process when it was idle for as long as a lease lasts.
 * Half of that more is for the statement that runs at its death.
 */
const openMsMax = 1.5 * leaseSeconds * 1_000

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
  waitPolicy: WaitPolicy = noWait,
): Promise<Lease> {
  const started = performance.now()
  let isLogged = false
  for (;;) {
    const epoch = await takeOver(query, partnerAccountKey, holder)
    if (epoch !== undefined) return keepLease(query, partnerAccountKey, epoch, logger)
    const present = await readHolder(query, partnerAccountKey)
    const waitMs = longestWait(present, waitPolicy)
    if (performance.now() - started >= waitMs) throw heldByAnother(partnerAccountKey, present)
    const isWorthALine = present?.isExpired !== true || performance.now() - started >= pollMs
    if (isWorthALine && !isLogged) {
      logger.info({ holder: present?.holder }, 'the account is being loaded: waiting')
      isLogged = true
    }
    await pause(present?.isExpired ? pollExpiredMs : pollMs, waitPolicy.signal)
  }
}

/**
 * Longest wait for a holder. One whose lease has run out while its row is locked has a transaction
 * open, or another run takes the account over at this moment: the row does not say yet who holds it.
 */
function longestWait(present: Holder | undefined, policy: WaitPolicy): number {
  const policyMs = policy.waitsFor(present?.holder ?? '') ? policy.waitMs : 0
  return present?.isExpired ? Math.max(policyMs, policy.openMs ?? openMsMax) : policyMs
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
  let missed = 0
  const lost = new AbortController()
  const heartbeat = setInterval(() => {
    // Heartbeats are counted, not time: a process that was stopped may still hold its lease.
    if (missed >= missedMax) lost.abort(leaseLapsed(partnerAccountKey))
    missed += 1
    // A heartbeat may wait for its connection; a second one would take another connection.
    if (isBeating) return
    isBeating = true
    beat(query, partnerAccountKey, epoch)
      .then((isOurs) => {
        missed = 0
        if (!isOurs) lost.abort(leaseLost(partnerAccountKey))
      })
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
    lost: lost.signal,
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

/** Extends the lease; false when another run has it. */
async function beat(query: Kysely<Database>, partnerAccountKey: number, epoch: number) {
  await extendLease(query, partnerAccountKey, epoch)
  const held = await query
    .selectFrom('etl.lease')
    .select('epoch')
    .where('partner_account_key', '=', partnerAccountKey)
    .executeTakeFirst()
  return held?.epoch === epoch
}

/** The error of a run whose account another run took over. */
export function leaseLost(partnerAccountKey: number): CosellError {
  const text = `Account ${partnerAccountKey} was taken over by another run while this one was stopped.`
  return new CosellError('lease.held', text)
}

function leaseLapsed(partnerAccountKey: number): CosellError {
  const text =
    `The lease of account ${partnerAccountKey} could not be extended for ${leaseSeconds} s: the ` +
    'database does not answer. Nothing was published in part; run again.'
  return new CosellError('lease.lapsed', text)
}

/**
 * New epoch; undefined when another run holds the lease, or has a transaction open under it. Waits
 * for no transaction: an open one keeps its row locked, see `fencedTransaction`.
 */
function takeOver(
  query: Kysely<Database>,
  partnerAccountKey: number,
  holder: string,
): Promise<number | undefined> {
  const taken = {
    holder,
    acquired_at: sql<string>`clock_timestamp()`,
    heartbeat_at: sql<string>`clock_timestamp()`,
    expires_at: inOneLease,
  }
  return query.transaction().execute(async (transaction) => {
    // A lock of the table, as one of a migration, says nothing about the holder.
    await sql`set local lock_timeout = '10s'`.execute(transaction)
    const entered = await transaction
      .insertInto('etl.lease')
      .values({ partner_account_key: partnerAccountKey, epoch: 1, ...taken })
      .onConflict((on) => on.column('partner_account_key').doNothing())
      .returning('epoch')
      .executeTakeFirst()
    if (entered !== undefined) {
      await checkAccountThere(transaction, partnerAccountKey)
      return entered.epoch
    }
    const free = await transaction
      .selectFrom('etl.lease')
      .select('epoch')
      .where('partner_account_key', '=', partnerAccountKey)
      .where('expires_at', '<=', sql<string>`clock_timestamp()`)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst()
    if (free === undefined) return undefined
    const epoch = free.epoch + 1
    await transaction
      .updateTable('etl.lease')
      .set({ epoch, ...taken })
      .where('partner_account_key', '=', partnerAccountKey)
      .execute()
    return epoch
  })
}

/**
 * Checks that the account was not removed while this process waited. Once the lease is taken, it
 * cannot be.
 */
async function checkAccountThere(query: Kysely<Database>, partnerAccountKey: number) {
  const account = await query
    .selectFrom('dw.dim_partner_account')
    .select('account_code')
    .where('partner_account_key', '=', partnerAccountKey)
    .executeTakeFirst()
  if (account !== undefined) return
  const text =
    `Account ${partnerAccountKey} was removed from the warehouse meanwhile (\`cosell forget\`); ` +
    'nothing was read or written. Run again to load it anew.'
  throw new CosellError('account.gone', text)
}

const inOneLease = sql<string>`clock_timestamp() + make_interval(secs => ${leaseSeconds})`

/**
 * Extends a lease, while a transaction is open under it too. Skips a row that another session
 * changes: that is a heartbeat as well, or the end of a transaction.
 */
export async function extendLease(
  query: Kysely<Database>,
  partnerAccountKey: number,
  epoch: number,
) {
  await query
    .updateTable('etl.lease')
    .set({ heartbeat_at: sql`clock_timestamp()`, expires_at: inOneLease })
    .where('partner_account_key', 'in', (from) =>
      from
        .selectFrom('etl.lease')
        .select('partner_account_key')
        .where('partner_account_key', '=', partnerAccountKey)
        .where('epoch', '=', epoch)
        .forNoKeyUpdate()
        .skipLocked(),
    )
    .execute()
}

/** Holder of an account, as its row says. */
interface Holder {
  readonly account: string
  readonly holder: string
  readonly expiresAt: string
  /** The lease has run out, or was released. */
  readonly isExpired: boolean
}

/** Holder of an account, or the last one; undefined before the first. */
function readHolder(
  query: Kysely<Database>,
  partnerAccountKey: number,
): Promise<Holder | undefined> {
  return query
    .selectFrom('etl.lease as lease')
    .innerJoin(
      'dw.dim_partner_account as account',
      'account.partner_account_key',
      'lease.partner_account_key',
    )
    .select([
      'account.account_code as account',
      'lease.holder',
      'lease.expires_at as expiresAt',
      sql<boolean>`lease.expires_at <= clock_timestamp()`.as('isExpired'),
    ])
    .where('lease.partner_account_key', '=', partnerAccountKey)
    .executeTakeFirst()
}

/** The error of a run whose account another run holds. */
function heldByAnother(partnerAccountKey: number, held: Holder | undefined): CosellError {
  const until =
    held?.isExpired === false
      ? `its lease lasts until ${held.expiresAt}`
      : 'its lease has run out, but a transaction of it is open in the database'
  const text =
    `Account ${held?.account ?? partnerAccountKey} is being loaded by ${held?.holder ?? 'another run'}` +
    ` (${until}). Wait for it to end, then run again.`
  return new CosellError('lease.held', text)
}

/** The error of a run that lost its account, with the run that holds it now, if one does. */
export async function lostToAnother(query: Kysely<Database>, partnerAccountKey: number) {
  const present = await readHolder(query, partnerAccountKey)
  const isHeld = present?.isExpired === false
  return isHeld ? heldByAnother(partnerAccountKey, present) : leaseLost(partnerAccountKey)
}
