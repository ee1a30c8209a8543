import { setTimeout as sleep } from 'node:timers/promises'
import { expressionBuilder, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { codeOf, type Kysely, type Transaction } from '../../warehouse/connection/database.ts'
import type { Database, TableName } from '../../warehouse/tables.generated.ts'
import { lastKeySetting } from '../runs/accounts.ts'
import { prepareForBulk } from '../runs/prepare-for-bulk.ts'
import {
  type AccountReference,
  type AccountTable,
  accountTables,
  deletionOrder,
  lastTables,
  readReferences,
} from './account-tables.ts'
import { removeUnusedMembers } from './unused-members.ts'

/** Rows by table. */
export type RowCounts = Readonly<Record<string, number>>

/** What was deleted. */
export interface Removed {
  /** Tables without a row of the account are left out. */
  readonly rows: RowCounts
  /** Undocumented members of shared tables stay, since another account was being loaded. */
  readonly areMembersKept: boolean
}

/** Longest wait for tables that are in use, and the share of it in which readers queue behind us. */
export interface LockWait {
  readonly msMax: number
  readonly attemptMs: number
}

const defaultLockWait: LockWait = { msMax: 120_000, attemptMs: 2_000 }
const pauseMs = 500

/** Whether the login owns every table with rows of accounts, as its deletion takes. */
export async function ownsAccountTables(query: Kysely<Database>): Promise<boolean> {
  const names = accountTables().map(({ table }) => table)
  const { rows } = await sql<{ owns: boolean }>`
    select bool_and(pg_has_role(c.relowner, 'usage')) as owns
    from unnest(${names}::text[]) as name
    join pg_class c on c.oid = name::regclass`.execute(query)
  return rows[0]?.owns === true
}

/** Counts the rows of an account in every table that has some. */
export async function countAccountRows(query: Kysely<Database>, key: number): Promise<RowCounts> {
  const counts: Record<string, number> = {}
  for (const one of accountTables()) {
    const { rows: count } = await query
      .selectFrom(one.table)
      .select(({ fn }) => fn.countAll<number>().as('rows'))
      .where(isOf(one, key))
      .executeTakeFirstOrThrow()
    if (count > 0) counts[one.table] = count
  }
  return counts
}

/**
 * Deletes every row of an account, and the members of shared tables that it alone used. Its key is
 * not given to another account, since a process that waits may still have it.
 *
 * Foreign keys to members of dimensions have no index on the facts, and checking each deleted member
 * would scan the facts once a member. They are dropped and made again around that step: the facts
 * are locked for as long as the remaining ones take to be checked in one join.
 *
 * @throws CosellError `tryAgainLater` when the facts stay in use, `configuration` when a table of
 * others refers to the rows.
 */
export async function removeAccount(
  transaction: Transaction<Database>,
  key: number,
  lockWait = defaultLockWait,
): Promise<Removed> {
  // A policy that would hide rows from the login becomes an error.
  await sql`set local row_security = off`.execute(transaction)
  await prepareForBulk(transaction)
  const references = await readReferences(transaction)
  const unindexed = references.filter(({ isIndexed }) => !isIndexed)
  const isMember = ({ table }: AccountTable) =>
    unindexed.some(({ referenced }) => referenced === table)
  const ordered = deletionOrder(accountTables(), references)
  const counts: Record<string, number> = {}
  const remove = async (one: AccountTable) => {
    const deleted = await deleteRows(transaction, one, key)
    if (deleted > 0) counts[one.table] = deleted
  }
  const members = ordered.filter(isMember)
  const last = ordered.filter(({ table }) => lastTables.includes(table))
  for (const one of ordered) if (![...members, ...last].includes(one)) await remove(one)
  if (await hasRows(transaction, members, key)) {
    await withoutReferences(transaction, unindexed, lockWait, async () => {
      for (const one of members) await remove(one)
    })
  }
  const unused = await removeUnusedMembers(transaction, key)
  for (const [table, deleted] of Object.entries(unused ?? {})) {
    if (deleted > 0) counts[table] = deleted
  }
  // The row of the lease goes late, so that another run finds it held and not in doubt.
  for (const one of last) await remove(one)
  await transaction
    .insertInto('etl.setting')
    .values({ setting_name: lastKeySetting, setting_value: String(key) })
    .onConflict((on) =>
      on.column('setting_name').doUpdateSet({
        setting_value: sql<string>`greatest(setting.setting_value::integer, ${key})::text`,
      }),
    )
    .execute()
  return { rows: counts, areMembersKept: unused === null }
}

function isOf({ by }: AccountTable, key: number) {
  if (by === 'account') return sql<boolean>`partner_account_key = ${key}`
  const runs = expressionBuilder<Database>()
    .selectFrom('etl.run')
    .select('run_id')
    .where('partner_account_key', '=', key)
  return sql<boolean>`run_id in ${runs}`
}

async function deleteRows(
  transaction: Transaction<Database>,
  one: AccountTable,
  key: number,
): Promise<number> {
  try {
    const deleted = await transaction
      .deleteFrom(one.table)
      .where(isOf(one, key))
      .executeTakeFirstOrThrow()
    return Number(deleted.numDeletedRows)
  } catch (error) {
    throw codeOf(error) === '23503' ? stillReferenced(one.table, error) : error
  }
}

async function hasRows(
  transaction: Transaction<Database>,
  members: readonly AccountTable[],
  key: number,
): Promise<boolean> {
  for (const one of members) {
    const rows = await transaction
      .selectFrom(one.table)
      .select(sql.lit(1).as('one'))
      .where(isOf(one, key))
      .limit(1)
      .execute()
    if (rows.length > 0) return true
  }
  return false
}

async function withoutReferences(
  transaction: Transaction<Database>,
  references: readonly AccountReference[],
  lockWait: LockWait,
  use: () => Promise<void>,
) {
  const locked = new Set(references.flatMap(({ table, referenced }) => [table, referenced]))
  await lockAlone(transaction, [...locked].sort(), lockWait)
  for (const { table, name } of references) {
    await sql`alter table ${sql.table(table)} drop constraint ${sql.ref(name)}`.execute(transaction)
  }
  await use()
  for (const { table, name, definition } of references) {
    await sql`
      alter table ${sql.table(table)} add constraint ${sql.ref(name)} ${sql.raw(definition)}`.execute(
      transaction,
    )
  }
}

/** Locks tables against readers too. Each attempt is short, since every reader queues behind it. */
async function lockAlone(
  transaction: Transaction<Database>,
  tables: readonly TableName[],
  { msMax, attemptMs }: LockWait,
) {
  const started = performance.now()
  for (;;) {
    await sql`savepoint alone`.execute(transaction)
    try {
      await sql`select set_config('lock_timeout', ${`${attemptMs}ms`}, true)`.execute(transaction)
      await sql`lock table ${sql.join(tables.map((table) => sql.table(table)))}
        in access exclusive mode`.execute(transaction)
      await sql`set local lock_timeout = 0`.execute(transaction)
      return
    } catch (error) {
      const isLocked = ['55P03', '40P01'].includes(codeOf(error))
      if (!isLocked) throw error
      if (performance.now() - started >= msMax) throw stillInUse(error)
      await sql`rollback to savepoint alone`.execute(transaction)
      await sleep(pauseMs)
    }
  }
}

function stillInUse(cause: unknown): CosellError {
  const text =
    'Forget: expected the facts to be free for a moment, got them in use all the time; nothing was ' +
    'removed. Run again when loads and long queries are done.'
  return new CosellError('forget.lock_timeout', text, { cause })
}

function stillReferenced(table: string, cause: unknown): CosellError {
  const { schema, table: other, constraint } = Object(cause)
  const where = other === undefined ? '' : ` (${schema}.${other}, constraint ${constraint})`
  const text =
    `Forget: rows of ${table} are referred to by a table that cosell did not make${where}; nothing ` +
    'was removed. Delete the rows there or drop the constraint, then run again.'
  return new CosellError('forget.referenced', text, { cause })
}
