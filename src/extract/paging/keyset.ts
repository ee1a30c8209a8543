import { CosellError } from '../../errors.ts'
import type { Capabilities, DateLiteral } from '../api/capabilities.ts'
import type { Page, PageQuery } from '../api/page.ts'
import type { ReferralsApi } from '../api/referrals-api.ts'
import { filterSince, secondsOf } from '../api/timestamps.ts'
import type { FetchPage, ListPosition } from './page-by-offset.ts'
import { pageThrough } from './page-list.ts'
import { filterIgnored, orderIgnored } from './paging-errors.ts'
import { createSeenRows, isBefore, type SortOrder } from './seen-rows.ts'

/** Order of the list, and the filter that helps to page through it. */
export interface SortedList extends SortOrder {
  /** Form in which the filter works; `null` to page by offsets and links alone. */
  readonly literal: DateLiteral | null
}

/**
 * Position of a keyset read. Plain data, so that another process can resume from it: a backfill
 * stores it as JSON, so its keys have to stay.
 */
export interface Cursor extends ListPosition {
  /** Second from which the filter asks; `null` for the start of the list. */
  readonly at: string | null
  /** Second of the last row that was read. */
  readonly reached: string | null
  /** Keys of the last rows that were read. */
  readonly recent: readonly string[]
}

const startOfList: ListPosition = { skip: 0, passed: 0, link: null }

export const startCursor: Cursor = { at: null, ...startOfList, reached: null, recent: [] }

/** Page and the cursor after it. */
export interface CursorPage {
  readonly page: Page
  readonly cursor: Cursor
}

/** Empty answers that are doubted, before the filter is taken to be broken. */
const doubtsMax = 3

/**
 * Yields the pages of a sorted list that have new rows; rows may come twice.
 *
 * With a filter that works, the list is asked for anew from the second of the last row on, as soon as
 * that has moved. Rows that come and go before it then cannot matter. Offsets serve only within a
 * second that has more rows than a page.
 *
 * @throws CosellError `sourceBroken` when the server ignores the query, or cannot be paged
 */
export async function* pageByKeyset(
  api: ReferralsApi,
  capabilities: Capabilities,
  list: SortedList,
  start: Cursor = startCursor,
): AsyncGenerator<CursorPage> {
  const { property, literal } = list
  const seen = createSeenRows(list, start.reached, start.recent)
  let cursor = start
  /** Whether the filter has found a row yet. */
  let hasFound = false
  let doubts = 0
  for (;;) {
    const { at } = cursor
    let [hasMoved, rows] = [false, 0]
    const pages = pageThrough(fetchFrom(api, list, at), seen, capabilities, api.pageSize, cursor)
    for await (const { page, newRows, ...position } of pages) {
      rows += page.referrals.length
      const last = secondsOf(page, property).at(-1) ?? null
      hasMoved = literal !== null && last !== null && (at === null || last > at)
      cursor = { ...position, at, reached: seen.reached(), recent: seen.recent() }
      if (hasMoved && last !== null) {
        cursor = { ...cursor, ...startOfList, at: last, passed: seen.countSeenAt(page, last) }
        hasFound = true
      }
      if (newRows > 0) yield { page, cursor }
      if (hasMoved) break
    }
    if (hasMoved) continue
    if (rows > 0 || at === null || !hasFound) return
    // No row where one was: it may have vanished, or the filter finds nothing any more.
    const newest = await newestSecond(api, property)
    if (newest === null || newest < at) return
    doubts += 1
    if (doubts > doubtsMax) throw filterIgnored(property, 'no rows at all')
  }
}

/** Latest second of any row; `null` in an empty account. */
async function newestSecond(
  api: ReferralsApi,
  property: SortOrder['property'],
): Promise<string | null> {
  const page = await api.getPage({ orderBy: `${property} desc`, top: 1 })
  return secondsOf(page, property)[0] ?? null
}

/** Returns a function that fetches pages from a second on and verifies filter and order. */
function fetchFrom(api: ReferralsApi, list: SortedList, at: string | null): FetchPage {
  const { property, direction, literal } = list
  const orderBy = `${property} ${direction}` as PageQuery['orderBy']
  const filter = literal !== null && at !== null ? filterSince(property, at, literal) : null
  return async (place) => {
    const query = 'nextLink' in place ? place : { orderBy, ...place, ...(filter && { filter }) }
    const page = await api.getPage(query).catch((error: unknown) => {
      const isRejected = error instanceof CosellError && error.code === 'api.status_400'
      if (!isRejected || 'nextLink' in place) throw error
      if (place.skip > 0 || place.top !== undefined) return null
      throw filter === null ? error : filterIgnored(property, 'status 400')
    })
    if (page !== null) verify(page, list, filter === null ? null : at)
    return page
  }
}

function verify(page: Page, { property, direction }: SortOrder, at: string | null): void {
  const seconds = secondsOf(page, property)
  if (at !== null && seconds.some((second) => second < at))
    throw filterIgnored(property, 'rows that it excludes')
  const isOrdered = seconds.every((second, index) => {
    const before = seconds[index - 1]
    return before === undefined || !isBefore(second, before, direction)
  })
  if (!isOrdered) throw orderIgnored(`${property} ${direction}`)
}
