import { dayMs, minuteMs, secondMs, wireInstant } from '../instants.ts'
import type { Random } from '../random.ts'
import type { Registration, StatusHistory } from '../referral.ts'
import { contractAndLines, type WonDeal } from './contract.ts'

const historyKeys = {
  ReviewPending: 'reviewPendingDateTime',
  ActionRequired: 'actionRequiredDateTime',
  Passed: 'passedDateTime',
  Failed: 'failedDateTime',
  Approved: 'approvedDateTime',
} as const satisfies Record<string, keyof StatusHistory>

/** A step of a review: its new state, and the least and most time that it takes. */
type Step = readonly [status: string, leastMs: number, mostMs: number]

const autoApproved: Step = ['Approved', 2 * secondMs, 90 * secondMs]
const passed: Step = ['Passed', 2 * dayMs, 25 * dayMs]
const failed: Step = ['Failed', 2 * dayMs, 25 * dayMs]
const sentBack: Step = ['ActionRequired', dayMs, 12 * dayMs]
const resubmitted: Step = ['ReviewPending', minuteMs, 20 * dayMs]

/** Courses of review; their end states are not final, an exception reopens them. */
const courses: readonly (readonly [readonly Step[], number])[] = [
  [[autoApproved], 45],
  [[passed], 20],
  [[failed], 9],
  [[sentBack, resubmitted, passed], 8],
  [[sentBack], 4],
  [[], 5],
  [[sentBack, resubmitted, failed], 2],
  [[autoApproved, sentBack, resubmitted, passed], 3],
  [[failed, resubmitted, passed], 3],
  // A state of the bulk download, absent from the pages of the API.
  [[autoApproved, ['Closed', 30 * dayMs, 200 * dayMs]], 3],
]

/**
 * Registers a won deal some days after it was closed and reviews it up to `nowMs`; returns null
 * when that day is later. `updatedMs` is the time of the last step.
 */
export function registerDeal(
  random: Random,
  deal: WonDeal,
  nowMs: number,
): { registration: Registration; updatedMs: number } | null {
  const registeredMs = deal.closedMs + Math.floor(random.between(minuteMs, 50 * dayMs, 2.5))
  if (registeredMs >= nowMs) return null
  const registration = newRegistration(random, deal, registeredMs)
  let updatedMs = registeredMs
  for (const [status, leastMs, mostMs] of random.weighted(courses)) {
    const decidedMs = Math.floor(updatedMs + random.between(leastMs, mostMs))
    if (decidedMs >= nowMs) break
    updatedMs = decidedMs
    decide(random, registration, status, decidedMs)
  }
  return { registration, updatedMs }
}

/** Seldom courses after the first: approved in error, and sent back once more. */
const secondCourses = {
  Approved: { share: 0.02, steps: [failed] },
  Passed: { share: 0.03, steps: [sentBack, resubmitted, passed] },
} as const

/**
 * Reviews a decided registration again: a manual review takes an approval back, or sends the deal
 * back once more. Returns the time of the last step, null when there is none before `nowMs`.
 */
export function reviewAgain(
  random: Random,
  registration: Registration,
  nowMs: number,
): number | null {
  const { status } = registration
  if (status !== 'Approved' && status !== 'Passed') return null
  const { share, steps } = secondCourses[status]
  if (!random.chance(share)) return null
  const { approvedDateTime, passedDateTime } = registration.statusHistory ?? {}
  const decided = passedDateTime ?? approvedDateTime ?? registration.registrationDateTime
  let ms = Date.parse(decided ?? '')
  for (const [next, leastMs, mostMs] of steps) {
    const stepMs = Math.floor(ms + random.between(leastMs, mostMs))
    if (!(stepMs < nowMs)) return null
    ms = stepMs
    decide(random, registration, next, ms)
  }
  return ms
}

/** Returns a registration as just submitted: pending review. */
export function newRegistration(random: Random, deal: WonDeal, ms: number): Registration {
  const { contract, solutionDetails } = contractAndLines(random, deal)
  const registration: Registration = {
    id: random.guid(),
    registrationDateTime: wireInstant(random, ms),
    status: 'ReviewPending',
    statusReason: null,
    type: 'AzureIPCoSell',
    contract,
    ...random.weighted<Pick<Registration, 'solutionDetails'>>([
      [{ solutionDetails }, 96],
      [{ solutionDetails: [] }, 2],
      [{}, 2],
    ]),
    ...random.weighted<Pick<Registration, 'statusHistory'>>([
      [{ statusHistory: emptyHistory() }, 75],
      [{ statusHistory: {} }, 22],
      [{}, 3],
    ]),
  }
  decide(random, registration, 'ReviewPending', ms)
  return registration
}

function emptyHistory(): StatusHistory {
  return Object.fromEntries(Object.values(historyKeys).map((key) => [key, null]))
}

/** Sets the state of a registration at an instant, with the reviewer's reason where there is one. */
export function decide(random: Random, registration: Registration, status: string, ms: number) {
  registration.status = status
  registration.statusReason = reason(random, status)
  const history = registration.statusHistory
  if (history == null || !Object.hasOwn(historyKeys, status)) return
  history[historyKeys[status as keyof typeof historyKeys]] = wireInstant(random, ms)
}

function reason(random: Random, status: string): string | null {
  if (status === 'Failed') {
    return random.pick(['Contract does not name the solution.', 'Signed date is out of range.'])
  }
  if (status === 'ActionRequired') {
    return random.pick(['Please correct the contract end date.', 'Attach proof of execution; '])
  }
  return random.pick([null, null, ''])
}
