import { minutesBefore, toSecond } from '../api/timestamps.ts'

/**
 * Decisions of reviews in a row that moved `updatedDateTime`, before that counts as a rule. When none
 * of 60 is an exception, fewer than one in twenty is, with 95 % confidence (the rule of three).
 */
export const movedMin = 60

/** Longest time by which the date of a decision may be ahead of the date of the update. */
const decisionMinutes = 1

/** Changes of registrations that were seen, by whether `updatedDateTime` moved with them. */
export interface ReviewEvidence {
  /** Decisions with a moved date since the last change without one. */
  readonly movedInRow: number
  /** Changes without a moved date, ever. */
  readonly silent: number
}

/** Two versions of a referral, one after the other, whose registrations differ. */
export interface ReviewChange {
  readonly before: ReviewState
  readonly after: ReviewState
}

export interface ReviewState {
  /** `updatedDateTime`, as received. */
  readonly updated: string
  /** `registrations`, as received. */
  readonly registrations: unknown
}

/** Whether the reviews of a source are known to move `updatedDateTime`. */
export function movesDate({ movedInRow }: ReviewEvidence): boolean {
  return movedInRow >= movedMin
}

/** Returns what is known after the changes of a night; one without a moved date ends the row. */
export function learnFrom(known: ReviewEvidence, changes: readonly ReviewChange[]): ReviewEvidence {
  const kinds = changes.map(kindOf)
  const silent = kinds.filter((kind) => kind === 'silent').length
  const moved = kinds.filter((kind) => kind === 'moved').length
  return {
    movedInRow: silent > 0 ? 0 : known.movedInRow + moved,
    silent: known.silent + silent,
  }
}

/**
 * Says whether a change left `updatedDateTime` as it was, or moved it; `null` when it shows neither.
 * A step of the partner, such as a new submission, is an update of the referral and shows nothing of
 * reviews. A date that moved before the decision was moved by something else.
 */
function kindOf({ before, after }: ReviewChange): 'silent' | 'moved' | null {
  const [earlier, later] = [toSecond(before.updated), toSecond(after.updated)]
  if (earlier === null || later === null) return null
  if (before.updated === after.updated || later < earlier) return 'silent'
  const decisions = decisionsOf(before, after)
  if (decisions.length === 0) return null
  const isAhead = decisions.some(
    (at) => at !== null && at > minutesBefore(`${later}Z`, -decisionMinutes),
  )
  return isAhead ? 'silent' : 'moved'
}

/** Instants of the decisions between two versions; null where the source gives none. */
function decisionsOf(before: ReviewState, after: ReviewState): readonly (string | null)[] {
  const known = registrationsOf(before)
  return registrationsOf(after).flatMap((registration, index) => {
    const { id, status, statusHistory } = registration
    const old = known.find((other) => id !== undefined && other.id === id) ?? known[index]
    const isDecision = typeof status === 'string' && status !== 'ReviewPending'
    if (old === undefined || !isDecision || old.status === status) return []
    const name = `${status.charAt(0).toLowerCase()}${status.slice(1)}DateTime`
    return [toSecond(String(asRecord(statusHistory)[name] ?? ''))]
  })
}

/** Registrations of a version, of which the API may send one without its list. */
function registrationsOf({ registrations }: ReviewState): readonly Record<string, unknown>[] {
  const list = Array.isArray(registrations) ? registrations : [registrations]
  return list.filter((one) => one !== null && one !== undefined).map(asRecord)
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Names of what is learned about reviews, in `etl.api_capability`. */
const names = { movedInRow: 'reviews_moved_in_row', silent: 'reviews_silent' } as const

/** Returns the form that the ledger keeps. */
export function describeEvidence(found: ReviewEvidence): Record<string, string> {
  return {
    [names.movedInRow]: String(found.movedInRow),
    [names.silent]: String(found.silent),
  }
}

/** Reads the form that the ledger keeps; nothing seen where it has none. */
export function parseEvidence(kept: ReadonlyMap<string, string>): ReviewEvidence {
  const count = (name: string) => {
    const text = kept.get(name) ?? ''
    return /^\d{1,9}$/.test(text) ? Number(text) : 0
  }
  return { movedInRow: count(names.movedInRow), silent: count(names.silent) }
}
