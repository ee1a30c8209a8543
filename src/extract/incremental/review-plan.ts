import type { Capabilities } from '../api/capabilities.ts'
import { overlapOf } from '../paging/page-by-offset.ts'

/** Referrals of one status of their registration. */
export interface StatusCounts {
  readonly status: string
  readonly referrals: number
  /** Those whose registration may change without a sign, and which no page of changes shows. */
  readonly due: number
}

/** Facts that decide how a night looks for registrations that changed without a new date. */
export interface ReviewFacts {
  /** Known referrals that are not missing. */
  readonly referrals: number
  /** Those of them that the pages of changes will show. */
  readonly changed: number
  readonly statuses: readonly StatusCounts[]
  /** Rows on a page. */
  readonly pageRows: number
  readonly capabilities: Pick<Capabilities, 'createdFilter' | 'skip' | 'statusFilter'>
  /** Whether reviews are known to move `updatedDateTime`. */
  readonly movesDate: boolean
  /** Reads by id of a night in which that is known. */
  readonly sampleCount: number
}

/** What a night reads beside the pages of changes, or instead of them. */
export type ReviewPlan =
  /** Every page of the account: nothing else that is complete takes fewer requests. */
  | { readonly way: 'everything' }
  /** All that are due: those with the `listed` statuses by a filter, the others by id. */
  | { readonly way: 'all due'; readonly listed: readonly string[] }
  /** So many of those that are due, by id, in turn. */
  | { readonly way: 'sample'; readonly count: number }

/** Returns the way with the fewest requests that finds every change which the source may hide. */
export function planReviews(facts: ReviewFacts): ReviewPlan {
  const { statuses, movesDate, sampleCount } = facts
  const due = statuses.reduce((sum, one) => sum + one.due, 0)
  const listed = statuses.filter((one) => listRequests(facts, one) < one.due)
  const allDue: ReviewPlan = { way: 'all due', listed: listed.map(({ status }) => status) }
  const sample: ReviewPlan = { way: 'sample', count: Math.min(sampleCount, due) }
  const isSampled = movesDate && requestsOf(facts, sample) < requestsOf(facts, allDue)
  const plan = isSampled ? sample : allDue
  return requestsOf(facts, plan) > requestsOf(facts, { way: 'everything' })
    ? { way: 'everything' }
    : plan
}

/** Requests of a night of which nothing is known to have changed, without the one for the total. */
function requestsOf(facts: ReviewFacts, plan: ReviewPlan): number {
  const rows = newRowsOf(facts)
  // Beside its pages, a full read asks for the end of the list and for the changes meanwhile.
  if (plan.way === 'everything') return Math.ceil(facts.referrals / rows) + 3
  const pages = Math.ceil(facts.changed / rows) + 1
  if (plan.way === 'sample') return pages + plan.count
  const reads = facts.statuses.map((one) =>
    plan.listed.includes(one.status) ? listRequests(facts, one) : one.due,
  )
  return reads.reduce((sum, count) => sum + count, pages)
}

/** Requests for the list of one status; the last page may be full, and another one empty. */
function listRequests(facts: ReviewFacts, { referrals }: StatusCounts): number {
  if (!facts.capabilities.statusFilter) return Number.POSITIVE_INFINITY
  return Math.floor(referrals / (facts.pageRows - overlapOf(facts.pageRows))) + 1
}

/** Rows of a page that the page before did not have. */
function newRowsOf({ pageRows, capabilities }: ReviewFacts): number {
  const { createdFilter, skip } = capabilities
  const overlap = createdFilter !== null ? 1 : skip ? overlapOf(pageRows) : 0
  return Math.max(1, pageRows - overlap)
}

/**
 * Returns `count` ids of the list, which is in order: those after the last id of the sample before,
 * and from the start again. So n ids are all read within n / `count` nights, whatever comes and goes.
 */
export function nextSample(
  ids: readonly string[],
  lastId: string | null,
  count: number,
): readonly string[] {
  const start = lastId === null ? -1 : ids.findIndex((id) => id > lastId)
  const from = Math.max(0, start)
  return [...ids.slice(from), ...ids.slice(0, from)].slice(0, count)
}
