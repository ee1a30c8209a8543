import { CosellError } from '../../errors.ts'
import type { Capabilities } from '../api/capabilities.ts'
import type { Page } from '../api/page.ts'
import type { ReferralsApi } from '../api/referrals-api.ts'
import { secondsOf, toSecond } from '../api/timestamps.ts'
import {
  type Cursor,
  type CursorPage,
  pageByKeyset,
  type SortedList,
  startCursor,
} from './keyset.ts'
import { readUpToPresent } from './read-changed.ts'

export interface WindowPage extends Page {
  /** Text to resume from after this page; `null` after the last. */
  readonly resumeAt: string | null
}

/** Window of creation times, with both ends; ISO, UTC. */
export interface Window {
  readonly from: string
  readonly to: string
}

/**
 * Yields the pages of every referral created in the window, and of more where the API cannot filter
 * so. Without a filter on `createdDateTime` it is all that was updated since the start of the window,
 * which includes it. Without any filter it is everything up to its end. Rows may come twice.
 *
 * @throws CosellError `sourceBroken` as `pageByKeyset` does
 */
export async function* readWindow(
  api: ReferralsApi,
  capabilities: Capabilities,
  window: Window,
  resumeAt: string | null,
): AsyncGenerator<WindowPage> {
  const plan = planWindow(capabilities, window)
  const resumed = resumeAt === null ? null : parseCursor(resumeAt, plan.list)
  // Held back by one page: only the end of the list shows which page was the last.
  let held: CursorPage | null = null
  try {
    for await (const step of readFrom(api, capabilities, plan, resumed)) {
      if (held !== null) yield toWindowPage(held, plan.list)
      held = step
    }
  } catch (error) {
    if (held !== null) yield toWindowPage(held, plan.list)
    throw error
  }
  if (held !== null) yield { ...held.page, resumeAt: null }
}

interface WindowPlan {
  readonly list: SortedList
  readonly start: Cursor
  /** Second after which rows do not matter; `null` to read up to the present. */
  readonly until: string | null
}

function planWindow({ createdFilter, updatedFilter }: Capabilities, window: Window): WindowPlan {
  const from = requireSecond('from', window.from)
  const to = requireSecond('to', window.to)
  const property = createdFilter === null && updatedFilter !== null ? 'updated' : 'created'
  const literal = createdFilter ?? updatedFilter
  return {
    list: { property: `${property}DateTime`, direction: 'asc', literal },
    start: literal === null ? startCursor : { ...startCursor, at: from },
    until: property === 'created' ? to : null,
  }
}

async function* readFrom(
  api: ReferralsApi,
  capabilities: Capabilities,
  { list, start, until }: WindowPlan,
  resumed: Cursor | null,
): AsyncGenerator<CursorPage> {
  let hasBegun = false
  try {
    const read = list.property === 'updatedDateTime' ? readUpToPresent : pageByKeyset
    for await (const step of read(api, capabilities, list, resumed ?? start)) {
      hasBegun = true
      yield step
      const last = secondsOf(step.page, list.property).at(-1)
      if (until !== null && last !== undefined && last > until) return
    }
    return
  } catch (error) {
    // A link that was kept for days may have expired.
    const isStale = resumed?.link != null && !hasBegun && isRejectedLink(error)
    if (!isStale) throw error
  }
  yield* readFrom(api, capabilities, { list, start, until }, null)
}

function isRejectedLink(error: unknown): boolean {
  const codes = ['api.status_400', 'api.list_not_found', 'api.status_404', 'api.status_410']
  return error instanceof CosellError && codes.includes(error.code)
}

// The keys of this JSON are kept in the ledger: runs of other versions have to read them.
function toWindowPage({ page, cursor }: CursorPage, list: SortedList): WindowPage {
  return { ...page, resumeAt: JSON.stringify({ ...list, position: cursor }) }
}

/** Returns the cursor in a `resumeAt`; `null`, so from the start, when it is of another kind of read. */
function parseCursor(text: string, list: SortedList): Cursor | null {
  const kept = parseOrNull(text) as (Partial<SortedList> & { position?: Cursor }) | null
  const isSame = kept?.property === list.property && kept.literal === list.literal
  return isSame && kept.position !== undefined ? kept.position : null
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function requireSecond(name: string, instant: string): string {
  const second = toSecond(instant)
  if (second !== null) return second
  throw new CosellError('paging.window', `${name}: expected an ISO instant, got "${instant}".`)
}
