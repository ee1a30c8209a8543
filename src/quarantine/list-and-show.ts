import { CosellError } from '../errors.ts'
import { checkAccountKnown, listAccounts } from '../load/runs/accounts.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { type QuarantineEntry, readEntries, readPayload } from './entries.ts'
import { type Excerpt, excerptAt } from './excerpt.ts'

/** Entry with the shape of its payload around the invalid value. */
export interface EntryWithExcerpt extends QuarantineEntry {
  readonly excerpt: Excerpt
}

/**
 * Returns the versions that are in quarantine now.
 *
 * @throws CosellError `usage` when the account is unknown.
 */
export async function listOpenEntries(
  query: Kysely<Database>,
  account: string | undefined,
): Promise<QuarantineEntry[]> {
  checkAccountKnown(account, await listAccounts(query))
  return readEntries(query, { account, openOnly: true })
}

/**
 * Returns every version of one referral that is or was in quarantine.
 *
 * @throws CosellError `usage` when there is none, or when several accounts have the referral and no
 * account is named.
 */
export async function showEntries(
  query: Kysely<Database>,
  ids: readonly string[],
  account: string | undefined,
): Promise<EntryWithExcerpt[]> {
  const [referralId, ...more] = ids
  if (referralId === undefined || more.length > 0)
    throw quarantineUsageError('show takes one referral id.')
  checkAccountKnown(account, await listAccounts(query))
  const entries = await readEntries(query, { account, referralId, openOnly: false })
  const accounts = [...new Set(entries.map((entry) => entry.account))]
  if (accounts.length === 0)
    throw quarantineUsageError(`${referralId} was never in quarantine; list shows what is.`)
  if (accounts.length > 1) {
    throw quarantineUsageError(
      `${accounts.join(' and ')} both have ${referralId}; choose one with --account.`,
    )
  }
  const shown: EntryWithExcerpt[] = []
  for (const entry of entries) {
    const payload = await readPayload(query, entry)
    shown.push({ ...entry, excerpt: excerptAt(payload, entry.item_path) })
  }
  return shown
}

export function quarantineUsageError(text: string): CosellError {
  return new CosellError('quarantine.usage', `quarantine ${text}`)
}
