import type { Page } from '../api/page.ts'
import { secondsOf, type TimeProperty, textOf, toSecond } from '../api/timestamps.ts'

export interface SortOrder {
  readonly property: TimeProperty
  readonly direction: 'asc' | 'desc'
}

/** Rows that a read has seen, as far as it has to recognize them. */
export interface SeenRows {
  /** Adds the rows of a page; returns how many of them are new. */
  add(page: Page): number
  /**
   * Whether no row can lie between the seen rows and this page: it begins with a seen row, or with
   * one strictly before the last seen one.
   */
  overlaps(page: Page): boolean
  /** Returns how many rows of the page in this second were seen. */
  countSeenAt(page: Page, second: string): number
  /** Latest second in the direction of the order; `null` at the start. */
  reached(): string | null
  /** Keys of the rows seen last. */
  recent(): readonly string[]
}

/** Keys that a cursor keeps, so that a read recognizes its last page after a restart. */
const recentMax = 20
/** Keys that are kept at all, some 5 MB: pages overlap with the last ones, not with the first. */
const keysMax = 50_000

export function createSeenRows(
  order: SortOrder,
  reachedBefore: string | null,
  recentBefore: readonly string[],
): SeenRows {
  const { property, direction } = order
  const seen = new Set<string>(recentBefore)
  let recent = [...recentBefore]
  let reached = reachedBefore
  return {
    add(page) {
      const before = seen.size
      const keys = page.referrals.map((referral) => rowKey(referral, property))
      for (const key of keys) seen.add(key)
      recent = [...recent, ...keys].slice(-recentMax)
      const newRows = seen.size - before
      for (const key of seen) {
        if (seen.size <= keysMax) break
        seen.delete(key)
      }
      const last = secondsOf(page, property).at(-1)
      if (last !== undefined && (reached === null || isBefore(reached, last, direction)))
        reached = last
      return newRows
    },
    overlaps(page) {
      for (const referral of page.referrals) {
        if (seen.has(rowKey(referral, property))) return true
        const second = toSecond(textOf(referral, property))
        // A row without a time does not show its place; the next one may.
        if (second !== null) return reached !== null && isBefore(second, reached, direction)
      }
      return false
    },
    countSeenAt: (page, second) =>
      page.referrals.filter(
        (referral) =>
          toSecond(textOf(referral, property)) === second && seen.has(rowKey(referral, property)),
      ).length,
    reached: () => reached,
    recent: () => recent,
  }
}

/** Whether one second comes before another in this direction. */
export function isBefore(one: string, other: string, direction: SortOrder['direction']): boolean {
  return direction === 'asc' ? one < other : one > other
}

/** Key of a row: its id; in an order that updates move rows in, its id and its version. */
export function rowKey(referral: unknown, property: TimeProperty): string {
  const id = textOf(referral, 'id')
  if (id === '') return JSON.stringify(referral) ?? ''
  return property === 'createdDateTime' ? id : `${id} ${textOf(referral, 'updatedDateTime')}`
}
