import { CosellError } from '../../errors.ts'
import type { Capabilities, DateLiteral } from '../api/capabilities.ts'
import type { PageQuery } from '../api/page.ts'
import type { Page, ReferralsApi } from '../api/referrals-api.ts'
import { secondsOf, since } from '../api/timestamps.ts'
import type { Ask } from './page-by-offset.ts'
import { list } from './page-list.ts'
import { filterIgnored, orderIgnored } from './paging-errors.ts'
import { createTrail, isBefore, type Order } from './seen-rows.ts'

/** An order of the list, and how far `$filter` helps to go through it. */
export interface Course extends Order {
  /** The form in which the filter works; null to go by offsets and links alone. */
  readonly literal: DateLiteral | null
}

/** Where a walk stands: plain data, so that another process can go on from it. */
export interface Position {
  /** Second from which the filter asks; null for the beginning. */
  readonly at: string | null
  readonly skip: number
  readonly passed: number
  readonly link: string | null
  /** Second of the last row that was read, and the names of the last rows. */
  readonly reached: string | null
  readonly recent: readonly string[]
}

export const beginning: Position = {
  at: null,
  skip: 0,
  passed: 0,
  link: null,
  reached: null,
  recent: [],
}

export interface Step {
  readonly page: Page
  readonly position: Position
}

/**
 * Yields the pages of an order that bring something new; rows may come twice. With a filter that
 * works, the list is asked for anew from the second of the last row on, as soon as that has moved:
 * what comes and goes before it cannot matter, and offsets serve only inside a second that has more
 * rows than a page.
 *
 * @throws CosellError `sourceBroken` when the server ignores what it was asked, or cannot be paged
 */
export async function* walk(
  api: ReferralsApi,
  capabilities: Capabilities,
  course: Course,
  start: Position = beginning,
): AsyncGenerator<Step> {
  const { property, literal } = course
  const trail = createTrail(course, start.reached, start.recent)
  let position = start
  /** Whether the filter has found anything yet. */
  let hasFound = false
  let doubts = 0
  for (;;) {
    const { at } = position
    let [hasMoved, rows] = [false, 0]
    const ask = askFrom(api, course, at)
    for await (const { page, news, ...place } of list(ask, trail, capabilities, api, position)) {
      rows += page.referrals.length
      const last = secondsOf(page, property).at(-1) ?? null
      hasMoved = literal !== null && last !== null && (at === null || last > at)
      position = { ...place, at, reached: trail.reached(), recent: trail.recent() }
      if (hasMoved && last !== null) {
        position = { ...position, at: last, ...nowhere, passed: trail.known(page, last) }
        hasFound = true
      }
      if (news > 0) yield { page, position }
      if (hasMoved) break
    }
    if (hasMoved) continue
    if (rows > 0 || at === null || !hasFound) return
    // Nothing, where a row was: it may have gone, or the filter finds nothing at all any more.
    const newest = await newestOf(api, property)
    if (newest === null || newest < at) return
    doubts += 1
    if (doubts > doubtsMax) throw filterIgnored(property, 'no rows at all')
  }
}

/** The latest second that any row bears; `null` in an empty account. */
async function newestOf(api: ReferralsApi, property: Order['property']): Promise<string | null> {
  const page = await api.getPage({ orderBy: `${property} desc`, top: 1 })
  return secondsOf(page, property)[0] ?? null
}

const nowhere = { skip: 0, passed: 0, link: null }
const doubtsMax = 3

/** Asks from a second on, and checks that the answer is what was asked for. */
function askFrom(api: ReferralsApi, course: Course, at: string | null): Ask {
  const { property, direction, literal } = course
  const orderBy = `${property} ${direction}` as PageQuery['orderBy']
  const filter = literal !== null && at !== null ? since(property, at, literal) : null
  return async (place) => {
    const query = 'nextLink' in place ? place : { orderBy, ...place, ...(filter && { filter }) }
    const page = await api.getPage(query).catch((error: unknown) => {
      const isRefused = error instanceof CosellError && error.code === 'api.status_400'
      if (!isRefused || 'nextLink' in place) throw error
      if (place.skip > 0 || place.top !== undefined) return null
      throw filter === null ? error : filterIgnored(property, 'status 400')
    })
    if (page !== null) check(page, course, filter === null ? null : at)
    return page
  }
}

function check(page: Page, { property, direction }: Course, at: string | null): void {
  const seconds = secondsOf(page, property)
  if (at !== null && seconds.some((second) => second < at))
    throw filterIgnored(property, 'rows that it excludes')
  const isOrdered = seconds.every((second, index) => {
    const before = seconds[index - 1]
    return before === undefined || !isBefore(second, before, direction)
  })
  if (!isOrdered) throw orderIgnored(`${property} ${direction}`)
}
