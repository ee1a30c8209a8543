import { CosellError } from '../../errors.ts'
import {
  countErased,
  type ErasedCounts,
  eraseRows,
  findLanded,
  vacuumErased,
  withoutZeros,
} from '../../load/erase/erase-rows.ts'
import {
  enter,
  isAnyDue,
  markApplied,
  type RegisterEntry,
  readRegister,
} from '../../load/erase/register.ts'
import { type KnownAccount, listAccounts } from '../../load/runs/accounts.ts'
import { fencedTransaction } from '../../load/runs/fenced-transaction.ts'
import type { Lease } from '../../load/runs/lease.ts'
import { readReference } from '../../load/runs/reference.ts'
import { Eraser } from '../../transform/pii/erased.ts'
import { withLease } from '../account-run.ts'
import { keyedDigest } from '../land-pages.ts'
import { replay } from '../rebuild.ts'
import type { RunContext } from '../run-context.ts'
import { readRegisterFile, writeRegisterFile } from './register-file.ts'

/** What an erasure changed. */
export interface CarriedOut {
  /** Referrals whose landed versions named them. */
  readonly referrals: number
  /** Changed and deleted rows, by table. */
  readonly rows: ErasedCounts
}

/**
 * Keeps erased people out of a warehouse that may be older than their erasure: brings register and file
 * together, and carries out what is due. While another run holds an account that stays due.
 *
 * @throws CosellError `erase.register_unreadable`
 */
export async function keepErased(context: RunContext): Promise<void> {
  const { warehouse, log } = context
  try {
    await register(context, [])
  } catch (error) {
    if (!(error instanceof CosellError && error.code === 'erase.register_not_written')) throw error
    log.logger.warn({ code: error.code }, error.message)
  }
  if (!(await isAnyDue(warehouse.query))) return
  try {
    await withAllLeases(context, async (leases) => {
      const { referrals } = await carryOut(context, leases)
      log.logger.info({ referrals }, 'people who were erased before are erased again')
    })
  } catch (error) {
    if (!(error instanceof CosellError && error.code === 'lease.held')) throw error
    log.logger.warn(
      { code: error.code },
      `${error.message} Erased people are left to the next run.`,
    )
  }
}

/** Enters hashes into the file and then the table, and what only one of them has into the other. */
export async function register(context: RunContext, entries: readonly RegisterEntry[]) {
  const { config, warehouse } = context
  const stored = await readRegister(warehouse.query)
  const kept = await readRegisterFile(config.home)
  const byHash = (rows: readonly RegisterEntry[]) =>
    new Map(rows.map((row) => [row.contact_hash, row]))
  // Whoever asked first is the one who asked.
  const all = byHash([...entries, ...stored, ...kept])
  const inFile = byHash(kept)
  if ([...all.keys()].some((hash) => !inFile.has(hash))) {
    await writeRegisterFile(config.home, [...all.values()])
  }
  const inTable = byHash(stored)
  const given = byHash(entries)
  const isNew = ({ contact_hash }: RegisterEntry) =>
    !inTable.has(contact_hash) || given.has(contact_hash)
  await enter(warehouse.query, [...all.values()].filter(isNew))
}

/**
 * Holds every account while `use` runs.
 *
 * @throws CosellError `accountHeld` when another run holds one of them.
 */
export async function withAllLeases<T>(
  context: RunContext,
  use: (leases: readonly HeldAccount[]) => Promise<T>,
): Promise<T> {
  const accounts = await listAccounts(context.warehouse.query)
  const withRest = (rest: readonly KnownAccount[], held: readonly HeldAccount[]): Promise<T> => {
    const [account, ...others] = rest
    if (account === undefined) return use(held)
    return withLease(context, account.partner_account_key, (lease) =>
      withRest(others, [...held, { name: account.account_code, lease }]),
    )
  }
  return withRest(accounts, [])
}

export interface HeldAccount {
  readonly name: string
  readonly lease: Lease
}

/**
 * Erases from every account the people who are due. An account is published without them before its
 * landed versions are changed: after a kill in between, these are found again.
 */
export async function carryOut(
  context: RunContext,
  accounts: readonly HeldAccount[],
): Promise<CarriedOut> {
  const { query } = context.warehouse
  const { erasedDue: due, secret } = await readReference(query)
  const eraser = new Eraser(due, keyedDigest(secret))
  let referrals = 0
  const rows: Record<string, number> = {}
  for (const { name, lease } of accounts) {
    const key = lease.partnerAccountKey
    const before = await countErased(query, key)
    const { ids, counts } = await findLanded(query, key, eraser)
    if (ids.length > 0) await replay({ ...context, account: name }, lease, { ids })
    await fencedTransaction(query, lease, (transaction) => eraseRows(transaction, key, ids, eraser))
    referrals += ids.length
    const after = await countErased(query, key)
    const changed = Object.entries(after).map(([table, count]): [string, number] => [
      table,
      count - (before[table] ?? 0),
    ])
    for (const [table, count] of [...Object.entries(counts), ...changed]) {
      rows[table] = (rows[table] ?? 0) + count
    }
  }
  await vacuumErased(query)
  // An account that was entered meanwhile is looked through by the next run.
  const known = await listAccounts(query)
  if (known.length === accounts.length) {
    await markApplied(query, [...due.keys()])
  }
  return { referrals, rows: withoutZeros(rows) }
}
