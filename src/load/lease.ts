import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { Database } from '../warehouse.ts'
import { codeOf, inTransaction, type Kysely, type Transaction } from './database.ts'

/** The right to write one account; the epoch tells a revived old holder from the present one. */
export interface Lease {
  readonly partnerAccountKey: number
  readonly epoch: number
  release(): Promise<void>
}

const leaseSeconds = 60
const heartbeatMs = 15_000

/**
 * Takes the lease of an account, or takes it over when its holder let it expire. A heartbeat keeps
 * it until `release`. All times are the database's: clocks of machines may differ.
 *
 * @throws CosellError `accountHeld` when another run holds it.
 */
export async function acquireLease(
  query: Kysely<Database>,
  partnerAccountKey: number,
  holder: string,
  logger: Logger,
): Promise<Lease> {
  const epoch = await takeOver(query, partnerAccountKey, holder)
  if (epoch === undefined) throw await heldByAnother(query, partnerAccountKey)
  const heartbeat = setInterval(() => {
    extend(query, partnerAccountKey, epoch).catch((error: unknown) => {
      logger.warn({ reason: String(error) }, 'lease could not be extended')
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
 * nobody can take the account over between the check and the commit.
 *
 * @throws CosellError `accountHeld` when the lease was lost: nothing was written.
 */
export function inLeasedTransaction<T>(
  query: Kysely<Database>,
  lease: Lease,
  use: (transaction: Transaction<Database>) => Promise<T>,
): Promise<T> {
  return inTransaction(query, async (transaction) => {
    const ours = await transaction
      .selectFrom('etl.lease')
      .select('epoch')
      .where('partner_account_key', '=', lease.partnerAccountKey)
      .where('epoch', '=', lease.epoch)
      .forUpdate()
      .execute()
    if (ours.length === 0) throw await heldByAnother(query, lease.partnerAccountKey)
    const result = await use(transaction)
    // A transaction may outlast the lease, whose heartbeat cannot pass the lock meanwhile.
    await extend(transaction, lease.partnerAccountKey, lease.epoch)
    return result
  })
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
