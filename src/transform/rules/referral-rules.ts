import type { Version } from '../context.ts'
import type { EnumValues } from '../rows/dim-referral.ts'
import type { ReferralFacts } from '../rows/fact-referral.ts'
import { notProvided } from '../staged-rows.ts'
import { daysBetweenInstants } from '../values/dates.ts'
import { amountText } from '../values/money.ts'

const hoursPerDay = 24

/** Checks the deal value and the order of the milestones. */
export function checkReferral(version: Version, facts: ReferralFacts): void {
  const { referral, findings, context } = version
  const { enumValues, milestones, history } = facts
  const dealValue = referral.details?.dealValue ?? null
  if (dealValue !== null && dealValue < 0n) {
    findings.add('negative_value', 'details.dealValue', 'below zero', amountText(dealValue))
  } else if (dealValue === 0n) {
    findings.add('zero_value', 'details.dealValue', 'expected a value other than zero', '0')
  }
  checkOrder(version, 'acceptedDateTime', milestones.createdAt, milestones.acceptedAt)
  checkOrder(version, 'closedDateTime', milestones.createdAt, referral.closedDateTime)
  const { wonHoursMin } = context.thresholds
  if (
    enumValues.status === 'Closed' &&
    enumValues.substatus === 'Won' &&
    history.closedAt !== null
  ) {
    const days = daysBetweenInstants(milestones.createdAt, history.closedAt)
    if (Number(days) * hoursPerDay < wonHoursMin) {
      const detail = `expected at least ${wonHoursMin} hours from creation to won, got these days`
      findings.add('won_too_soon', '', detail, days)
    }
  }
}

/** Raises a finding for a milestone that lies more than a day before the one it must follow. */
export function checkOrder(
  { findings }: Version,
  itemRef: string,
  from: string | null,
  to: string | null,
): void {
  if (from === null || to === null || to >= from) return
  const days = daysBetweenInstants(from, to)
  if (Number(days) < -1) {
    findings.add('negative_duration', itemRef, 'days after what it must follow', days)
  }
}

/** Checks the pair of statuses and the registrations; a missing status raises no finding. */
export function checkStatuses(
  { context, findings, referral }: Version,
  enumValues: EnumValues,
  registrations: readonly { status: string }[],
): void {
  const { status, substatus, registrationStatus } = enumValues
  const allowed = context.substatuses.get(status)
  const isDocumented = context.enums.get('ReferralSubstatus')?.has(substatus.toLowerCase()) ?? true
  if (allowed !== undefined && substatus !== notProvided && isDocumented) {
    if (!allowed.has(substatus)) {
      const detail = 'substatus is not allowed with this status'
      findings.add('status_substatus_not_allowed', '', detail, `${status} / ${substatus}`)
    }
  }
  if (registrations.length > 1) {
    const detail = 'expected at most one registration'
    findings.add('more_than_one_registration', '', detail, String(registrations.length))
  }
  const [only] = registrations
  if (registrations.length === 1 && only !== undefined && referral.registrationStatus !== null) {
    if (only.status !== notProvided && only.status !== registrationStatus) {
      const detail = 'status of the referral, then of its registration'
      const observed = `${registrationStatus} / ${only.status}`
      findings.add('registration_status_mismatch', '', detail, observed)
    }
  }
}
