import type { NextLink, Page } from '../api/page.ts'
import { endless } from './paging-errors.ts'
import type { SeenRows } from './seen-rows.ts'

/** Fetches rows of one query from an offset or at a link; `null` when the server rejects the offset. */
export type FetchPage = (place: { skip: number; top?: number } | NextLink) => Promise<Page | null>

export interface Offset {
  readonly skip: number
  /** Rows up to which the list is known; more than `skip`, so that pages overlap. */
  readonly passed: number
}

/** Position in the list of one query: an offset, or a link where offsets do not work. */
export interface ListPosition extends Offset {
  readonly link: string | null
}

/** Page of one query, and the position after it. */
export interface ListedPage extends ListPosition {
  readonly page: Page
  /** Number of its rows that were not seen before. */
  readonly newRows: number
}

export interface OffsetOptions {
  readonly pageSize: number
  /** Whether every page but the last has a next link. */
  readonly hasLinks: boolean
  /** Whether it is unknown that offsets work: the first page without a new row then decides. */
  readonly isTrial: boolean
}

/** Outcome: the end of the list, or a place where offsets lead no further and a link may. */
export type OffsetEnd =
  | { readonly isEnd: true }
  | {
      readonly isEnd: false
      readonly rejectedSkip: number | null
      readonly passed: number
      readonly hadNewRows: boolean
      /** Next link of the last page with a new row. */
      readonly link: string | null
    }

/** Share of a page that is asked for again. More rows than that seldom vanish during one request. */
const overlapShare = 0.05
/** Pages in a row without a new row; 9,500 rows may vanish at once before this is reached. */
export const pagesWithoutNewRowsMax = 100
/** Stale pages in a row before offsets are given up; from the second on each skips further ahead. */
const skipAheadMax = 6

/**
 * Yields pages by `$skip`, each overlapping the one before.
 *
 * Rows that vanish move all later rows up. A page then does not overlap the seen rows, and is asked
 * for further back, in steps that double. Two pages in a row that hold only the overlap mean the end.
 */
export async function* pageByOffset(
  fetchPage: FetchPage,
  seen: SeenRows,
  options: OffsetOptions,
  start: Offset,
): AsyncGenerator<ListedPage, OffsetEnd> {
  const stalePagesMax = options.isTrial ? 1 : skipAheadMax
  let { skip, passed } = start
  let link: string | null = null
  let hadNewRows = false
  let stepBack = 0
  /** Offset of rows that were found while stepping back, and are still to be read. */
  let unreadAt: number | null = null
  let [pagesWithoutNewRows, stalePages, endSigns] = [0, 0, 0]
  for (;;) {
    const page = await fetchPage({ skip })
    if (page === null) return { isEnd: false, rejectedSkip: skip, passed, hadNewRows, link }
    const rows = page.referrals.length
    pagesWithoutNewRows += 1
    if (pagesWithoutNewRows > pagesWithoutNewRowsMax)
      throw endless(`${pagesWithoutNewRowsMax} answers in a row without a new row`)
    if (leavesGap(page, { skip, passed }, seen, options)) {
      if (rows > 0) unreadAt = Math.min(unreadAt ?? skip, skip)
      stepBack = Math.max(overlapOf(options.pageSize), stepBack * 2)
      skip = Math.max(0, skip - stepBack)
      continue
    }
    stepBack = 0
    const newRows = seen.add(page)
    if (newRows > 0) {
      ;[pagesWithoutNewRows, stalePages, endSigns] = [0, 0, 0]
      link = page.nextLink
      hadNewRows = true
    }
    // While rows further on are still to be read, a page of old rows is no circle and not the end.
    const isOld = newRows === 0 && unreadAt === null
    const isStale = isOld && rows > Math.max(0, passed - skip)
    if (isStale) stalePages += 1
    else if (isOld) endSigns += 1
    const pageEnd = skip + rows
    if (unreadAt !== null && pageEnd > unreadAt) unreadAt = null
    ;({ skip, passed } = offsetAfter(pageEnd, rows, isStale ? stalePages : 0))
    yield { page, newRows, skip, passed, link: null }
    if (stalePages === stalePagesMax)
      return { isEnd: false, rejectedSkip: null, passed, hadNewRows, link }
    if (endSigns >= endSignsNeeded(page, options)) return { isEnd: true }
  }
}

/** Whether rows may lie between the seen ones and a page that should overlap them. */
function leavesGap(
  page: Page,
  { skip, passed }: Offset,
  seen: SeenRows,
  { isTrial }: OffsetOptions,
): boolean {
  const shouldOverlap = skip > 0 && skip < passed
  // An empty page is the answer that a trial hopes for.
  const endsTrial = isTrial && page.referrals.length === 0
  return shouldOverlap && !endsTrial && !seen.overlaps(page)
}

/** Returns the next offset, which overlaps the page, or skips ahead after several stale pages. */
function offsetAfter(pageEnd: number, rows: number, stalePages: number): Offset {
  const skip = pageEnd - overlapOf(rows)
  if (stalePages < 2) return { skip, passed: pageEnd }
  // New rows at the head push the seen ones on and on: skip ahead of them, as far as pages overlap.
  const ahead = skip + rows * 2 ** (stalePages - 2)
  return { skip: ahead, passed: ahead + 1 }
}

function endSignsNeeded(page: Page, { pageSize, hasLinks, isTrial }: OffsetOptions): 1 | 2 {
  return isTrial || (hasLinks && isLast(page, pageSize)) ? 1 : 2
}

/** Whether a page is the last on a server that links its pages: no link, rows, and not cut by `$top`. */
export function isLast(page: Page, pageSize: number): boolean {
  const rows = page.referrals.length
  return page.nextLink === null && rows > 0 && rows < pageSize
}

/** Number of rows of a page to ask for again. */
export function overlapOf(rows: number): number {
  return rows <= 1 ? 0 : Math.max(1, Math.floor(rows * overlapShare))
}
