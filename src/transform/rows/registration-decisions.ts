import type { ReadRegistration } from '../parse/properties.ts'

export interface Decisions {
  firstApprovedAt: string | null
  approvedAt: string | null
  decidedAt: string | null
}

/** Statuses under which no approval holds; the review may reach them after one. */
const unapproved = new Set(['None', 'ReviewPending', 'ActionRequired', 'Failed'])

const undecided: Decisions = { firstApprovedAt: null, approvedAt: null, decidedAt: null }

/**
 * Decisions of a review by its present status. An approval holds from the first one after the last
 * time that the review was open or failed; `firstApprovedAt` is the first one ever.
 */
export function decisionsOf(status: string, history: ReadRegistration['statusHistory']): Decisions {
  if (history === null) return undecided
  const { approvedDateTime, passedDateTime, failedDateTime } = history
  const firstApprovedAt = earlier(approvedDateTime, passedDateTime)
  const isApproved = status === 'Approved' || status === 'Passed'
  if (isApproved || !unapproved.has(status)) {
    const approvedAt = holding(history)
    const isFailed = failedDateTime !== null && (approvedAt === null || failedDateTime > approvedAt)
    if (!isApproved && isFailed) {
      return { firstApprovedAt, approvedAt: null, decidedAt: failedDateTime }
    }
    return { firstApprovedAt, approvedAt, decidedAt: approvedAt }
  }
  const decidedAt = status === 'Failed' ? failedDateTime : null
  return { firstApprovedAt, approvedAt: null, decidedAt }
}

/** The first approval after the last other stage; the last approval where none comes after it. */
function holding(history: NonNullable<ReadRegistration['statusHistory']>): string | null {
  const { approvedDateTime, passedDateTime, failedDateTime } = history
  const { reviewPendingDateTime, actionRequiredDateTime } = history
  const reopenedAt = later(later(reviewPendingDateTime, actionRequiredDateTime), failedDateTime)
  const isSince = (at: string | null) => at !== null && (reopenedAt === null || at >= reopenedAt)
  const since = earlier(
    isSince(approvedDateTime) ? approvedDateTime : null,
    isSince(passedDateTime) ? passedDateTime : null,
  )
  return since ?? later(approvedDateTime, passedDateTime)
}

/** The earlier of two instants; the other one where one is null. */
export function earlier(left: string | null, right: string | null): string | null {
  if (left === null || right === null) return left ?? right
  return left < right ? left : right
}

function later(left: string | null, right: string | null): string | null {
  if (left === null || right === null) return left ?? right
  return left > right ? left : right
}

interface Identified {
  source: { id: string | null }
  no: number
}

interface Registered {
  registrations: readonly (Identified & { firstApprovedAt: string | null })[]
}

/** Compares registrations of two versions by id, by their number if they have none. */
export function isSameRegistration(left: Identified, right: Identified): boolean {
  if (left.source.id !== null) return left.source.id === right.source.id
  return right.source.id === null && left.no === right.no
}

/**
 * First approval of each registration of the newest version. A second approval overwrites the time
 * of the first in the payload; an earlier version still has it.
 */
export function firstApprovals(
  versions: readonly Registered[],
  newest: Registered,
): readonly (string | null)[] {
  return newest.registrations.map((registration) => {
    let first = registration.firstApprovedAt
    if (versions.length < 2) return first
    for (const { registrations } of versions) {
      for (const one of registrations) {
        if (!isSameRegistration(registration, one)) continue
        first = earlier(first, one.firstApprovedAt)
      }
    }
    return first
  })
}
