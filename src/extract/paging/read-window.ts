import { CosellError } from '../../errors.ts'
import type { Capabilities } from '../api/capabilities.ts'
import type { Page, ReferralsApi } from '../api/referrals-api.ts'
import { secondOf, secondsOf } from '../api/timestamps.ts'
import { beginning, type Course, type Position, type Step, walk } from './keyset.ts'
import { upToPresent } from './read-changed.ts'

export interface WindowPage extends Page {
  /** Give it back to go on after this page; null after the last. */
  readonly resumeAt: string | null
}

/** Both ends belong to it; ISO, UTC. */
export interface Window {
  readonly from: string
  readonly to: string
}

/**
 * Yields the pages that hold what was created in the window, and more than that where the API cannot
 * tell it apart: without a filter on `createdDateTime`, what was updated since its beginning, which
 * includes it; without any filter, everything up to its end. Rows may come twice.
 *
 * @throws CosellError `sourceBroken` as `walk` does
 */
export async function* readWindow(
  api: ReferralsApi,
  capabilities: Capabilities,
  window: Window,
  resumeAt: string | null,
): AsyncGenerator<WindowPage> {
  const plan = planOf(capabilities, window)
  const start = resumeAt === null ? null : positionOf(resumeAt, plan.course)
  // The page before the one under way; only when that is the last is it known to be.
  let held: Step | null = null
  try {
    for await (const step of stepsFrom(api, capabilities, plan, start)) {
      if (held !== null) yield toWindowPage(held, plan.course)
      held = step
    }
  } catch (error) {
    if (held !== null) yield toWindowPage(held, plan.course)
    throw error
  }
  if (held !== null) yield { ...held.page, resumeAt: null }
}

interface Plan {
  readonly course: Course
  readonly start: Position
  /** Second after which rows do not matter; null to go on to the end. */
  readonly until: string | null
}

function planOf({ createdFilter, updatedFilter }: Capabilities, window: Window): Plan {
  const from = toSecond('from', window.from)
  const to = toSecond('to', window.to)
  const at = (second: string) => ({ ...beginning, at: second })
  const property = createdFilter === null && updatedFilter !== null ? 'updated' : 'created'
  const literal = createdFilter ?? updatedFilter
  const course = { property: `${property}DateTime`, direction: 'asc', literal } as const
  return {
    course,
    start: literal === null ? beginning : at(from),
    until: property === 'created' ? to : null,
  }
}

async function* stepsFrom(
  api: ReferralsApi,
  capabilities: Capabilities,
  { course, start, until }: Plan,
  resumed: Position | null,
): AsyncGenerator<Step> {
  let hasBegun = false
  try {
    const read = course.property === 'updatedDateTime' ? upToPresent : walk
    for await (const step of read(api, capabilities, course, resumed ?? start)) {
      hasBegun = true
      yield step
      const last = secondsOf(step.page, course.property).at(-1)
      if (until !== null && last !== undefined && last > until) return
    }
    return
  } catch (error) {
    // A link that was kept for days may be worth nothing any more.
    const isStale = resumed?.link != null && !hasBegun && isRefusal(error)
    if (!isStale) throw error
  }
  yield* stepsFrom(api, capabilities, { course, start, until }, null)
}

function isRefusal(error: unknown): boolean {
  const codes = ['api.status_400', 'api.list_not_found', 'api.status_404', 'api.status_410']
  return error instanceof CosellError && codes.includes(error.code)
}

function toWindowPage({ page, position }: Step, course: Course): WindowPage {
  return { ...page, resumeAt: JSON.stringify({ ...course, position }) }
}

/** Where to go on; `null`, so from the start, when the text stems from another way of reading. */
function positionOf(text: string, course: Course): Position | null {
  const kept = parsed(text) as (Partial<Course> & { position?: Position }) | null
  const isSame = kept?.property === course.property && kept.literal === course.literal
  return isSame && kept.position !== undefined ? kept.position : null
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function toSecond(name: string, instant: string): string {
  const second = secondOf(instant)
  if (second !== null) return second
  throw new CosellError(
    'bug',
    'paging.window',
    `${name}: expected an ISO instant, got "${instant}".`,
  )
}
