import { dayMs, hourMs, minuteMs, secondMs } from './instants.ts'
import type { Random } from './random.ts'

/** Days that a partner has to answer before the referral is archived as expired. */
export const answerDays = 14

/** A referral's course up to the sandbox's clock, as instants in milliseconds. */
export interface Life {
  readonly createdMs: number
  readonly acceptedMs: number | null
  readonly closedMs: number | null
  readonly expirationMs: number | null
  readonly updatedMs: number
  readonly status: string
  readonly substatus: string
}

/**
 * Lives a referral from its creation to `nowMs`. An incoming one has to be answered first; an
 * outgoing one is accepted as it is made. What would happen after `nowMs` has not happened.
 */
export function live(random: Random, createdMs: number, incoming: boolean, nowMs: number): Life {
  const newborn: Life = {
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
  if (!incoming) return work(random, { ...newborn, acceptedMs: outgoingMs }, nowMs)

  const answer = random.weighted([
    ['Accepted', 68],
    ['Declined', 13],
    ['Expired', 16],
    ['Error', 3],
  ])
  const answeredMs = createdMs + answerDelayMs(random, answer)
  if (answeredMs >= nowMs) return newborn
  if (answer !== 'Accepted') return close(random, newborn, answer, answeredMs, nowMs)
  return work(random, { ...newborn, acceptedMs: answeredMs }, nowMs)
}

/** Up to the day of expiry; one in six answers comes later, since the archive is not strict. */
function answerDelayMs(random: Random, answer: string): number {
  if (answer === 'Expired') return answerDays * dayMs
  if (random.chance(0.16)) return random.between(answerDays * dayMs, 150 * dayMs)
  return random.between(2 * minuteMs, (answerDays - 0.5) * dayMs, 2)
}

/** From accepted to closed, or to wherever the deal stands now. */
function work(random: Random, accepted: Life, nowMs: number): Life {
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

function close(random: Random, life: Life, substatus: string, ms: number, nowMs: number): Life {
  const closedMs = Math.floor(ms)
  const updatedMs = Math.min(closedMs + random.integer(0, 50) * secondMs, nowMs)
  return { ...life, status: 'Closed', substatus, closedMs, updatedMs }
}
