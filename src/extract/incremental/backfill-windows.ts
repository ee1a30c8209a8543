import { CosellError } from '../../errors.ts'
import type { Capabilities } from '../api/capabilities.ts'

/** Part of time, by creation; the end does not belong to it. ISO, UTC. */
export interface BackfillSpan {
  readonly from: string
  readonly to: string
}

/** What the user asks for: days as YYYY-MM-DD. */
export interface BackfillRequest {
  readonly from: string
  /** First day that is not read; tomorrow when left out. */
  readonly to?: string | undefined
}

/** By which filter the referrals of a span are found: on creation, on the last update, or by none. */
export type BackfillStrategy = 'created' | 'updated' | 'everything'

/** The latest run over a window that kept a position, as the ledger tells it. */
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
  /** The run that is the reason. */
  readonly runId: number | null
  /** Where an unfinished read goes on; null at its start, and when nothing is left to read. */
  readonly resumeAt: string | null
  /** Every page is landed; an unfinished window only lacks its publishing then. */
  readonly isRead: boolean
}

/** The service is younger; a mistyped year must not become thousands of windows. */
const earliestDay = '2000-01-01'
const dayMs = 86_400_000

/**
 * The time between two days. What lies beyond tomorrow is left out: nothing was created there.
 *
 * @throws CosellError `usage` when a day is none, or the first one is not before the second.
 */
export function readSpan({ from, to }: BackfillRequest, now: Date): BackfillSpan {
  const tomorrow = new Date(now.getTime() + dayMs).toISOString().slice(0, 10)
  const first = checkedDay('--from', from)
  const end = to === undefined ? tomorrow : checkedDay('--to', to)
  const last = end < tomorrow ? end : tomorrow
  if (first < last) return { from: startOf(first), to: startOf(last) }
  const got = `${first} and ${to === undefined ? `${end}, which is tomorrow` : end}`
  const rule = '--to is the first day that is not read, and at most tomorrow'
  const text = `--from and --to: expected a day and a later one that has come, got ${got}. ${rule}.`
  throw new CosellError('usage', 'backfill.span', text)
}

function checkedDay(flag: string, text: string): string {
  const instant = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? startOf(text) : Number.NaN)
  // 2025-02-30 is read as the second of March.
  const isReal = !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(text)
  if (isReal && text >= earliestDay) return text
  const got = `got "${text}"`
  const message = `${flag}: expected a day from ${earliestDay} on, as YYYY-MM-DD, ${got}.`
  throw new CosellError('usage', 'backfill.date', message)
}

function startOf(day: string): string {
  return `${day}T00:00:00Z`
}

export function strategyOf({ createdFilter, updatedFilter }: Capabilities): BackfillStrategy {
  if (createdFilter !== null) return 'created'
  return updatedFilter === null ? 'everything' : 'updated'
}

/** What is done and why, in a sentence for the log and the plan. */
export function explainStrategy(strategy: BackfillStrategy, { from, to }: BackfillSpan): string {
  const [day, end] = [from.slice(0, 10), to.slice(0, 10)]
  if (strategy === 'created') return 'The API filters by creation date: month by month.'
  const refused = 'The API does not filter by creation date'
  if (strategy === 'updated') {
    return `${refused}: what was updated since ${day} is read in one go; all that was created since then is in it.`
  }
  return `${refused}, nor by update: all from the first on, up to ${end}, are read in one go.`
}

/** Calendar months (UTC) cut to the span, oldest first; the whole span where months cannot be told apart. */
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
  const [year, month] = [Number(instant.slice(0, 4)), Number(instant.slice(5, 7))]
  const day =
    month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, '0')}-01`
  return startOf(day)
}

/**
 * How far a window is. One that is everything from a day on may end elsewhere today than when its
 * read stopped, and goes on all the same; else tomorrow's try would begin from the start for ever.
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
    // Of an abandoned run another has published what it had landed.
    const isPublished = ['published', 'abandoned'].includes(latest.run_status)
    return { state: isPublished ? 'done' : 'unfinished', runId, resumeAt: null, isRead }
  }
  const { resume_at: resumeAt } = latest
  return { state: resumeAt === null ? 'new' : 'unfinished', runId, resumeAt, isRead }
}

function isSame(left: string, right: string): boolean {
  return Date.parse(left) === Date.parse(right)
}

/** The OData filter that a count of the window needs; none where everything is read. */
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

/** Pages that so many referrals take, each beginning with the row that the one before ended with. */
export function estimateCalls(referrals: number, pageSize: number): number {
  return Math.max(1, Math.ceil(referrals / Math.max(1, pageSize - 1)))
}
