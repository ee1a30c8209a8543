import { registrationSegments } from './registration-stages.ts'
import type { Observation } from './spans.ts'

/** Unbroken stay of a registration in one stage of its review. */
export interface ReviewVisit {
  stage: string
  enteredAt: string
  /** Null for the stage that the registration is in. */
  leftAt: string | null
  /** `source` if the payload dates the stage, `observed` if the update that showed it does. */
  basis: 'source' | 'observed'
  /** Visits to ActionRequired so far, this one included. */
  sentBack: number
}

/** Status of a registration before it is one. */
const unregistered = 'None'
const sentBackTo = 'ActionRequired'

/**
 * Visits of one registration, in order of time. `ordered` are observations of this registration
 * alone, by source time: dated as in the history of the referral, so both agree on every day.
 */
export function reviewVisits(ordered: readonly Observation[]): ReviewVisit[] {
  const visits: ReviewVisit[] = []
  const dated = datedStages(ordered)
  let sentBack = 0
  let stage = unregistered
  for (const { from, state } of registrationSegments(ordered)) {
    const next = state.registration_status
    if (next === stage) continue
    const last = visits.at(-1)
    if (last?.leftAt === null) last.leftAt = from
    // Of several changes at one instant only the last is one.
    if (last?.enteredAt === from && stage !== unregistered) {
      if (last.stage === sentBackTo) sentBack--
      visits.pop()
    }
    stage = next
    if (next === unregistered) continue
    const before = visits.at(-1)
    if (before?.stage === next && before.leftAt === from) {
      before.leftAt = null
      continue
    }
    if (next === sentBackTo) sentBack++
    const basis = dated.has(stageKey(from, next)) ? 'source' : 'observed'
    visits.push({ stage: next, enteredAt: from, leftAt: null, basis, sentBack })
  }
  return visits
}

function datedStages(ordered: readonly Observation[]): ReadonlySet<string> {
  const known = new Set<string>()
  for (const { registrations } of ordered) {
    for (const { stages } of registrations) {
      for (const { at, status } of stages) known.add(stageKey(at, status))
    }
  }
  return known
}

function stageKey(at: string, status: string): string {
  return `${at} ${status}`
}
