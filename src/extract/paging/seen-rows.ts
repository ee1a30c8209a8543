import type { Page } from '../api/page.ts'
import { secondOf, secondsOf, type TimeProperty, textOf } from '../api/timestamps.ts'

/** An order of the list. */
export interface Order {
  readonly property: TimeProperty
  readonly direction: 'asc' | 'desc'
}

/** What a walk has read. */
export interface Trail {
  /** Takes a page up; returns how many of its rows were not read before. */
  take(page: Page): number
  /**
   * Whether nothing can lie between what was read and this page: it begins with a row that was read,
   * or with one strictly before the last one read.
   */
  joins(page: Page): boolean
  /** How many rows of the page in this second were read. */
  known(page: Page, second: string): number
  /** The second that was reached. */
  reached(): string | null
  /** Names of the rows read last. */
  recent(): readonly string[]
}

/** Names that are kept to join a page after a restart. */
const recentMax = 20
/** Names that are kept at all, some 5 MB: pages overlap with the last ones, not with the first. */
const namesMax = 50_000

export function createTrail(order: Order, reachedBefore: string | null, names: readonly string[]) {
  const { property, direction } = order
  const read = new Set<string>(names)
  let recent = [...names]
  let reached = reachedBefore
  const trail: Trail = {
    take(page) {
      const before = read.size
      const namesOfPage = page.referrals.map((referral) => nameOf(referral, property))
      for (const name of namesOfPage) read.add(name)
      recent = [...recent, ...namesOfPage].slice(-recentMax)
      const news = read.size - before
      for (const name of read) {
        if (read.size <= namesMax) break
        read.delete(name)
      }
      const last = secondsOf(page, property).at(-1)
      if (last !== undefined && (reached === null || isBefore(reached, last, direction)))
        reached = last
      return news
    },
    joins(page) {
      for (const referral of page.referrals) {
        if (read.has(nameOf(referral, property))) return true
        const second = secondOf(textOf(referral, property))
        // A row without a time says nothing about where it stands; the next one may.
        if (second !== null) return reached !== null && isBefore(second, reached, direction)
      }
      return false
    },
    known: (page, second) =>
      page.referrals.filter(
        (referral) =>
          secondOf(textOf(referral, property)) === second && read.has(nameOf(referral, property)),
      ).length,
    reached: () => reached,
    recent: () => recent,
  }
  return trail
}

/** Whether one second comes before another in this direction. */
export function isBefore(one: string, other: string, direction: Order['direction']): boolean {
  return direction === 'asc' ? one < other : one > other
}

/**
 * What tells a row from others: its id, and in an order that updates move rows in also its version.
 */
export function nameOf(referral: unknown, property: TimeProperty): string {
  const id = textOf(referral, 'id')
  if (id === '') return JSON.stringify(referral) ?? ''
  return property === 'createdDateTime' ? id : `${id} ${textOf(referral, 'updatedDateTime')}`
}
