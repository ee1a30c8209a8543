import dayjs from 'dayjs'
import utc from 'dayjs/plugin/utc.js'
import type { Capabilities } from '../api/capabilities.ts'

dayjs.extend(utc)

/** State that earlier runs left, and the request of this one. */
export interface PlanFacts {
  readonly watermark: string | null
  readonly lastFullReadAt: string | null
  readonly full: boolean
  readonly now: Date
  readonly fullReadDaysMax: number
  readonly overlapHours: number
}

export interface ReadPlan {
  readonly mode: 'full' | 'incremental'
  /** Source time from which to read; `null` for a full read. */
  readonly since: string | null
}

/**
 * Returns a full read for the first run, on request, and in the night that is `fullReadDaysMax` nights
 * after the last one. Else an incremental read since the watermark, with an overlap: a row may appear
 * late with an older time, and reading an unchanged row again writes nothing.
 */
export function planRead(facts: PlanFacts): ReadPlan {
  const { watermark, lastFullReadAt, now } = facts
  const hasRecentFullRead =
    lastFullReadAt !== null && nightsBetween(lastFullReadAt, now) < facts.fullReadDaysMax
  if (facts.full || watermark === null || !hasRecentFullRead) return { mode: 'full', since: null }
  const since = dayjs.utc(watermark).subtract(facts.overlapHours, 'hour')
  return { mode: 'incremental', since: since.toISOString() }
}

/**
 * Number of nights from one run to another: whole days, rounded. A job starts some minutes earlier or
 * later each time, so its seventh night may begin before seven days have passed.
 */
function nightsBetween(earlier: string, now: Date): number {
  return Math.round(dayjs.utc(now).diff(dayjs.utc(earlier), 'hour', true) / 24)
}

/** Counts of a full read: by its rows, and by the API. */
export interface FullReadCounts {
  /** Distinct referrals. */
  readonly seen: number
  /** Greatest `@odata.count` of its pages; zero when none has one. */
  readonly greatestCount: number
  /** Meaning of that count. */
  readonly count: Capabilities['count']
}

/**
 * Number of referrals that a full read lacks by the API's own count; zero where the meaning of that
 * count is another one, or unknown.
 */
export function shortfallOf({ seen, greatestCount, count }: FullReadCounts): number {
  return count === 'total' ? Math.max(0, greatestCount - seen) : 0
}
