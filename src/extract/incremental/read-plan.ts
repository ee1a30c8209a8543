import dayjs from 'dayjs'
import type { Capabilities } from '../api/capabilities.ts'

/** What earlier runs left behind and what is asked for now. */
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
  /** Source time from which to read; `null` for everything. */
  readonly since: string | null
}

/**
 * A full read the first time, when it is asked for and when the last one is too old; else what
 * changed since the watermark, with an overlap: a row may appear late with an older time, and
 * reading an unchanged row again writes nothing.
 */
export function planRead(facts: PlanFacts): ReadPlan {
  const { watermark, lastFullReadAt, now } = facts
  const hasRecentFullRead =
    lastFullReadAt !== null && dayjs(now).diff(lastFullReadAt, 'day', true) <= facts.fullReadDaysMax
  if (facts.full || watermark === null || !hasRecentFullRead) return { mode: 'full', since: null }
  const since = dayjs(watermark).subtract(facts.overlapHours, 'hour')
  return { mode: 'incremental', since: since.toISOString() }
}

/**
 * The watermark after a read: the latest source time seen, never past the start of the read (a row
 * dated in the future must not hide what comes after it) and never back. The answer has seven
 * fraction digits, as many as the source sends; what is no instant in UTC counts as nothing.
 */
export function advanceWatermark(
  before: string | null,
  latest: string | null,
  startedAt: string,
): string | null {
  const old = paddedInstant(before)
  const start = paddedInstant(startedAt)
  const seen = paddedInstant(latest)
  const reached = seen > start ? start : seen
  return (reached > old ? reached : old) || null
}

const utcInstant = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00:00)$/

/** The instant as text that orders by time: seven fraction digits. Empty, and so first, for none. */
function paddedInstant(text: string | null): string {
  const [, second = '', fraction = ''] = utcInstant.exec(text ?? '') ?? []
  const whole = dayjs(`${second}Z`)
  // 30 February and 24:00 would move on to the next day.
  if (second === '' || !whole.isValid() || !whole.toISOString().startsWith(second)) return ''
  return `${second}.${fraction.slice(0, 7).padEnd(7, '0')}Z`
}

/** What a full read has read, and what the API said on its pages. */
export interface FullReadCounts {
  /** Different referrals. */
  readonly seen: number
  /** The greatest `@odata.count` of its pages; zero when none has one. */
  readonly greatestCount: number
  /** What that counts. */
  readonly count: Capabilities['count']
}

/**
 * How many referrals a full read lacks by the API's own count; zero where that counts something else, or
 * nobody knows what.
 */
export function shortfallOf({ seen, greatestCount, count }: FullReadCounts): number {
  return count === 'total' ? Math.max(0, greatestCount - seen) : 0
}
