import type { NextLink, Page } from '../api/page.ts'
import { endless } from './paging-errors.ts'
import type { Trail } from './seen-rows.ts'

/** Asks one query for its rows from an offset or at a link; `null` when the offset is refused. */
export type Ask = (place: { skip: number; top?: number } | NextLink) => Promise<Page | null>

/** A page of one query, and where its list goes on. */
export interface Listed {
  readonly page: Page
  /** Rows of it that were not read before. */
  readonly news: number
  readonly skip: number
  readonly passed: number
  readonly link: string | null
}

export interface Offset {
  readonly skip: number
  /** Rows up to which the list is known; more than `skip`, so that pages overlap. */
  readonly passed: number
}

export interface Habits {
  readonly pageSize: number
  /** Whether pages that are not the last link to the next. */
  readonly links: boolean
  /** Pages in a row that neither bring anything nor can be the end, before offsets are given up. */
  readonly strikesMax: number
}

/** How it ended: at the end of the list, or where offsets lead nowhere and a link may. */
export type OffsetsEnd =
  | { readonly isEnd: true }
  | {
      readonly isEnd: false
      readonly refusedSkip: number | null
      readonly passed: number
      readonly hadNews: boolean
      /** Beside the last page that brought something. */
      readonly link: string | null
    }

/** Share of a page that is asked for again: more rows than that seldom vanish during one request. */
const overlapShare = 0.05
/** Requests in a row that bring nothing; 9,500 rows may vanish at once before it is reached. */
export const quietMax = 100

/**
 * Pages by `$skip`, each overlapping the one before. Rows that vanish move all later ones up; then a
 * page does not join what was read, and it is asked for further back, in steps that double. The end
 * is believed when two answers in a row hold nothing but the overlap.
 */
export async function* byOffsets(
  ask: Ask,
  trail: Trail,
  { pageSize, links, strikesMax }: Habits,
  start: Offset,
): AsyncGenerator<Listed, OffsetsEnd> {
  let { skip, passed } = start
  let link: string | null = null
  let hadNews = false
  let stepBack = 0
  /** An offset that holds rows not read yet; seen while going back. */
  let newsAt: number | null = null
  let [quiet, strikes, signs] = [0, 0, 0]
  for (;;) {
    const page = await ask({ skip })
    if (page === null) return { isEnd: false, refusedSkip: skip, passed, hadNews, link }
    const rows = page.referrals.length
    quiet += 1
    if (quiet > quietMax) throw endless(`${quietMax} answers in a row without a new row`)
    const isOverlapping = skip > 0 && skip < passed
    // Where nobody knows yet whether offsets work, nothing is what is hoped for.
    const isHopedFor = strikesMax === 1 && rows === 0
    if (isOverlapping && !isHopedFor && !trail.joins(page)) {
      if (rows > 0) newsAt = Math.min(newsAt ?? skip, skip)
      stepBack = Math.max(overlapOf(pageSize), stepBack * 2)
      skip = Math.max(0, skip - stepBack)
      continue
    }
    stepBack = 0
    const news = trail.take(page)
    const isBehind = newsAt !== null && skip + rows <= newsAt
    if (news > 0) {
      ;[quiet, strikes, signs] = [0, 0, 0]
      link = page.nextLink
      hadNews = true
    }
    // Beyond a page that was gone back to, there is news: it is neither a circle nor the end.
    const isOld = news === 0 && newsAt === null
    const isStrike = isOld && rows > Math.max(0, passed - skip)
    if (isStrike) strikes += 1
    else if (isOld) signs += 1
    if (!isBehind) newsAt = null
    passed = skip + rows
    skip = passed - overlapOf(rows)
    if (isStrike && strikes > 1) {
      // New rows at the head push those read on and on: leap ahead of them, as far as pages join.
      skip += rows * 2 ** (strikes - 2)
      passed = skip + 1
    }
    yield { page, news, skip, passed, link: null }
    if (strikes === strikesMax) return { isEnd: false, refusedSkip: null, passed, hadNews, link }
    if (signs === 2 || (signs === 1 && strikesMax === 1)) return { isEnd: true }
    if (signs === 1 && links && isLast(page, pageSize)) return { isEnd: true }
  }
}

/** On a server that links its pages: a page without link, not cut by `$top`, and not just empty. */
export function isLast(page: Page, pageSize: number): boolean {
  const rows = page.referrals.length
  return page.nextLink === null && rows > 0 && rows < pageSize
}

/** How many rows of a page to ask for again. */
export function overlapOf(rows: number): number {
  return rows <= 1 ? 0 : Math.max(1, Math.floor(rows * overlapShare))
}
