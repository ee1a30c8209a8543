import {
  describeEvidence,
  learnFrom,
  movesDate,
  parseEvidence,
} from '../../extract/incremental/review-evidence.ts'
import { listReviewChanges } from '../../load/landing/review-changes.ts'
import type { Reading } from '../look-up.ts'

/** Counts, over the changes of registrations that the run landed, whether `updatedDateTime` moved. */
export async function learnReviews({ run, stored, learn }: Reading): Promise<void> {
  const { lease, runId, log } = run
  const landed = await listReviewChanges(run.warehouse.query, lease.partnerAccountKey, runId)
  if (landed.length === 0) return
  const changes = landed.map((change) => ({
    before: { updated: change.updated_before, registrations: change.before },
    after: { updated: change.updated_after, registrations: change.after },
  }))
  const known = parseEvidence(stored)
  const found = learnFrom(known, changes)
  learn(describeEvidence(found))
  if (movesDate(known) === movesDate(found)) return
  const text = movesDate(found)
    ? 'reviews move updatedDateTime: from now on a sample of registrations is read by id'
    : 'a review left updatedDateTime as it was: all registrations that may change are looked at again'
  log.logger.info({ run_id: runId, ...describeEvidence(found) }, text)
}
