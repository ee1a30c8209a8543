import type { LandedReferral, LandedVersion, TransformContext, Version } from './context.ts'
import { Findings } from './findings.ts'
import { datedRegistrations, registrationState } from './history/registration-stages.ts'
import { bySourceTime, type Observation, type PresenceObservation } from './history/spans.ts'
import type { PayloadWarning } from './parse/invalid-payload.ts'
import { type CustomerRow, customerRow } from './rows/dim-customer.ts'
import { type EnumValues, enumValuesOf } from './rows/dim-referral.ts'
import { type ReferralTags, referralTags, type TagCollector } from './rows/dim-tag.ts'
import { dealCurrencyOf, type Milestones, milestonesOf } from './rows/fact-referral.ts'
import {
  collectRequestedSolutions,
  requestedItems,
  type SolutionRow,
  Solutions,
} from './rows/fact-referral-solution.ts'
import { type Registration, registrationsOf } from './rows/fact-registration.ts'
import { collectLineSolutions } from './rows/fact-registration-solution.ts'
import { dateOf, parseInstant, sortableInstant } from './values/dates.ts'
import { amountText } from './values/money.ts'

/** One landed payload with the keys of its order in time. */
export interface OrderedVersion {
  landed: LandedVersion
  sourceOrder: string
  observedAt: string
  landedNo: number
}

/** One parsed version, and everything that its tables share. */
export interface ParsedVersion {
  version: Version
  order: OrderedVersion
  enumValues: EnumValues
  customer: CustomerRow
  milestones: Milestones
  registrations: readonly Registration[]
  solutions: readonly SolutionRow[]
  tags: ReferralTags
}

export function orderVersions({ versions }: Pick<LandedReferral, 'versions'>): OrderedVersion[] {
  const ordered: OrderedVersion[] = []
  for (const landed of versions) {
    if (landed.resource_type !== 'referral' && landed.resource_type !== 'csv_row') continue
    const observedAt = instantOf(landed.observed_at)
    const observedOrder = sortableInstant(observedAt)
    const stampedOrder = sourceOrderOf(landed.source_updated_text) ?? observedOrder
    // A stamp of 2098 must not keep its version the newest for ever: no update is later than its
    // observation.
    const sourceOrder = stampedOrder < observedOrder ? stampedOrder : observedOrder
    ordered.push({ landed, sourceOrder, observedAt, landedNo: landed.version_no })
  }
  return ordered.length < 2 ? ordered : ordered.sort(bySourceTime)
}

/**
 * Returns null for an impossible source time, which must not keep its version the newest for ever.
 */
function sourceOrderOf(text: string | null): string | null {
  if (text === null) return null
  return parseInstant(text).kind === 'instant' ? sortableInstant(text) : null
}

function instantOf(text: string): string {
  const instant = parseInstant(text)
  return instant.kind === 'instant' ? instant.value : text
}

export function newVersion(
  landed: LandedReferral,
  context: TransformContext,
  { observedAt }: OrderedVersion,
  referral: Version['referral'],
  warnings: readonly PayloadWarning[],
): Version {
  const findings = new Findings()
  for (const { rule, itemPath, detail, observed } of warnings) {
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
    policiesAt: landed.policies === undefined ? observedAt : instantOf(landed.policies.observed_at),
  }
}

export function parseVersion(
  version: Version,
  ordered: OrderedVersion,
  tagCollector: TagCollector,
): ParsedVersion {
  const enumValues = enumValuesOf(version)
  const tags = referralTags(version)
  const registrations = registrationsOf(version)
  const solutions = new Solutions(version.accountKey, version.referralNo)
  collectRequestedSolutions(version, requestedItems(version.referral), solutions)
  for (const registration of registrations) {
    collectLineSolutions(version, registration, solutions, tagCollector)
  }
  tagCollector.addAll(version, tags)
  return {
    version,
    order: ordered,
    enumValues,
    customer: customerRow(version),
    milestones: milestonesOf(version),
    registrations,
    solutions: solutions.sorted(),
    tags,
  }
}

export function toObservation(parsed: ParsedVersion): Observation {
  const { version, order: ordered, enumValues, customer, milestones, registrations } = parsed
  return {
    deal: {
      profile_hash: customer.profile_hash,
      referral_status: enumValues.status,
      referral_substatus: enumValues.substatus,
      qualification: enumValues.qualification,
      currency_code: dealCurrencyOf(version),
      deal_value_amount: amountText(version.referral.details?.dealValue ?? null),
      expected_close_date: milestones.expectedCloseDate,
      expiration_date: dateOf(milestones.expirationAt),
    },
    registration: registrationState(enumValues.registrationStatus, registrations),
    registrations: datedRegistrations(registrations),
    sourceOrder: ordered.sourceOrder,
    sourceUpdatedAt: version.updatedAt,
    changedAt: version.updatedAt < ordered.observedAt ? version.updatedAt : ordered.observedAt,
    observedAt: ordered.observedAt,
    landedNo: ordered.landedNo,
    createdAt: milestones.createdAt,
    acceptedAt: milestones.acceptedAt,
    closedAt: version.referral.closedDateTime,
  }
}

export function presenceOf({ versions }: LandedReferral): PresenceObservation[] {
  return versions.map(({ resource_type, observed_at, payload }) => {
    const isPresent = resource_type !== 'referral_absence'
    const principal = isPresent ? null : principalOf(payload)
    return { observedAt: instantOf(observed_at), isPresent, principal }
  })
}

function principalOf(absence: unknown): string {
  const principal = (absence as { principal?: unknown } | null)?.principal
  return typeof principal === 'string' ? principal : 'unknown'
}
