import type { Version } from '../context.ts'
import { datedRegistrations, registrationState } from '../history/registration-stages.ts'
import { reviewVisits } from '../history/review-visits.ts'
import type { Observation } from '../history/spans.ts'
import type { Staged } from '../staged-rows.ts'
import { dateOf, daysBetweenInstants, utcDate } from '../values/dates.ts'
import type { Registration } from './fact-registration.ts'
import { isSameRegistration } from './registration-decisions.ts'

// Fills dw.fact_registration_review.

/** One landed version: its registrations, and its observation for the history. */
export interface ReviewedVersion {
  registrations: readonly Registration[]
  observation: Observation
}

/** Reviews of the registrations of the newest version, by all versions in order of source time. */
export function reviewRows(
  { accountKey, referralNo }: Version,
  newest: readonly Registration[],
  versions: readonly ReviewedVersion[],
): Staged<'stg.fact_registration_review'>[] {
  const rows: Staged<'stg.fact_registration_review'>[] = []
  for (const registration of newest) {
    const visits = reviewVisits(observationsOf(registration, versions))
    for (let index = 0; index < visits.length; index++) {
      const visit = visits[index]
      if (visit === undefined) continue
      const { stage, enteredAt, leftAt, basis, sentBack } = visit
      rows.push({
        partner_account_key: accountKey,
        referral_no: referralNo,
        registration_no: registration.no,
        visit_no: index + 1,
        review_stage: stage,
        entered_at: enteredAt,
        left_at: leftAt,
        entered_date: utcDate(enteredAt),
        left_date: dateOf(leftAt),
        entered_at_basis: basis,
        is_current: leftAt === null,
        stage_days: leftAt === null ? null : daysBetweenInstants(enteredAt, leftAt),
        sent_back_count: sentBack,
      })
    }
  }
  return rows
}

/** Observations of one registration alone; of none in versions before it was registered. */
function observationsOf(
  registration: Registration,
  versions: readonly ReviewedVersion[],
): Observation[] {
  return versions.map(({ registrations, observation }) => {
    const own = registrations.filter((one) => isSameRegistration(registration, one))
    const status = own[0]?.status ?? 'None'
    return {
      ...observation,
      registration: registrationState(status, own),
      registrations: datedRegistrations(own),
    }
  })
}
