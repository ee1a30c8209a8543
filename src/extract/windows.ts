import dayjs from 'dayjs'

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

/**
 * A full sweep the first time, when it is asked for and when the last one is too old; else what
 * changed since the watermark, with an overlap: a row may appear late with an older time, and
 * reading an unchanged row again writes nothing.
 */
export function planRead(facts: PlanFacts): ReadPlan {
  const { watermark, lastSweepAt, now } = facts
  const isSweptLately =
    lastSweepAt !== null && dayjs(now).diff(lastSweepAt, 'day', true) <= facts.sweepDaysMax
  if (facts.full || watermark === null || !isSweptLately) return { mode: 'full', since: null }
  const since = dayjs(watermark).subtract(facts.overlapHours, 'hour')
  return { mode: 'incremental', since: since.toISOString() }
}

/**
 * The watermark after a read: the latest source time seen, never past the start of the read (a row
 * dated in the future must not hide what comes after it) and never back. All are UTC ISO texts,
 * compared by milliseconds; what lies between is far inside the overlap.
 */
export function advanceWatermark(
  before: string | null,
  latest: string | null,
  startedAt: string,
): string | null {
  const reached = latest !== null && dayjs(latest).isAfter(startedAt) ? startedAt : latest
  if (before === null || reached === null) return reached ?? before
  return dayjs(reached).isAfter(before) ? reached : before
}
