import { noCurrency, notProvided } from '../staged-rows.ts'

/** The columns whose change opens a version. */
export interface Tracked {
  profile_hash: string
  referral_status: string
  referral_substatus: string
  registration_status: string
  qualification: string
  currency_code: string
  deal_value_amount: string | null
  expected_close_date: string | null
  expiration_date: string | null
  registered_acv_amount: string | null
  registered_acv_currency_code: string
}

/** Observation of one landed version. Instants are those of `parseInstant`. */
export interface Observation {
  tracked: Tracked
  /** Source time with seven digits: two updates in one microsecond still have an order. */
  sourceOrder: string
  sourceUpdatedAt: string
  /** Time of the source's update, but not after the observation. */
  changedAt: string
  observedAt: string
  landedNo: number
  createdAt: string
  acceptedAt: string | null
  closedAt: string | null
}

/** Presence or absence of the referral in one read. */
export interface PresenceObservation {
  observedAt: string
  isPresent: boolean
  /** Principal of a read that did not return it. */
  principal: string | null
}

/** Full reads in a row by one principal without a referral before it counts as missing. */
const absencesUntilMissing = 2

export interface Segment {
  from: string
  tracked: Tracked
  observation: Observation
  isEstimated: boolean
}

export interface MissingPeriod {
  at: string
  isMissing: boolean
}

type InTime = Pick<Observation, 'sourceOrder' | 'observedAt' | 'landedNo'>

export function bySourceTime(left: InTime, right: InTime): number {
  if (left.sourceOrder !== right.sourceOrder) return left.sourceOrder < right.sourceOrder ? -1 : 1
  if (left.observedAt !== right.observedAt) return left.observedAt < right.observedAt ? -1 : 1
  return left.landedNo - right.landedNo
}

export function segmentsOf(ordered: readonly Observation[]): Segment[] {
  const [first] = ordered
  if (first === undefined) return []
  const segments = firstSegments(first)
  for (let index = 1; index < ordered.length; index++) {
    const observation = ordered[index]
    const before = ordered[index - 1]
    if (observation === undefined || before === undefined) continue
    // A review of a registration need not touch the referral's own update time.
    const isSilent = observation.sourceOrder === before.sourceOrder
    const boundary = isSilent ? observation.observedAt : observation.changedAt
    const from = later(boundary, segments.at(-1)?.from ?? boundary)
    segments.push({ from, tracked: observation.tracked, observation, isEstimated: false })
  }
  return segments
}

/**
 * Spans from the first observation and from its milestones before it, so that a backfilled referral
 * has a state for last year. Milestones out of order are moved inside the known span.
 */
function firstSegments(observation: Observation): Segment[] {
  const { tracked, createdAt, acceptedAt, closedAt, changedAt } = observation
  const status = tracked.referral_status
  const end = later(createdAt, changedAt)
  const accepted = acceptedAt === null ? null : between(createdAt, acceptedAt, end)
  const observed = (from: string) => ({ from, tracked, observation, isEstimated: false })
  const estimated = (from: string, earlierStatus: string, substatus: string) => ({
    from,
    tracked: before(tracked, earlierStatus, substatus),
    observation,
    isEstimated: true,
  })
  const isActive = status === 'Active'
  if ((!isActive && status !== 'Closed') || (isActive && accepted === null)) {
    return [observed(createdAt)]
  }
  const segments: Segment[] = [estimated(createdAt, 'New', notProvided)]
  if (isActive && accepted !== null) return [...segments, observed(accepted)]
  const closed = between(createdAt, closedAt ?? changedAt, end)
  if (accepted !== null && accepted < closed) {
    segments.push(estimated(accepted, 'Active', 'Accepted'))
  }
  segments.push(observed(closed))
  return segments
}

/** State before the referral was won: nothing was registered yet. */
function before(tracked: Tracked, status: string, substatus: string): Tracked {
  return {
    ...tracked,
    referral_status: status,
    referral_substatus: substatus,
    registration_status: 'None',
    registered_acv_amount: null,
    registered_acv_currency_code: noCurrency,
  }
}

export function missingPeriodsOf(presence: readonly PresenceObservation[]): MissingPeriod[] {
  const missingPeriods: MissingPeriod[] = []
  if (presence.every((observed) => observed.isPresent)) return missingPeriods
  const absences = new Map<string | null, number>()
  let isMissing = false
  for (const { observedAt, isPresent, principal } of [...presence].sort(byObservation)) {
    const count = isPresent ? 0 : (absences.get(principal) ?? 0) + 1
    // A referral that any principal sees is present for all.
    if (isPresent) absences.clear()
    else absences.set(principal, count)
    const isGone: boolean = !isPresent && (isMissing || count >= absencesUntilMissing)
    if (isGone !== isMissing) missingPeriods.push({ at: observedAt, isMissing: isGone })
    isMissing = isGone
  }
  return missingPeriods
}

/** Orders presence after absence of the same time, so that presence decides. */
function byObservation(left: PresenceObservation, right: PresenceObservation): number {
  if (left.observedAt !== right.observedAt) return left.observedAt < right.observedAt ? -1 : 1
  return Number(left.isPresent) - Number(right.isPresent)
}

export interface Span {
  from: string
  segment: Segment
  isMissing: boolean
  observedAt: string
  content: string
}

/** Spans of equal content; of several changes at one instant only the last is kept. */
export function merge(
  segments: readonly Segment[],
  missingPeriods: readonly MissingPeriod[],
): Span[] {
  const spans: Span[] = []
  let segment = segments[0]
  if (segment === undefined) return spans
  const start = segment.from
  let isMissing = false
  let nextSegment = 0
  let nextPeriod = 0
  while (nextSegment < segments.length || nextPeriod < missingPeriods.length) {
    const change = segments[nextSegment]?.from
    const periodAt = missingPeriods[nextPeriod]?.at
    const period = periodAt === undefined ? undefined : later(periodAt, start)
    const from = smallest(change, period)
    let observedAt = from
    if (period === from) {
      isMissing = missingPeriods[nextPeriod]?.isMissing ?? isMissing
      nextPeriod++
    }
    if (change === from) {
      segment = segments[nextSegment] ?? segment
      observedAt = segment.observation.observedAt
      nextSegment++
    }
    const content = contentOf(segment.tracked, isMissing)
    while (spans.at(-1)?.from === from) spans.pop()
    if (spans.at(-1)?.content !== content) {
      spans.push({ from, segment, isMissing, observedAt, content })
    }
  }
  return spans
}

function contentOf(tracked: Tracked, isMissing: boolean): string {
  const words =
    `${tracked.profile_hash}\u001f${tracked.referral_status}\u001f${tracked.referral_substatus}` +
    `\u001f${tracked.registration_status}\u001f${tracked.qualification}\u001f${tracked.currency_code}`
  const amounts =
    `${tracked.deal_value_amount ?? ''}\u001f${tracked.expected_close_date ?? ''}` +
    `\u001f${tracked.expiration_date ?? ''}\u001f${tracked.registered_acv_amount ?? ''}`
  return `${words}\u001f${amounts}\u001f${tracked.registered_acv_currency_code}\u001f${isMissing}`
}

function later(left: string, right: string): string {
  return left > right ? left : right
}

function between(least: string, instant: string, greatest: string): string {
  if (instant < least) return least
  return instant > greatest ? greatest : instant
}

function smallest(left: string | undefined, right: string | undefined): string {
  if (left === undefined || right === undefined) return left ?? right ?? ''
  return left < right ? left : right
}
