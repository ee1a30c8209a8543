import type { Registration, StatusHistory } from '../referral.ts'
import { contractAndLines, type WonDeal } from './contract.ts'
import { dayMs, minuteMs, secondMs, wireInstant } from './instants.ts'
import type { Random } from './random.ts'

const historyKeys = {
  ReviewPending: 'reviewPendingDateTime',
  ActionRequired: 'actionRequiredDateTime',
  Passed: 'passedDateTime',
  Failed: 'failedDateTime',
  Approved: 'approvedDateTime',
} as const satisfies Record<string, keyof StatusHistory>

/** A step of a review: the state it leads to, and least and most time that it takes. */
type Step = readonly [status: string, leastMs: number, mostMs: number]

const auto: Step = ['Approved', 2 * secondMs, 90 * secondMs]
const passed: Step = ['Passed', 2 * dayMs, 25 * dayMs]
const failed: Step = ['Failed', 2 * dayMs, 25 * dayMs]
const sentBack: Step = ['ActionRequired', dayMs, 12 * dayMs]
const again: Step = ['ReviewPending', minuteMs, 20 * dayMs]

/** Courses of review; the end states are not final, an exception reopens them. */
const courses: readonly (readonly [readonly Step[], number])[] = [
  [[auto], 45],
  [[passed], 20],
  [[failed], 9],
  [[sentBack, again, passed], 8],
  [[sentBack], 4],
  [[], 5],
  [[sentBack, again, failed], 2],
  [[auto, sentBack, again, passed], 3],
  [[failed, again, passed], 3],
  // In the bulk download's list of states, in no page of the API.
  [[auto, ['Closed', 30 * dayMs, 200 * dayMs]], 3],
]

/**
 * Registers a won deal some days after it was closed and reviews it up to `nowMs`; returns null
 * when that day has not come. `updatedMs` is the last thing that happened.
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

/** A registration as just submitted: pending review. */
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

/** Puts a registration into a state at an instant, with the reviewer's words where due. */
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
