import { CosellError } from '../../errors.ts'
import type { Capabilities, DateLiteral } from '../api/capabilities.ts'
import type { Page } from '../api/page.ts'
import type { ReferralsApi } from '../api/referrals-api.ts'
import { minutesBefore, secondsOf, type TimeProperty, toSecond } from '../api/timestamps.ts'
import {
  type Cursor,
  type CursorPage,
  pageByKeyset,
  type SortedList,
  startCursor,
} from './keyset.ts'
import { rowKey } from './seen-rows.ts'

/** Rounds over a list that does not come to rest; the overlap of the next run reads the others. */
const roundsMax = 5
/** Longest time between the timestamp of an update and its appearance in the list. */
const appearanceMinutes = 1
/** Time ahead of the server's clock beyond which a timestamp is not one of a current update. */
const futureMinutes = 5

/**
 * Yields the pages of every row updated at or after `since`, also of those updated during the read,
 * until a limited number of rounds finds nothing new. Rows may come twice. The order is oldest first
 * where the filter on `updatedDateTime` works, else newest first.
 *
 * @throws CosellError `sourceBroken` when the server ignores the query, or cannot be paged
 */
export function readChangedSince(
  api: ReferralsApi,
  since: string,
  capabilities: Capabilities,
): AsyncGenerator<Page> {
  const from = toSecond(since)
  if (from === null)
    throw new CosellError('paging.since', `since: expected an ISO instant, got "${since}".`)
  const { updatedFilter } = capabilities
  return updatedFilter === null
    ? readNewestFirst(api, from, capabilities)
    : readOldestFirst(api, from, capabilities, updatedFilter)
}

/** Reads in the order of updates. An updated row moves to the end, which is read later: none is lost. */
async function* readOldestFirst(
  api: ReferralsApi,
  from: string,
  capabilities: Capabilities,
  literal: DateLiteral,
): AsyncGenerator<Page> {
  const list = { property: 'updatedDateTime', direction: 'asc', literal } as const
  const start = { ...startCursor, at: from }
  for await (const { page } of readUpToPresent(api, capabilities, list, start)) yield page
}

/**
 * Yields a list by ascending `updatedDateTime` up to the present, and ends although updates go on.
 * Rows dated in the future come last.
 */
export async function* readUpToPresent(
  api: ReferralsApi,
  capabilities: Capabilities,
  list: SortedList,
  start: Cursor,
): AsyncGenerator<CursorPage> {
  const reachesPresent = createPresentCheck(list.property)
  for await (const step of pageByKeyset(api, capabilities, list, start)) {
    yield step
    if (!reachesPresent(step.page)) continue
    const at = minutesBefore(step.page.fetchedAt, -futureMinutes)
    yield* pageByKeyset(api, capabilities, list, { ...startCursor, at })
    return
  }
}

/**
 * Returns a function that takes the pages one by one and says which of them reaches the present:
 *
 * - a page that is shorter than others and has only updates of this moment, which is the whole end
 *   of the list at the time of the request;
 * - or the page that ends the last round. Each round reads the updates of the one before.
 */
function createPresentCheck(property: TimeProperty): (page: Page) => boolean {
  const known = new Set<string>()
  let longest = 0
  let rounds = 0
  /** Server time that ends a round: of the first page, then of the page that ended the round before. */
  let roundEnd: string | null = null
  let previousAnswer: string | null = null
  return (page) => {
    const { referrals, fetchedAt } = page
    const newRows = referrals.filter((referral) => !known.has(rowKey(referral, property)))
    for (const referral of newRows) known.add(rowKey(referral, property))
    const [oldest = ''] = secondsOf({ ...page, referrals: newRows }, property)
    const isOfNow =
      previousAnswer !== null && oldest >= minutesBefore(previousAnswer, appearanceMinutes)
    const last = secondsOf(page, property).at(-1) ?? ''
    if (roundEnd === null) roundEnd = toSecond(fetchedAt)
    else if (last >= roundEnd && last <= fetchedAt) {
      rounds += 1
      roundEnd = toSecond(fetchedAt)
    }
    longest = Math.max(longest, referrals.length)
    previousAnswer = fetchedAt
    return (isOfNow && referrals.length < longest) || rounds >= roundsMax
  }
}

/**
 * Yields the list from its head on, without pages that have nothing new. During the read, updated
 * referrals move to the head, out of sight. So the head is read again until it shows nothing new.
 */
async function* readNewestFirst(
  api: ReferralsApi,
  from: string,
  capabilities: Capabilities,
): AsyncGenerator<Page> {
  const list = { property: 'updatedDateTime', direction: 'desc', literal: null } as const
  const known = new Set<string>()
  for (let round = 1; round <= roundsMax; round += 1) {
    let pages = 0
    let hadNewRows = false
    for await (const { page } of pageByKeyset(api, capabilities, list)) {
      pages += 1
      const keys = page.referrals.map((referral) => rowKey(referral, 'updatedDateTime'))
      const isNew = keys.some((key) => !known.has(key))
      for (const key of keys) known.add(key)
      hadNewRows ||= isNew
      if (isNew) yield page
      const oldest = secondsOf(page, 'updatedDateTime').at(-1)
      const isPast = oldest !== undefined && oldest < from
      const isKnown = round > 1 && !isNew && page.referrals.length > 0
      if (isPast || isKnown) break
    }
    // One page is one moment: nothing can move while it is read.
    if (!hadNewRows || pages <= 1) return
  }
}
