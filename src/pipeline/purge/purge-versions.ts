import { readLanded } from '../../load/landing/read-landed.ts'
import {
  countAnswers,
  deleteAnswers,
  deleteVersions,
  findSuperseded,
  type LandedPlace,
} from '../../load/purge/purge-versions.ts'
import { fencedTransaction } from '../../load/runs/fenced-transaction.ts'
import type { Lease } from '../../load/runs/lease.ts'
import { readReference } from '../../load/runs/reference.ts'
import { redundantVersions } from '../../transform/redundant-versions.ts'
import type { RunContext } from '../run-context.ts'
import { toContext } from '../transform-and-publish.ts'
import type { Tally } from './tally.ts'

/** Counts the superseded versions of an account that are older than an instant, by what is to be done. */
export async function findVersions(
  context: RunContext,
  partnerAccountKey: number,
  before: string,
  tally: Tally,
): Promise<void> {
  const { query } = context.warehouse
  await eachBatch(context, partnerAccountKey, before, tally, async ({ length }) => {
    tally.add({ 'raw.payload': length, 'pii.payload': length })
  })
  tally.add({ 'raw.payload': await countAnswers(query, partnerAccountKey, before) })
}

/** Deletes those without which the star is the same, a batch of referrals in a transaction. */
export async function purgeVersions(
  context: RunContext,
  lease: Lease,
  before: string,
  tally: Tally,
): Promise<void> {
  const { query } = context.warehouse
  const key = lease.partnerAccountKey
  await eachBatch(context, key, before, tally, async (places) => {
    const gone = await fencedTransaction(query, lease, (transaction) =>
      deleteVersions(transaction, key, places),
    )
    tally.add({ 'raw.payload': gone.payloads, 'pii.payload': gone.people })
    tally.bytes += gone.bytes
  })
  const answers = await fencedTransaction(query, lease, (transaction) =>
    deleteAnswers(transaction, key, before),
  )
  tally.add({ 'raw.payload': answers.payloads })
  tally.bytes += answers.bytes
}

const placesPerBatch = 2_000

async function eachBatch(
  { warehouse, signal, log }: RunContext,
  partnerAccountKey: number,
  before: string,
  tally: Tally,
  use: (places: readonly LandedPlace[]) => Promise<void>,
): Promise<void> {
  const { query } = warehouse
  const reference = await readReference(query)
  const transform = toContext(reference)
  const beforeMs = Date.parse(before)
  const isOld = ({ observed_at }: { observed_at: string }) => Date.parse(observed_at) < beforeMs
  const { ids, versions } = await findSuperseded(query, partnerAccountKey, before)
  tally.versionsKept += versions
  let places: LandedPlace[] = []
  const hand = async () => {
    const batch = places
    places = []
    tally.versionsKept -= batch.length
    if (batch.length > 0) await use(batch)
  }
  let done = 0
  const hasPolicies = reference.settings.eligibilityTemplate !== null
  for await (const landed of readLanded(query, partnerAccountKey, { ids }, hasPolicies)) {
    signal.throwIfAborted()
    const part = 'superseded versions'
    log.progress({ phase: 'purging', part, done, total: ids.length, unit: 'referrals' })
    done += 1
    const referral = { partner_account_key: partnerAccountKey, referral_no: 1, ...landed }
    const { resource_id } = landed
    for (const version_no of redundantVersions(referral, isOld, transform)) {
      places.push({ resource_id, version_no })
    }
    if (places.length >= placesPerBatch) await hand()
  }
  await hand()
}
