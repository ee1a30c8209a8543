import { notProvided } from '../staged-rows.ts'
import { utcDate } from '../values/dates.ts'
import { between, type DealState, later, type Observation, type Segment } from './spans.ts'

type Segments = Segment<DealState>[]

/**
 * States of a referral over time, its registrations apart. A version is observed from its update
 * on; before that, back to its milestones, it is estimated.
 */
export function dealSegments(ordered: readonly Observation[]): Segments {
  const segments: Segments = []
  for (let index = 0; index < ordered.length; index++) {
    const observation = ordered[index]
    const previous = ordered[index - 1]
    if (observation === undefined) continue
    if (previous === undefined) addFirst(segments, observation)
    else addLater(segments, observation, previous)
  }
  return segments
}

/**
 * Adds the first observation and its milestones before it, so that a backfilled referral has a
 * state for last year. Milestones out of order are moved inside the known span.
 */
function addFirst(segments: Segments, observation: Observation): void {
  const { deal, createdAt, acceptedAt, closedAt, changedAt } = observation
  const end = later(createdAt, changedAt)
  const accepted = acceptedAt === null ? null : between(createdAt, acceptedAt, end)
  const estimate = (from: string, state: DealState) =>
    segments.push({ from, state, observation, isEstimated: true })
  // Registering a deal updates it, often on the day on which it was closed.
  const isRegistered = observation.registrations.length > 0
  const status = deal.referral_status
  if (status === 'Active' && accepted !== null) {
    estimate(createdAt, inStatus(deal, 'New', notProvided))
    if (isDayBefore(accepted, end)) estimate(accepted, deal)
  } else if (status === 'Closed') {
    const closed = between(createdAt, closedAt ?? end, end)
    estimate(createdAt, inStatus(deal, 'New', notProvided))
    if (accepted !== null && accepted < closed) {
      estimate(accepted, inStatus(deal, 'Active', 'Accepted'))
    }
    if (isDayBefore(closed, end) || isRegistered) estimate(closed, deal)
  } else {
    estimate(createdAt, deal)
  }
  segments.push({ from: end, state: deal, observation, isEstimated: false })
}

/**
 * Adds a later observation, and its milestones since the referral was last seen otherwise: the
 * night that saw the version before is its witness until then.
 */
function addLater(segments: Segments, observation: Observation, previous: Observation): void {
  const { deal, acceptedAt, closedAt, changedAt, observedAt } = observation
  // A review of a registration need not touch the referral's own update time.
  const isSilent = observation.sourceOrder === previous.sourceOrder
  const since = segments.at(-1)?.from ?? changedAt
  const end = later(isSilent ? observedAt : changedAt, since)
  // An older version that arrived late was no witness of its time.
  const floor = previous.observedAt < end ? later(previous.observedAt, since) : since
  const before = previous.deal
  const estimate = (from: string, state: DealState) =>
    segments.push({ from, state, observation, isEstimated: true })
  const isUnseen = (milestone: string) => milestone > floor || floor > since
  const isClosing = deal.referral_status === 'Closed' && isOpen(before.referral_status)
  const closed = isClosing && closedAt !== null ? between(floor, closedAt, end) : end
  if (before.referral_status === 'New' && acceptedAt !== null) {
    const accepted = between(floor, acceptedAt, end)
    if (deal.referral_status === 'Active' && isUnseen(acceptedAt) && isDayBefore(accepted, end)) {
      estimate(accepted, inStatus(before, 'Active', deal.referral_substatus))
    } else if (isClosing && isUnseen(acceptedAt) && isDayBefore(accepted, closed)) {
      estimate(accepted, inStatus(before, 'Active', 'Accepted'))
    }
  }
  const isRegistered = observation.registrations.length > previous.registrations.length
  if (isUnseen(closed) && (isDayBefore(closed, end) || (isRegistered && closed < end))) {
    estimate(closed, inStatus(before, 'Closed', deal.referral_substatus))
  }
  segments.push({ from: end, state: deal, observation, isEstimated: false })
}

function inStatus(deal: DealState, referral_status: string, referral_substatus: string): DealState {
  return { ...deal, referral_status, referral_substatus }
}

/** Compares days: a milestone on the day of the update would open a version that no day ends in. */
function isDayBefore(milestone: string, update: string): boolean {
  return utcDate(milestone) < utcDate(update)
}

/** Status from which a referral can be accepted or closed. */
export function isOpen(status: string): boolean {
  return status === 'New' || status === 'Active'
}
