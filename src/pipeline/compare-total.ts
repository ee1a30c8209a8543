import { readListTotal, showsTotal } from '../extract/paging/list-total.ts'
import { expectKnown, listUncounted } from '../load/landing/looks.ts'
import { readUncountedTotal } from '../load/runs/ledger.ts'
import { lookOf, type Reading } from './look-up.ts'

/** Length of the list of the API, beside the length that the warehouse expects. */
export interface ComparedTotal {
  readonly listed: number
  readonly expected: number
}

/**
 * Compares, after the pages of changes, how many referrals the API lists with what is known: more are
 * known only through referrals that left, fewer only through some that came into view with an old
 * `updatedDateTime`. A referral that was created meanwhile is landed. `notFound` are those that the
 * API did not have a moment ago. Null where the API does not show how many it lists.
 */
export async function compareTotal(
  reading: Reading,
  notFound: readonly string[],
): Promise<ComparedTotal | null> {
  if (!showsTotal(reading.capabilities)) return null
  const { query } = reading.run.warehouse
  const look = lookOf(reading)
  const known = await expectKnown(query, look, notFound)
  const uncounted = await readUncountedTotal(query, look.account, look.principal)
  const counted = await landNewest(reading, known + uncounted)
  if (counted === null) return null
  return { listed: counted.listed, expected: known + counted.landed + uncounted }
}

/**
 * Asks how many referrals the API lists, and lands those of the newest ones that are not known.
 * Null where the API does not show how many it lists.
 */
export async function landNewest(
  reading: Reading,
  expected: number,
): Promise<{ readonly listed: number; readonly landed: number } | null> {
  const { api, capabilities, landing, run } = reading
  const answer = await readListTotal(api, capabilities, expected)
  if (answer === null) return null
  const landed = await landing.landSome(answer.page, (ids) =>
    listUncounted(run.warehouse.query, lookOf(reading), ids),
  )
  return { listed: answer.total, landed }
}
