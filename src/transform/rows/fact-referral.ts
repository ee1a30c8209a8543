import type { Version } from '../context.ts'
import type { History } from '../history/history.ts'
import { noCurrency, type Staged } from '../staged-rows.ts'
import { calendarDate, dateOf, utcDate, wholeDays } from '../values/dates.ts'
import { amountText } from '../values/money.ts'
import type { EnumValues } from './dim-referral.ts'
import type { Registration } from './fact-registration.ts'

export interface Milestones {
  createdAt: string
  acceptedAt: string | null
  expectedCloseAt: string | null
  expectedCloseDate: string | null
  expirationAt: string | null
}

export function milestonesOf({ referral, context }: Version): Milestones {
  const expectedCloseAt = referral.details?.closingDateTime ?? null
  return {
    createdAt: referral.createdDateTime ?? '',
    acceptedAt: referral.acceptedDateTime,
    expectedCloseAt,
    expectedCloseDate:
      expectedCloseAt === null ? null : calendarDate(expectedCloseAt, context.calendarDateRule),
    expirationAt: referral.expirationDateTime,
  }
}

/** Currency of the deal value; `XXX` when the source gives none. */
export function dealCurrencyOf({ referral }: Version): string {
  return referral.details?.currency?.toUpperCase() ?? noCurrency
}

export interface ReferralFacts {
  enumValues: EnumValues
  milestones: Milestones
  history: History
  profileHash: string
  registrations: readonly Registration[]
  /** First approval of each registration in any version. */
  firstApprovals: readonly (string | null)[]
  solutionCount: number
  offerCount: number
}

export function factReferralRow(
  version: Version,
  facts: ReferralFacts,
): Staged<'stg.fact_referral'> {
  const { referral, accountKey, referralNo, updatedAt } = version
  const { enumValues, milestones, history, registrations } = facts
  const createdDate = utcDate(milestones.createdAt)
  const acceptedDate = dateOf(milestones.acceptedAt)
  const closedDate = dateOf(history.closedAt)
  const registeredDate = firstOf(registrations, (registration) => registration.registeredDate)
  const approvedAt = firstOf(registrations, (registration) => registration.approvedAt)
  const firstApprovedAt = firstOf(facts.firstApprovals, (at) => at)
  return {
    partner_account_key: accountKey,
    referral_no: referralNo,
    profile_hash: facts.profileHash,
    referral_status: enumValues.status,
    referral_substatus: enumValues.substatus,
    currency_code: dealCurrencyOf(version),
    created_date: createdDate,
    updated_date: utcDate(updatedAt),
    accepted_date: acceptedDate,
    expected_close_date: milestones.expectedCloseDate,
    expiration_date: dateOf(milestones.expirationAt),
    closed_date: closedDate,
    registered_date: registeredDate,
    registration_approved_date: dateOf(approvedAt),
    registration_first_approved_date: dateOf(firstApprovedAt),
    created_at: milestones.createdAt,
    updated_at: updatedAt,
    accepted_at: milestones.acceptedAt,
    expected_close_at: milestones.expectedCloseAt,
    expiration_at: milestones.expirationAt,
    closed_at: history.closedAt,
    closed_at_basis: history.closedAtBasis,
    deal_value_amount: amountText(referral.details?.dealValue ?? null),
    days_to_accept: wholeDays(createdDate, acceptedDate),
    days_to_close: wholeDays(createdDate, closedDate),
    days_to_registration: wholeDays(closedDate, registeredDate),
    requested_solution_count: facts.solutionCount,
    requested_offer_count: facts.offerCount,
    registration_count: registrations.length,
  }
}

function firstOf<One>(all: readonly One[], milestone: (one: One) => string | null): string | null {
  let first: string | null = null
  for (const one of all) {
    const at = milestone(one)
    if (at !== null && (first === null || at < first)) first = at
  }
  return first
}
