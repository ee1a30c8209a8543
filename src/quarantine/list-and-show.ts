import { CosellError } from '../errors.ts'
import { listAccounts, refuseUnknownAccount } from '../load/runs/accounts.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { listQuarantine, type QuarantineEntry, readHeldPayload } from './entries.ts'
import { type Excerpt, excerptAt } from './excerpt.ts'

/** One version that was set aside, and the payload around the damage. */
export interface HeldVersion extends QuarantineEntry {
  readonly excerpt: Excerpt
}

/**
 * What is set aside now.
 *
 * @throws CosellError `usage` when the account is not known.
 */
export async function listHeld(
  query: Kysely<Database>,
  account: string | undefined,
): Promise<QuarantineEntry[]> {
  refuseUnknownAccount(account, await listAccounts(query))
  return listQuarantine(query, { account, openOnly: true })
}

/**
 * Every version of one referral that is or was set aside.
 *
 * @throws CosellError `usage` when there is none, or when several accounts have one and none is named.
 */
export async function showHeld(
  query: Kysely<Database>,
  ids: readonly string[],
  account: string | undefined,
): Promise<HeldVersion[]> {
  const [referralId, ...more] = ids
  if (referralId === undefined || more.length > 0) throw misused('show takes one referral id.')
  refuseUnknownAccount(account, await listAccounts(query))
  const found = await listQuarantine(query, { account, referralId, openOnly: false })
  const holders = [...new Set(found.map((entry) => entry.account))]
  if (holders.length === 0) throw misused(`${referralId} was never set aside; list shows what is.`)
  if (holders.length > 1) {
    throw misused(`${holders.join(' and ')} both have ${referralId}; name one by --account.`)
  }
  const held: HeldVersion[] = []
  for (const entry of found) {
    const payload = await readHeldPayload(query, entry)
    held.push({ ...entry, excerpt: excerptAt(payload, entry.item_path) })
  }
  return held
}

export function misused(text: string): CosellError {
  return new CosellError('usage', 'quarantine.usage', `quarantine ${text}`)
}

/** What `--help` says beside the options. */
export const quarantineHelp = `

show prints the reason, the types of the properties around the damage and, where it is a plain
value outside people and free text, the value, cut at 120 characters. retry transforms and
publishes what is landed, without the API, and ends with 0 also when it still cannot be read.
A newer version of a referral, and rebuild, try it again by themselves.`
