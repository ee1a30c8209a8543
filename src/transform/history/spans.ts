import type { Money } from '../values/money.ts'

/** The columns whose change opens a version, those of the registrations apart. */
export interface DealState {
  profile_hash: string
  referral_status: string
  referral_substatus: string
  qualification: string
  currency_code: string
  deal_value_amount: string | null
  expected_close_date: string | null
  expiration_date: string | null
}

/** The columns of the registrations whose change opens a version. */
export interface RegistrationState {
  registration_status: string
  registered_acv_amount: string | null
  registered_acv_currency_code: string
}

/** A stage of a review, from its instant on. */
export interface Stage {
  at: string
  status: string
}

/** A registration as its payload dates it. */
export interface DatedRegistration {
  /** Registration, else the first stage; null when the payload dates neither. */
  startedAt: string | null
  /** In order of time, none before the start. */
  stages: readonly Stage[]
  acv: Money | null
  currency: string
}

/** Observation of one landed version. Instants are those of `parseInstant`. */
export interface Observation {
  deal: DealState
  registration: RegistrationState
  registrations: readonly DatedRegistration[]
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

/** Looks in vain by one principal, in a row and of different nights, that make a referral missing. */
const absencesUntilMissing = 2
/** Principal of the absences of a complete set of files, of which one is enough. */
const filesPrincipal = 'files'

/** State from an instant until the next segment. */
export interface Segment<State> {
  from: string
  state: State
  observation: Observation
  /** Dated by the payload of a later time instead of being observed. */
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
    const isGone: boolean =
      !isPresent && (isMissing || principal === filesPrincipal || count >= absencesUntilMissing)
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
  deal: Segment<DealState>
  registration: Segment<RegistrationState>
  /** Observation of the segment that opened the span. */
  observation: Observation
  isMissing: boolean
  isEstimated: boolean
  observedAt: string
  content: string
}

/**
 * Spans of equal content, seamless from the first deal segment on; of several changes at one
 * instant only the last is kept. Both lists of segments begin at the same instant.
 */
export function merge(
  deals: readonly Segment<DealState>[],
  registrations: readonly Segment<RegistrationState>[],
  missingPeriods: readonly MissingPeriod[],
): Span[] {
  const spans: Span[] = []
  let deal = deals[0]
  let registration = registrations[0]
  if (deal === undefined || registration === undefined) return spans
  const start = deal.from
  let isMissing = false
  let nextDeal = 0
  let nextRegistration = 0
  let nextPeriod = 0
  for (;;) {
    const dealAt = deals[nextDeal]?.from
    const registrationAt = registrations[nextRegistration]?.from
    const periodAt = missingPeriods[nextPeriod]?.at
    const period = periodAt === undefined ? undefined : later(periodAt, start)
    const from = smallest(smallest(dealAt, registrationAt), period)
    if (from === undefined) return spans
    let opening: Observation | undefined
    if (period === from) {
      isMissing = missingPeriods[nextPeriod]?.isMissing ?? isMissing
      nextPeriod++
    }
    if (registrationAt === from) {
      registration = registrations[nextRegistration] ?? registration
      opening = registration.observation
      nextRegistration++
    }
    if (dealAt === from) {
      deal = deals[nextDeal] ?? deal
      opening = deal.observation
      nextDeal++
    }
    const isEstimated = deal.isEstimated || registration.isEstimated
    const content = contentOf(deal.state, registration.state, isMissing, isEstimated)
    while (spans.at(-1)?.from === from) spans.pop()
    if (spans.at(-1)?.content === content) continue
    const observedAt = opening?.observedAt ?? from
    const observation = opening ?? deal.observation
    spans.push({
      from,
      deal,
      registration,
      observation,
      isMissing,
      isEstimated,
      observedAt,
      content,
    })
  }
}

function contentOf(
  deal: DealState,
  registration: RegistrationState,
  isMissing: boolean,
  isEstimated: boolean,
): string {
  const words =
    `${deal.profile_hash}\u001f${deal.referral_status}\u001f${deal.referral_substatus}` +
    `\u001f${registration.registration_status}\u001f${deal.qualification}\u001f${deal.currency_code}`
  const amounts =
    `${deal.deal_value_amount ?? ''}\u001f${deal.expected_close_date ?? ''}` +
    `\u001f${deal.expiration_date ?? ''}\u001f${registration.registered_acv_amount ?? ''}`
  const marks = `${registration.registered_acv_currency_code}\u001f${isMissing}`
  return `${words}\u001f${amounts}\u001f${marks}${isEstimated ? '\u001festimated' : ''}`
}

export function later(left: string, right: string): string {
  return left > right ? left : right
}

export function between(least: string, instant: string, greatest: string): string {
  if (instant < least) return least
  return instant > greatest ? greatest : instant
}

function smallest(left: string | undefined, right: string | undefined): string | undefined {
  if (left === undefined || right === undefined) return left ?? right
  return left < right ? left : right
}
