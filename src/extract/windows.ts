/** What earlier runs left behind and what is asked for now. */
export interface PlanFacts {
  readonly watermark: string | null
  readonly lastSweepAt: string | null
  readonly full: boolean
  readonly now: Date
  readonly sweepDaysMax: number
  readonly overlapHours: number
}

export interface ReadPlan {
  readonly mode: 'full' | 'incremental'
  /** Source time from which to read; `null` for everything. */
  readonly since: string | null
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/**
 * A full sweep the first time, when it is asked for and when the last one is too old; else what
 * changed since the watermark, with an overlap: a row may appear late with an older time, and
 * reading an unchanged row again writes nothing.
 */
export function planRead(facts: PlanFacts): ReadPlan {
  const swept = facts.lastSweepAt === null ? Number.NaN : Date.parse(facts.lastSweepAt)
  const isRecent = facts.now.getTime() - swept <= facts.sweepDaysMax * dayMs
  if (facts.full || facts.watermark === null || !isRecent) return { mode: 'full', since: null }
  const since = Date.parse(facts.watermark) - facts.overlapHours * hourMs
  return { mode: 'incremental', since: new Date(since).toISOString() }
}

/**
 * The watermark after a read: the latest source time seen, never past the start of the read (a row
 * dated in the future must not hide what comes after it) and never back. All are UTC ISO texts;
 * a finer fraction only ever makes the text, and so the watermark, no earlier than the other.
 */
export function advanceWatermark(
  before: string | null,
  latest: string | null,
  startedAt: string,
): string | null {
  const reached = latest !== null && Date.parse(latest) > Date.parse(startedAt) ? startedAt : latest
  if (before === null || reached === null) return reached ?? before
  return Date.parse(reached) > Date.parse(before) ? reached : before
}
