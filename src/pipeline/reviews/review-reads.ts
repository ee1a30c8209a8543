import dayjs from 'dayjs'
import utc from 'dayjs/plugin/utc.js'
import { CosellError } from '../../errors.ts'
import { movesDate, parseEvidence } from '../../extract/incremental/review-evidence.ts'
import {
  nextSample,
  planReviews,
  type ReviewFacts,
  type ReviewPlan,
} from '../../extract/incremental/review-plan.ts'
import { readByStatus } from '../../extract/paging/read-by-status.ts'
import {
  countOpenRegistrations,
  listOpenRegistrations,
} from '../../load/landing/open-registrations.ts'
import type { Reading } from '../look-up.ts'

dayjs.extend(utc)

/** Names of the way and of the last sampled referral, in `etl.api_capability`. */
const wayName = 'reviews_read'
const lastSampledName = 'reviews_sampled_up_to'

/** How a night looks for reviews that left `updatedDateTime` as it was, and why. */
export interface ReviewReads {
  readonly facts: ReviewFacts
  readonly plan: ReviewPlan
}

/** Decides how to look for changes that the pages since `since` need not show. */
export async function planReviewReads(reading: Reading, since: string): Promise<ReviewReads> {
  const { run, api, capabilities, stored } = reading
  const counts = await countOpenRegistrations(run.warehouse.query, {
    account: run.lease.partnerAccountKey,
    changesSince: since,
    settledBefore: settledBefore(reading),
  })
  const sum = (name: 'referrals' | 'changed') =>
    counts.reduce((total, status) => total + status[name], 0)
  const facts: ReviewFacts = {
    referrals: sum('referrals'),
    changed: sum('changed'),
    statuses: counts,
    pageRows: Math.min(api.pageSize, capabilities.pageCap ?? api.pageSize),
    capabilities,
    movesDate: movesDate(parseEvidence(stored)),
    sampleCount: run.reference.settings.reviewSampleCount,
  }
  return noted(reading, facts, planReviews(facts))
}

/** Referrals to read by id. */
export interface ReviewsDue {
  readonly ids: readonly string[]
  /** Last id of a sample; null where all are read. */
  readonly lastSampled: string | null
}

/** Keeps where the sample ended, once it was read: a night that fails reads it again. */
export function keepSampled({ learn }: Reading, { lastSampled }: ReviewsDue) {
  if (lastSampled !== null) learn({ [lastSampledName]: lastSampled })
}

/**
 * Lists the referrals to read by id, once the lists that the plan names are landed; `null` when they
 * are so many that reading every page takes fewer requests.
 */
export async function listReviewsDue(
  reading: Reading,
  { facts, plan }: ReviewReads,
): Promise<ReviewsDue | null> {
  if (plan.way === 'everything') return null
  const listed = plan.way === 'all due' ? plan.listed : []
  for (const status of listed) {
    if (!(await landStatus(reading, status))) {
      reading.learn({ status_filter: 'no' })
      const without = { ...facts, capabilities: { ...facts.capabilities, statusFilter: false } }
      return listReviewsDue(reading, noted(reading, without, planReviews(without)))
    }
  }
  const { run, stored } = reading
  const due = await listOpenRegistrations(
    run.warehouse.query,
    run.runId,
    { account: run.lease.partnerAccountKey, settledBefore: settledBefore(reading) },
    listed,
  )
  if (plan.way === 'sample') {
    const ids = nextSample(due, stored.get(lastSampledName) ?? null, plan.count)
    return { ids, lastSampled: ids.at(-1) ?? null }
  }
  const rest = { ...facts, statuses: [{ status: '', referrals: due.length, due: due.length }] }
  const byId = { ...rest, capabilities: { ...facts.capabilities, statusFilter: false } }
  return planReviews({ ...byId, movesDate: false }).way === 'everything'
    ? null
    : { ids: due, lastSampled: null }
}

/** Lands the list of one status; false when the API does not obey the filter. */
async function landStatus(reading: Reading, status: string): Promise<boolean> {
  const { run, api, capabilities, landing } = reading
  try {
    landing.expect({ phase: 'reading', part: `registrations ${status}` })
    for await (const page of readByStatus(api, capabilities, status)) await landing.landPage(page)
    return true
  } catch (error) {
    const codes = ['paging.filter_ignored', 'api.status_400']
    if (!(error instanceof CosellError) || !codes.includes(error.code)) throw error
    const text = 'the API does not filter by registrationStatus as it did: the run does without'
    run.log.logger.warn({ run_id: run.runId, reason: error.message }, text)
    return false
  }
}

function settledBefore({ run }: Reading): string {
  const { reviewSettledDays } = run.reference.settings
  return dayjs.utc(run.startedAt).subtract(reviewSettledDays, 'day').toISOString()
}

/** Logs the plan, and keeps it for `cosell doctor`. */
function noted({ run, learn }: Reading, facts: ReviewFacts, plan: ReviewPlan): ReviewReads {
  learn({ [wayName]: describePlan(facts, plan) })
  run.log.logger.debug(
    { run_id: run.runId, referrals: facts.referrals, ...plan },
    'reviews planned',
  )
  return { facts, plan }
}

function describePlan({ statuses }: ReviewFacts, plan: ReviewPlan): string {
  if (plan.way === 'everything') return 'with every page'
  if (plan.way === 'sample') return `${plan.count} by id, in turn`
  const byId = statuses
    .filter(({ status }) => !plan.listed.includes(status))
    .reduce((sum, { due }) => sum + due, 0)
  const lists = plan.listed.length === 0 ? '' : `by the list of ${plan.listed.join(', ')}; `
  return `${lists}${byId} by id`
}
