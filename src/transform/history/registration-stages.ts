import type { ReadRegistration } from '../parse/properties.ts'
import { noCurrency } from '../staged-rows.ts'
import { amountText, type Money } from '../values/money.ts'
import {
  type DatedRegistration,
  later,
  type Observation,
  type RegistrationState,
  type Segment,
  type Stage,
} from './spans.ts'

interface Registered {
  source: Pick<ReadRegistration, 'registrationDateTime' | 'statusHistory'>
  acv: Money | null
  currency: string
}

const noRegistrations: readonly DatedRegistration[] = []
const noState: RegistrationState = {
  registration_status: 'None',
  registered_acv_amount: null,
  registered_acv_currency_code: noCurrency,
}

/** Dates registrations by `registrationDateTime` and `statusHistory`. */
export function datedRegistrations(
  registrations: readonly Registered[],
): readonly DatedRegistration[] {
  if (registrations.length === 0) return noRegistrations
  return registrations.map(({ source, acv, currency }) => {
    const stages = source.statusHistory === null ? [] : stagesOf(source.statusHistory)
    const startedAt = source.registrationDateTime ?? stages[0]?.at ?? null
    if (startedAt === null) return { startedAt, stages, acv, currency }
    const dated = stages.map(({ at, status }) => ({ at: later(at, startedAt), status }))
    // A resubmission overwrites the time of the first submission: the registration's own stands in.
    return {
      startedAt,
      stages: [{ at: startedAt, status: 'ReviewPending' }, ...dated],
      acv,
      currency,
    }
  })
}

function stagesOf(history: NonNullable<ReadRegistration['statusHistory']>): Stage[] {
  const stages: Stage[] = []
  const add = (at: string | null, status: string) => {
    if (at !== null) stages.push({ at, status })
  }
  add(history.reviewPendingDateTime, 'ReviewPending')
  add(history.actionRequiredDateTime, 'ActionRequired')
  add(history.approvedDateTime, 'Approved')
  add(history.passedDateTime, 'Passed')
  add(history.failedDateTime, 'Failed')
  return stages.length < 2 ? stages : stages.sort(byTime)
}

function byTime(left: Stage, right: Stage): number {
  return left.at < right.at ? -1 : Number(left.at > right.at)
}

/** State of registrations together: their contract ACV, null if their currencies differ. */
export function registrationState(
  registration_status: string,
  registrations: readonly { acv: Money | null; currency: string }[],
): RegistrationState {
  let sum: bigint | null = null
  let currency: string | null = null
  for (const registration of registrations) {
    if (registration.acv === null) continue
    if (currency !== null && currency !== registration.currency) {
      return { ...noState, registration_status }
    }
    currency = registration.currency
    sum = (sum ?? 0n) + registration.acv
  }
  return {
    registration_status,
    registered_acv_amount: amountText(sum),
    registered_acv_currency_code: currency ?? noCurrency,
  }
}

/**
 * States of the registrations over time. A version is observed from its update on, or from the
 * instant of its stage if that is later; what its payload dates before is estimated, and begins
 * where the version before ends its knowledge, since repeated stages overwrite each other.
 */
export function registrationSegments(
  ordered: readonly Observation[],
): Segment<RegistrationState>[] {
  const segments: Segment<RegistrationState>[] = []
  for (let index = 0; index < ordered.length; index++) {
    const observation = ordered[index]
    if (observation !== undefined) addStages(segments, observation, ordered[index - 1])
  }
  return segments
}

function addStages(
  segments: Segment<RegistrationState>[],
  observation: Observation,
  previous: Observation | undefined,
): void {
  const { createdAt, changedAt, observedAt, registration, registrations } = observation
  const isSilent = previous?.sourceOrder === observation.sourceOrder
  const push = (at: string, state: RegistrationState, isEstimated: boolean) => {
    const from = later(at, segments.at(-1)?.from ?? at)
    segments.push({ from, state, isEstimated, observation })
  }
  const floor = segments.at(-1)?.from ?? createdAt
  const updated = previous === undefined ? later(createdAt, changedAt) : changedAt
  const limit = isSilent ? observedAt : updated
  const isUnregistered = registrations.length === 0 && registration.registration_status === 'None'
  if (previous === undefined) push(createdAt, noState, !isUnregistered)
  if (isUnregistered) {
    if (previous !== undefined) push(limit, registration, false)
    return
  }
  const stages = stagesUntil(observedAt, observation)
  const last = stages.at(-1)
  const isNew = last !== undefined && (previous === undefined || last.at > floor)
  const isDated = isNew && last.status === registration.registration_status
  const start = isDated ? later(last.at, floor) : limit
  const stateAt = (at: string, status: string) => {
    const isKnown = ({ startedAt }: DatedRegistration) => startedAt !== null && startedAt <= at
    const registered = registrations.filter(isKnown)
    const isSame =
      previous !== undefined && !registered.some((one) => (one.startedAt ?? '') > floor)
    return isSame
      ? { ...previous.registration, registration_status: status }
      : registrationState(status, registered)
  }
  for (const { at, status } of stages) {
    if (at < start && (previous === undefined || at > floor)) push(at, stateAt(at, status), true)
  }
  if (start < updated) push(start, stateAt(start, registration.registration_status), true)
  push(later(start, updated), registration, false)
}

/** Stages of all registrations up to an instant, the latest last. */
function stagesUntil(
  instant: string,
  { registration, registrations }: Observation,
): readonly Stage[] {
  const isStageless = registration.registration_status === 'None'
  const stages: Stage[] = []
  for (const one of registrations) {
    for (const { at, status } of one.stages) {
      if (at <= instant) stages.push({ at, status: isStageless ? 'None' : status })
    }
  }
  return registrations.length < 2 ? stages : stages.sort(byTime)
}
