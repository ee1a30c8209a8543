import { eraseLanded, findLanded, type LandedErasing } from '../../load/erase/erase-rows.ts'
import { findClosed, purgeKept } from '../../load/purge/purge-contacts.ts'
import { fencedTransaction } from '../../load/runs/fenced-transaction.ts'
import { withoutContacts } from '../../transform/pii/contacts.ts'
import type { HeldAccount } from '../erase/keep-erased.ts'
import { replay } from '../rebuild.ts'
import type { RunContext } from '../run-context.ts'
import type { Tally } from './tally.ts'

/** Referrals whose contacts go, and how they do. */
interface Contacts {
  readonly ids: readonly string[]
  readonly at: string
  readonly erasing: LandedErasing
}

/** Finds the referrals of an account that were closed before an instant and have contacts or notes. */
export async function findContacts(
  { warehouse, log }: RunContext,
  partnerAccountKey: number,
  before: string,
  tally: Tally,
): Promise<Contacts> {
  const { query } = warehouse
  log.progress({ phase: 'purging', part: 'contacts' })
  const at = new Date().toISOString()
  const erasing: LandedErasing = { erase: (_, version) => withoutContacts(version, at) }
  const closed = await findClosed(query, partnerAccountKey, before)
  const scope = { ids: closed.map(({ id }) => id) }
  const landed = await findLanded(query, partnerAccountKey, erasing, scope)
  // Killed between the landing zone and the star, a purge leaves them in the star alone.
  const shown = closed.filter(({ contacts, changes, texts }) => contacts + changes + texts > 0)
  const ids = [...new Set([...landed.ids, ...shown.map(({ id }) => id)])].sort()
  tally.referrals += ids.length
  tally.add(landed.counts)
  for (const { contacts, changes, texts } of shown) {
    tally.add({
      'pii.contact': contacts,
      'pii.contact_change': changes,
      'pii.referral_text': texts,
    })
  }
  return { ids, at, erasing }
}

/** Each has a few versions, which one transaction rewrites. */
const referralsPerBatch = 500

/**
 * Purges them, a batch of referrals in a transaction. What is landed comes first: from then on no rebuild
 * brings anybody back.
 */
export async function purgeContacts(
  context: RunContext,
  { name, lease }: HeldAccount,
  before: string,
  tally: Tally,
): Promise<void> {
  const { query } = context.warehouse
  const key = lease.partnerAccountKey
  const { ids, at, erasing } = await findContacts(context, key, before, tally)
  if (ids.length === 0) return
  for (let start = 0; start < ids.length; start += referralsPerBatch) {
    context.signal.throwIfAborted()
    const batch = ids.slice(start, start + referralsPerBatch)
    await fencedTransaction(query, lease, async (transaction) => {
      await eraseLanded(transaction, key, batch, erasing)
      await purgeKept(transaction, key, batch, at)
    })
  }
  await replay({ ...context, account: name }, lease, { ids })
}
