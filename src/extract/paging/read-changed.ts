import { CosellError } from '../../errors.ts'
import type { Capabilities, DateLiteral } from '../api/capabilities.ts'
import type { Page, ReferralsApi } from '../api/referrals-api.ts'
import { minutesBefore, secondOf, secondsOf } from '../api/timestamps.ts'
import { beginning, type Course, type Position, type Step, walk } from './keyset.ts'
import { nameOf } from './seen-rows.ts'

/** Rounds after a list that does not come to rest; the next run's overlap does the others. */
const roundsMax = 5
/** Updates become visible a little after the time they bear. */
const momentMinutes = 1
/** Ahead of the server's clock by more than this is no update of now. */
const futureMinutes = 5

/**
 * Yields the pages that hold what was updated at or after `since`, and what is updated while they are
 * read until a bounded number of rounds finds nothing new. Rows may come twice. Where the filter on
 * `updatedDateTime` works: oldest first; otherwise newest first.
 *
 * @throws CosellError `sourceBroken` when the server ignores what it was asked, or cannot be paged
 */
export function readChangedSince(
  api: ReferralsApi,
  since: string,
  capabilities: Capabilities,
): AsyncGenerator<Page> {
  const from = secondOf(since)
  if (from === null)
    throw new CosellError('bug', 'paging.since', `since: expected an ISO instant, got "${since}".`)
  const { updatedFilter } = capabilities
  return updatedFilter === null
    ? newestFirst(api, from, capabilities)
    : oldestFirst(api, from, capabilities, updatedFilter)
}

/** A row that is updated moves to the end, which is still to come: nothing can get out of sight. */
async function* oldestFirst(
  api: ReferralsApi,
  from: string,
  capabilities: Capabilities,
  literal: DateLiteral,
): AsyncGenerator<Page> {
  const course = { property: 'updatedDateTime', direction: 'asc', literal } as const
  const start = { ...beginning, at: from }
  for await (const { page } of upToPresent(api, capabilities, course, start)) yield page
}

/**
 * A walk by ascending `updatedDateTime` that ends though updates go on: at a page that is shorter
 * than others and holds nothing but updates of this moment, which is the whole end of the list as it
 * was when asked for; or after some rounds, each of which brings what was updated during the one
 * before. What is dated in the future comes last.
 */
export async function* upToPresent(
  api: ReferralsApi,
  capabilities: Capabilities,
  course: Course,
  start: Position,
): AsyncGenerator<Step> {
  const known = new Set<string>()
  let longest = 0
  let rounds = 0
  /** Server time that ends a round: of the first page, then of the page that reached the last one. */
  let mark: string | null = null
  let before: string | null = null
  for await (const step of walk(api, capabilities, course, start)) {
    yield step
    const { referrals, fetchedAt } = step.page
    const news = referrals.filter((referral) => !known.has(nameOf(referral, course.property)))
    for (const referral of news) known.add(nameOf(referral, course.property))
    const [oldest = ''] = secondsOf({ ...step.page, referrals: news }, course.property)
    const isOfNow = before !== null && oldest >= minutesBefore(before, momentMinutes)
    const last = secondsOf(step.page, course.property).at(-1) ?? ''
    if (mark === null) mark = secondOf(fetchedAt)
    else if (last >= mark && last <= fetchedAt) [rounds, mark] = [rounds + 1, secondOf(fetchedAt)]
    longest = Math.max(longest, referrals.length)
    before = fetchedAt
    if (!(isOfNow && referrals.length < longest) && rounds < roundsMax) continue
    const at = minutesBefore(fetchedAt, -futureMinutes)
    yield* walk(api, capabilities, course, { ...beginning, at })
    return
  }
}

/**
 * While the list is read, referrals that are updated move to the head and out of sight; so the head is
 * read again until it shows nothing new. Pages that hold nothing new are not yielded.
 */
async function* newestFirst(
  api: ReferralsApi,
  from: string,
  capabilities: Capabilities,
): AsyncGenerator<Page> {
  const course = { property: 'updatedDateTime', direction: 'desc', literal: null } as const
  const known = new Set<string>()
  for (let round = 1; round <= roundsMax; round += 1) {
    let pages = 0
    let hadNews = false
    for await (const { page } of walk(api, capabilities, course)) {
      pages += 1
      const versions = page.referrals.map((referral) => nameOf(referral, 'updatedDateTime'))
      const isNews = versions.some((version) => !known.has(version))
      for (const version of versions) known.add(version)
      hadNews ||= isNews
      if (isNews) yield page
      const oldest = secondsOf(page, 'updatedDateTime').at(-1)
      const isPast = oldest !== undefined && oldest < from
      const isKnown = round > 1 && !isNews && page.referrals.length > 0
      if (isPast || isKnown) break
    }
    // One page is one moment: nothing can move while it is read.
    if (!hadNews || pages <= 1) return
  }
}
