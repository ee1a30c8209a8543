import { dayMs, hourMs, minuteMs, secondMs } from '../instants.ts'
import type { Random } from '../random.ts'

/** Days that a partner has to answer before the referral is archived as expired. */
export const answerDays = 14

/** Course of a referral up to the sandbox's clock, as instants in milliseconds. */
export interface Lifecycle {
  readonly createdMs: number
  readonly acceptedMs: number | null
  readonly closedMs: number | null
  readonly expirationMs: number | null
  readonly updatedMs: number
  readonly status: string
  readonly substatus: string
}

/**
 * Simulates a referral from its creation to `nowMs`. An incoming one has to be answered first; an
 * outgoing one is accepted at creation. Events after `nowMs` are left out.
 */
export function simulateLifecycle(
  random: Random,
  createdMs: number,
  incoming: boolean,
  nowMs: number,
): Lifecycle {
  const initial: Lifecycle = {
    createdMs,
    acceptedMs: null,
    closedMs: null,
    expirationMs: incoming ? createdMs + answerDays * dayMs : null,
    updatedMs: Math.min(
      createdMs +
        random.weighted([
          [0, 6],
          [40 * minuteMs, 4],
        ]),
      nowMs,
    ),
    status: 'New',
    substatus: random.pick(['Pending', 'Received']),
  }
  // Seen live: a partner-created referral is accepted up to 0.7 s before it was created.
  const outgoingMs = createdMs + random.integer(-700, 300)
  if (!incoming) return afterAcceptance(random, { ...initial, acceptedMs: outgoingMs }, nowMs)

  const answer = random.weighted([
    ['Accepted', 68],
    ['Declined', 13],
    ['Expired', 16],
    ['Error', 3],
  ])
  const answeredMs = createdMs + answerDelayMs(random, answer)
  if (answeredMs >= nowMs) return initial
  if (answer !== 'Accepted') return close(random, initial, answer, answeredMs, nowMs)
  return afterAcceptance(random, { ...initial, acceptedMs: answeredMs }, nowMs)
}

/** Draws a delay up to the day of expiry; one in six answers comes later: the archive is not strict. */
function answerDelayMs(random: Random, answer: string): number {
  if (answer === 'Expired') return answerDays * dayMs
  if (random.chance(0.16)) return random.between(answerDays * dayMs, 150 * dayMs)
  return random.between(2 * minuteMs, (answerDays - 0.5) * dayMs, 2)
}

/** Continues an accepted referral until it is closed, or until `nowMs`. */
function afterAcceptance(random: Random, accepted: Lifecycle, nowMs: number): Lifecycle {
  const startMs = Math.max(accepted.acceptedMs ?? 0, accepted.createdMs)
  const outcome = random.weighted([
    ['Won', 47],
    ['Lost', 33],
    ['Expired', 6],
    ['Error', 4],
    ['Open', 10],
  ])
  const closedMs = startMs + random.between(5 * hourMs, 420 * dayMs, 1.8)
  if (outcome !== 'Open' && closedMs < nowMs) {
    return close(random, accepted, outcome, closedMs, nowMs)
  }
  const editedMs = startMs + random.between(0, Math.min(nowMs - startMs, 300 * dayMs))
  const updatedMs = Math.min(Math.max(editedMs, accepted.createdMs), nowMs)
  return { ...accepted, expirationMs: null, status: 'Active', substatus: 'Accepted', updatedMs }
}

function close(
  random: Random,
  lifecycle: Lifecycle,
  substatus: string,
  ms: number,
  nowMs: number,
): Lifecycle {
  const closedMs = Math.floor(ms)
  const updatedMs = Math.min(closedMs + random.integer(0, 50) * secondMs, nowMs)
  return { ...lifecycle, status: 'Closed', substatus, closedMs, updatedMs }
}
