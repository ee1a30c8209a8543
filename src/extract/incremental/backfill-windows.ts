import dayjs from 'dayjs'
import utc from 'dayjs/plugin/utc.js'
import { CosellError } from '../../errors.ts'
import type { Capabilities } from '../api/capabilities.ts'

dayjs.extend(utc)

/** Time span by creation, without its end; ISO, UTC. */
export interface BackfillSpan {
  readonly from: string
  readonly to: string
}

/** Days that the user asks for, as YYYY-MM-DD. */
export interface BackfillRequest {
  readonly from: string
  /** First day that is not read; tomorrow when left out. */
  readonly to?: string | undefined
}

/** Filter that finds the referrals of a span: on creation, on the last update, or none. */
export type BackfillStrategy = 'created' | 'updated' | 'everything'

/** Earlier run over a window, as the ledger records it. */
export interface WindowAttempt {
  readonly run_id: number
  readonly run_status: string
  readonly filter_from: string
  readonly filter_to: string
  readonly window_status: string
  readonly resume_at: string | null
}

export interface WindowState {
  readonly state: 'new' | 'unfinished' | 'done'
  /** Run that left this state. */
  readonly runId: number | null
  /** Cursor where an unfinished read resumes; `null` at its start, and when nothing is left to read. */
  readonly resumeAt: string | null
  /** Whether every page is landed; an unfinished window then only has to be published. */
  readonly isRead: boolean
}

/** First day accepted. The service is younger; a mistyped year must not become thousands of windows. */
const earliestDay = '2000-01-01'
const dayFormat = 'YYYY-MM-DD'

/**
 * Returns the span between two days, cut at tomorrow: nothing was created after that.
 *
 * @throws CosellError `usage` when a text is not a day, or the first day is not before the second
 */
export function readSpan({ from, to }: BackfillRequest, now: Date): BackfillSpan {
  const tomorrow = dayjs.utc(now).add(1, 'day').format(dayFormat)
  const first = checkedDay('--from', from)
  const end = to === undefined ? tomorrow : checkedDay('--to', to)
  const last = end < tomorrow ? end : tomorrow
  if (first < last) return { from: startOf(first), to: startOf(last) }
  const got = `${first} and ${to === undefined ? `${end}, which is tomorrow` : end}`
  const rule = '--to is the first day that is not read, and at most tomorrow'
  const text = `--from and --to: expected a day up to today and a later one, got ${got}. ${rule}.`
  throw new CosellError('backfill.span', text)
}

function checkedDay(flag: string, text: string): string {
  // 2025-02-30 would be read as the second of March, and 2025 as its first day.
  const isReal = dayjs.utc(text).format(dayFormat) === text
  if (isReal && text >= earliestDay) return text
  const got = `got "${text}"`
  const message = `${flag}: expected a day from ${earliestDay} on, as YYYY-MM-DD, ${got}.`
  throw new CosellError('backfill.date', message)
}

function startOf(day: string): string {
  return `${day}T00:00:00Z`
}

export function strategyOf({ createdFilter, updatedFilter }: Capabilities): BackfillStrategy {
  if (createdFilter !== null) return 'created'
  return updatedFilter === null ? 'everything' : 'updated'
}

/** Says in a sentence what is read and why, for the log and the plan. */
export function explainStrategy(strategy: BackfillStrategy, { from, to }: BackfillSpan): string {
  const [day, end] = [from.slice(0, 10), to.slice(0, 10)]
  if (strategy === 'created') return 'The API filters by creation date: month by month.'
  const unfiltered = 'The API does not filter by creation date'
  if (strategy === 'updated') {
    return `${unfiltered}: what was updated since ${day} is read in one go, which includes all created since then.`
  }
  return `${unfiltered}, nor by update: every referral up to ${end} is read in one go.`
}

/**
 * Returns the calendar months (UTC) of a span, oldest first; the whole span where the API does not
 * filter by creation.
 */
export function planWindows(span: BackfillSpan, strategy: BackfillStrategy): BackfillSpan[] {
  if (strategy !== 'created') return [span]
  const windows: BackfillSpan[] = []
  for (let from = span.from; from < span.to; ) {
    const next = nextMonth(from)
    const to = next < span.to ? next : span.to
    windows.push({ from, to })
    from = to
  }
  return windows
}

function nextMonth(instant: string): string {
  return startOf(dayjs.utc(instant).startOf('month').add(1, 'month').format(dayFormat))
}

/**
 * Returns how far the latest attempt came with a window. Without a filter on creation the end of the
 * window may move with the day. Such a read resumes all the same, else each day's try would begin
 * from the start.
 */
export function stateOf(
  window: BackfillSpan,
  attempts: readonly WindowAttempt[],
  strategy: BackfillStrategy,
): WindowState {
  const latest = attempts
    .filter(({ filter_from, filter_to }) => {
      const isWhole = isSame(filter_to, window.to)
      return isSame(filter_from, window.from) && (isWhole || strategy !== 'created')
    })
    .reduce<WindowAttempt | null>(
      (last, attempt) => (last === null || attempt.run_id > last.run_id ? attempt : last),
      null,
    )
  const runId = latest?.run_id ?? null
  const isRead = latest?.window_status === 'done'
  if (latest === null || (isRead && !isSame(latest.filter_to, window.to))) {
    return { state: 'new', runId, resumeAt: null, isRead: false }
  }
  if (isRead) {
    // Another run has published the pages that an abandoned run had landed.
    const isPublished = ['published', 'abandoned'].includes(latest.run_status)
    return { state: isPublished ? 'done' : 'unfinished', runId, resumeAt: null, isRead }
  }
  const { resume_at: resumeAt } = latest
  return { state: resumeAt === null ? 'new' : 'unfinished', runId, resumeAt, isRead }
}

function isSame(left: string, right: string): boolean {
  return Date.parse(left) === Date.parse(right)
}

/** Returns the OData filter that counts a window; `undefined` where every referral is read. */
export function filterOf(window: BackfillSpan, capabilities: Capabilities): string | undefined {
  const { createdFilter, updatedFilter } = capabilities
  const quote = (form: string, instant: string) => (form === 'quoted' ? `'${instant}'` : instant)
  if (createdFilter !== null) {
    const [from, to] = [quote(createdFilter, window.from), quote(createdFilter, window.to)]
    return `createdDateTime ge ${from} and createdDateTime lt ${to}`
  }
  return updatedFilter === null
    ? undefined
    : `updatedDateTime ge ${quote(updatedFilter, window.from)}`
}

/** Pages that n referrals take, when each begins with the last row of the page before. */
export function estimateCalls(referrals: number, pageSize: number): number {
  return Math.max(1, Math.ceil(referrals / Math.max(1, pageSize - 1)))
}
