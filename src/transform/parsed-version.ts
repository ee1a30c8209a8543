import type { LandedReferral, LandedVersion, TransformContext, Version } from './context.ts'
import { Findings } from './findings.ts'
import { bySourceTime, type Observation, type Sighting } from './history/spans.ts'
import type { Remark } from './parse/invalid-payload.ts'
import { type CustomerRow, customerRow } from './rows/dim-customer.ts'
import { type Words, wordsOf } from './rows/dim-referral.ts'
import { type KnownTags, type ReferralTags, referralTags } from './rows/dim-tag.ts'
import { dealCurrencyOf, type Milestones, milestonesOf } from './rows/fact-referral.ts'
import {
  amountText,
  noteRequested,
  requestedItems,
  type SolutionRow,
  Solutions,
} from './rows/fact-referral-solution.ts'
import { dateOf, type Registration, registrationsOf } from './rows/fact-registration.ts'
import { noteLines } from './rows/fact-registration-solution.ts'
import { noCurrency } from './staged-rows.ts'
import { parseInstant, sortableInstant } from './values/dates.ts'

/** One landed payload in its place in time. */
export interface Placed {
  landed: LandedVersion
  sourceOrder: string
  observedAt: string
  landedNo: number
}

/** A version that could be read, and what all of its tables share. */
export interface Described {
  version: Version
  placed: Placed
  words: Words
  customer: CustomerRow
  milestones: Milestones
  registrations: readonly Registration[]
  solutions: readonly SolutionRow[]
  tags: ReferralTags
}

export function placedVersions({ versions }: LandedReferral): Placed[] {
  const placed: Placed[] = []
  for (const landed of versions) {
    if (landed.resource_type !== 'referral') continue
    const observedAt = instantOf(landed.observed_at)
    const observedOrder = sortableInstant(observedAt)
    const stampedOrder = sourceOrderOf(landed.source_updated_text) ?? observedOrder
    // A stamp of 2098 must not keep its version the newest for ever: nothing was updated after it
    // was seen.
    const sourceOrder = stampedOrder < observedOrder ? stampedOrder : observedOrder
    placed.push({ landed, sourceOrder, observedAt, landedNo: landed.version_no })
  }
  return placed.length < 2 ? placed : placed.sort(bySourceTime)
}

/** A source time that cannot be is no reason to come last for ever. */
function sourceOrderOf(text: string | null): string | null {
  if (text === null) return null
  return parseInstant(text).kind === 'instant' ? sortableInstant(text) : null
}

function instantOf(text: string): string {
  const instant = parseInstant(text)
  return instant.kind === 'instant' ? instant.value : text
}

export function versionOf(
  landed: LandedReferral,
  context: TransformContext,
  { observedAt }: Placed,
  referral: Version['referral'],
  remarks: readonly Remark[],
): Version {
  const findings = new Findings()
  for (const { rule, itemPath, observed } of remarks) {
    const detail =
      rule === 'value_rounded' ? 'more than four decimals' : 'outside 2000 to 2099, or no such day'
    findings.add(rule, itemPath, detail, observed)
  }
  return {
    accountKey: landed.partner_account_key,
    referralNo: landed.referral_no,
    context,
    referral,
    findings,
    updatedAt: referral.updatedDateTime ?? referral.createdDateTime ?? observedAt,
    observedAt,
  }
}

export function describe(version: Version, placed: Placed, knownTags: KnownTags): Described {
  const words = wordsOf(version)
  const tags = referralTags(version)
  const registrations = registrationsOf(version)
  const solutions = new Solutions(version.accountKey, version.referralNo)
  noteRequested(version, requestedItems(version.referral), solutions)
  for (const registration of registrations) {
    noteLines(version, registration, solutions, knownTags)
  }
  knownTags.addAll(version, tags)
  return {
    version,
    placed,
    words,
    customer: customerRow(version),
    milestones: milestonesOf(version),
    registrations,
    solutions: solutions.sorted(),
    tags,
  }
}

export function observationOf(described: Described): Observation {
  const { version, placed, words, customer, milestones, registrations } = described
  const acv = registeredAcv(registrations)
  return {
    tracked: {
      profile_hash: customer.profile_hash,
      referral_status: words.status,
      referral_substatus: words.substatus,
      registration_status: words.registrationStatus,
      qualification: words.qualification,
      currency_code: dealCurrencyOf(version),
      deal_value_amount: amountText(version.referral.details?.dealValue ?? null),
      expected_close_date: milestones.expectedCloseDate,
      expiration_date: dateOf(milestones.expirationAt),
      registered_acv_amount: acv.amount,
      registered_acv_currency_code: acv.currency,
    },
    sourceOrder: placed.sourceOrder,
    sourceUpdatedAt: version.updatedAt,
    changedAt: version.updatedAt < placed.observedAt ? version.updatedAt : placed.observedAt,
    observedAt: placed.observedAt,
    landedNo: placed.landedNo,
    createdAt: milestones.createdAt,
    acceptedAt: milestones.acceptedAt,
    closedAt: version.referral.closedDateTime,
  }
}

/** Contract ACV of all registrations, when they have one currency. */
function registeredAcv(registrations: readonly Registration[]) {
  let sum: bigint | null = null
  let currency: string | null = null
  for (const registration of registrations) {
    if (registration.acv === null) continue
    if (currency !== null && currency !== registration.currency) {
      return { amount: null, currency: noCurrency }
    }
    currency = registration.currency
    sum = (sum ?? 0n) + registration.acv
  }
  return { amount: amountText(sum), currency: currency ?? noCurrency }
}

export function sightingsOf({ versions }: LandedReferral): Sighting[] {
  return versions.map(({ resource_type, observed_at, payload }) => {
    const isPresent = resource_type !== 'referral_absence'
    const principal = isPresent ? null : principalOf(payload)
    return { observedAt: instantOf(observed_at), isPresent, principal }
  })
}

function principalOf(absence: unknown): string {
  const told = (absence as { principal?: unknown } | null)?.principal
  return typeof told === 'string' ? told : 'unknown'
}
