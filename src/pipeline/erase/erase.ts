import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import {
  type ErasedCounts,
  findLanded,
  readIdentities,
  readOthers,
  withoutZeros,
} from '../../load/erase/erase-rows.ts'
import type { RegisterEntry } from '../../load/erase/register.ts'
import { listAccounts } from '../../load/runs/accounts.ts'
import { readReference } from '../../load/runs/reference.ts'
import { Eraser, referralKey } from '../../transform/pii/erased.ts'
import { identityKeys } from '../../transform/pii/identity.ts'
import { keyedDigest } from '../land-pages.ts'
import type { RunContext } from '../run-context.ts'
import { carryOut, register, withAllLeases } from './keep-erased.ts'

/** A person by e-mail address, or all people of a referral by its id. */
export type EraseRequest = { readonly email: string } | { readonly referral: string }

/** What is landed of the people before they are erased. */
export interface Erasable {
  readonly referrals: number
  /** Landed rows, by table. */
  readonly rows: ErasedCounts
  /** How they are recognised from now on. */
  readonly entries: readonly RegisterEntry[]
}

/** Result of an erasure; `--json` ends with it. */
export interface ErasedPeople {
  readonly status: 'erased'
  /** Referrals whose landed versions named them. */
  readonly referrals: number
  /** Changed and deleted rows, by table. */
  readonly rows: ErasedCounts
  readonly rows_erased: number
  /** Keyed hashes in the register by which later loads leave them out. */
  readonly hashes: number
}

const addressShape = /^[^\s@]+@[^\s@]+$/

/**
 * Finds the people of a request in all accounts.
 *
 * @throws CosellError `erase.email` for what is no address, `erase.unknown_referral`.
 */
export async function findErasable(context: RunContext, request: EraseRequest): Promise<Erasable> {
  const { query, session } = context.warehouse
  const { secret } = await readReference(query)
  const accounts = await listAccounts(query)
  const digest = keyedDigest(secret)
  const keys = 'email' in request ? await keysOfPerson(context, request.email) : []
  if ('referral' in request) {
    await checkReferral(context, request.referral)
    keys.push(referralKey(request.referral))
  }
  const requested_at = new Date().toISOString()
  const entries = keys.map((key) => ({
    contact_hash: digest(key),
    requested_at,
    requested_by: session.role,
  }))
  const eraser = new Eraser(new Map(entries.map((one) => [one.contact_hash, requested_at])), digest)
  let referrals = 0
  const rows: Record<string, number> = {}
  for (const { partner_account_key: key } of accounts) {
    const { ids, counts } = await findLanded(query, key, eraser)
    referrals += ids.length
    for (const [table, count] of Object.entries(counts)) rows[table] = (rows[table] ?? 0) + count
  }
  return { referrals, rows: withoutZeros(rows), entries }
}

async function keysOfPerson({ warehouse }: RunContext, given: string): Promise<string[]> {
  const email = given.trim().toLowerCase()
  if (!addressShape.test(email)) {
    // The text may name a person, and messages never do.
    const text =
      'cosell erase --email: expected one e-mail address such as ada@example.com, got something else. ' +
      'Give the address alone.'
    throw new CosellError('erase.email', text)
  }
  const { known, landed } = await readIdentities(warehouse.query, email)
  return identityKeys(email, known, landed, await readOthers(warehouse.query, email))
}

async function checkReferral({ warehouse }: RunContext, id: string) {
  const { rows } = await sql`select from raw.payload
    where resource_type in ('referral', 'csv_row') and resource_id = ${id} limit 1`.execute(
    warehouse.query,
  )
  if (rows.length > 0) return
  const text =
    `cosell erase --referral: expected the id of a referral that has landed, got "${id}". Nothing was ` +
    'erased; `mart.referral` has the ids.'
  throw new CosellError('erase.unknown_referral', text)
}

/**
 * Erases people under the leases of all accounts. They are registered first: killed afterwards, the next
 * run finishes it.
 *
 * @throws CosellError `accountHeld` while a run is under way: nothing was erased.
 */
export function erase(context: RunContext, { entries }: Erasable): Promise<ErasedPeople> {
  return withAllLeases(context, async (accounts) => {
    await register(context, entries)
    const { referrals, rows } = await carryOut(context, accounts)
    const rows_erased = Object.values(rows).reduce((sum, count) => sum + count, 0)
    return { status: 'erased', referrals, rows, rows_erased, hashes: entries.length }
  })
}
