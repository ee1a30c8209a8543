import { note, ownOrganization } from '../data/names.ts'
import { currencyOf, places } from '../data/places.ts'
import { calendarDate, dayMs, dayOf, entityTag, greenwich, wireInstant } from '../instants.ts'
import type { Random } from '../random.ts'
import type { Referral } from '../referral.ts'
import { decide, newRegistration } from './registration.ts'

/** Changes that can happen to a referral between two runs. */
export const changeKinds = [
  'accept',
  'refuse',
  'win',
  'lose',
  'revalue',
  'edit',
  'register',
  'review',
  'reopen',
  'revoke',
  'silent',
  'rewrite',
  'silentRevoke',
] as const
export type ChangeKind = (typeof changeKinds)[number]

interface Change {
  /** Frequency relative to the other changes that apply; at most `highestWeight`. */
  readonly weight: number
  applies(referral: Referral): boolean
  apply(random: Random, referral: Referral, ms: number): void
}

const highestWeight = 8

const changes: Readonly<Record<ChangeKind, Change>> = {
  accept: { weight: 8, applies: isNew, apply: accept },
  refuse: {
    weight: 2,
    applies: isNew,
    apply: (random, referral, ms) =>
      close(random, referral, random.pick(['Declined', 'Expired']), ms),
  },
  win: {
    weight: 2,
    applies: isActive,
    apply: (random, referral, ms) => close(random, referral, 'Won', ms),
  },
  lose: {
    weight: 1.5,
    applies: isActive,
    apply: (random, referral, ms) => close(random, referral, 'Lost', ms),
  },
  revalue: { weight: 2, applies: isActive, apply: revalue },
  edit: { weight: 1.5, applies: isActive, apply: edit },
  register: { weight: 3, applies: isRegistrable, apply: register },
  review: { weight: 8, applies: isUnderReview, apply: review },
  reopen: { weight: 0.15, applies: isDecided, apply: reopen },
  revoke: { weight: 0.05, applies: isApproved, apply: revoke },
  // The live API may or may not touch the referral when Microsoft's reviewers decide. Most
  // changes here do; this one leaves `updatedDateTime` and `eTag` as they were.
  silent: { weight: 0.4, applies: isUnderReview, apply: review },
  rewrite: { weight: 0.02, applies: () => true, apply: rewrite },
  // Only on request: a source that does this at any time would show it on full reads alone.
  silentRevoke: { weight: 0, applies: isApproved, apply: revoke },
}

/**
 * Draws the next change of this referral; null for no change, as with most finished ones. With
 * `insist` it always returns a change.
 */
export function drawChange(random: Random, referral: Referral, insist: boolean): ChangeKind | null {
  const choices = changeKinds
    .filter((kind) => changes[kind].applies(referral))
    .map((kind) => [kind, changes[kind].weight] as const)
  const liveliness = choices.reduce((sum, [, weight]) => sum + weight, 0)
  return insist || random.chance(liveliness / highestWeight) ? random.weighted(choices) : null
}

export function canChange(referral: Referral, kind: ChangeKind): boolean {
  return changes[kind].applies(referral)
}

/** Applies a change at `ms`; unless it is silent, the referral gets a new timestamp and eTag. */
export function applyChange(random: Random, referral: Referral, kind: ChangeKind, ms: number) {
  changes[kind].apply(random, referral, ms)
  if (kind === 'silent' || kind === 'silentRevoke') return
  referral.updatedDateTime = wireInstant(random, ms)
  referral.eTag = entityTag(random, ms)
}

function isNew(referral: Referral): boolean {
  return referral.status === 'New'
}

function isActive(referral: Referral): boolean {
  return referral.status === 'Active'
}

function isRegistrable(referral: Referral): boolean {
  const isOwn = referral.organizationId === ownOrganization.id
  const isShared = referral.consent?.consentToShareReferralWithMicrosoftSellers === true
  const isUnregistered = (referral.registrations ?? []).length === 0
  return referral.substatus === 'Won' && isOwn && isShared && isUnregistered
}

function registrationStatus(referral: Referral): string {
  return referral.registrations?.[0]?.status ?? 'None'
}

function isUnderReview(referral: Referral): boolean {
  return ['ReviewPending', 'ActionRequired'].includes(registrationStatus(referral))
}

function isDecided(referral: Referral): boolean {
  return ['Approved', 'Passed', 'Failed'].includes(registrationStatus(referral))
}

function isApproved(referral: Referral): boolean {
  return registrationStatus(referral) === 'Approved'
}

function accept(random: Random, referral: Referral, ms: number) {
  referral.status = 'Active'
  referral.substatus = 'Accepted'
  referral.acceptedDateTime = wireInstant(random, ms)
  referral.salesStage = '10'
}

function close(random: Random, referral: Referral, substatus: string, ms: number) {
  referral.status = 'Closed'
  referral.substatus = substatus
  referral.closedDateTime = wireInstant(random, ms)
  if (substatus === 'Won') referral.salesStage = '100'
}

function revalue(random: Random, referral: Referral) {
  const currency = referral.details?.currency ?? 'USD'
  const before = worth(referral, currency)
  const dealValue = Number((before * random.between(0.6, 1.5)).toFixed(0)) + 1
  referral.details = { ...referral.details, currency, dealValue }
}

function edit(random: Random, referral: Referral, ms: number) {
  const closingDay = dayOf(ms) + random.integer(10, 120) * dayMs
  referral.details = {
    ...referral.details,
    closingDateTime: calendarDate(closingDay, placeOf(referral)),
    notes: `${note(random, null)} (${new Date(ms).toISOString().slice(0, 10)})`,
  }
  referral.salesStage = random.pick(['20', '40', '60', '80'])
}

function register(random: Random, referral: Referral, ms: number) {
  const currency = referral.details?.currency ?? 'USD'
  const registration = newRegistration(
    random,
    {
      createdMs: Date.parse(referral.createdDateTime ?? ''),
      closedMs: Date.parse(referral.closedDateTime ?? referral.updatedDateTime ?? ''),
      zone: placeOf(referral),
      currency,
      worth: worth(referral, currency),
      solutions: referral.details?.requirements?.solutions ?? [],
    },
    ms,
  )
  referral.registrations = [registration]
  referral.registrationStatus = 'ReviewPending'
}

function review(random: Random, referral: Referral, ms: number) {
  const wasSentBack = registrationStatus(referral) === 'ActionRequired'
  const decision = random.weighted([
    ['Approved', 4],
    ['Passed', 3],
    ['Failed', 1],
    ['ActionRequired', 1],
  ])
  setRegistrationStatus(random, referral, wasSentBack ? 'ReviewPending' : decision, ms)
}

/** Opens a decided registration for editing again, as exceptions do. */
function reopen(random: Random, referral: Referral, ms: number) {
  setRegistrationStatus(random, referral, 'ActionRequired', ms)
}

/** Takes an approval back, as a manual review does that fails what a rule approved. */
function revoke(random: Random, referral: Referral, ms: number) {
  setRegistrationStatus(random, referral, 'Failed', ms)
}

function setRegistrationStatus(random: Random, referral: Referral, status: string, ms: number) {
  const registration = referral.registrations?.[0]
  if (registration === undefined) return
  decide(random, registration, status, ms)
  referral.registrationStatus = status
}

/** Writes a referral without a relevant change, as connectors do. */
function rewrite(_random: Random, referral: Referral) {
  referral.favorite = referral.favorite !== true
  referral.lastModifiedVia = 'Connector'
}

function worth(referral: Referral, currency: string): number {
  const reported = Number(referral.details?.dealValue ?? 0)
  return reported > 0 ? reported : 60_000 * currencyOf(currency).perDollar
}

function placeOf(referral: Referral) {
  const country = referral.customerProfile?.address?.country
  return places.find((place) => place.country === country) ?? greenwich
}
