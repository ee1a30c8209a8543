import type { Capabilities } from '../api/capabilities.ts'
import type { Page, ReferralsApi } from '../api/referrals-api.ts'
import { minutesBefore, secondOf, secondsOf, textOf } from '../api/timestamps.ts'
import { walk } from './keyset.ts'
import { rowsMissing } from './paging-errors.ts'
import { readChangedSince } from './read-changed.ts'

/** How often a list that is followed by links alone is read before missing rows end the run. */
const walksMax = 3
/** What the clocks behind the API may differ by. */
const skewMinutes = 5

/**
 * Yields every page of the account, oldest referral first, an order that rows do not move in; then
 * what was updated since the first page. Rows may come twice.
 *
 * @throws CosellError `sourceBroken` when the server ignores what it was asked, or rows are missing
 */
export async function* readAll(
  api: ReferralsApi,
  capabilities: Capabilities,
): AsyncGenerator<Page> {
  const { createdFilter: literal, skip, nextLink } = capabilities
  const course = { property: 'createdDateTime', direction: 'asc', literal } as const
  const ids = new Set<string>()
  let startedAt: string | null = null
  // Offsets that overlap prove themselves. A link has to be believed, and where there is neither, a
  // filter shows no more of a second than a page holds.
  let isBelieved = !skip && (literal === null || !nextLink)
  for (let walks = 1; ; walks += 1) {
    let count: number | null = null
    let hasOutgrown = false
    for await (const { page, position } of walk(api, capabilities, course)) {
      startedAt ??= page.fetchedAt
      isBelieved ||= literal === null && position.link !== null
      count = page.count
      // 100 MB for a million rows: only where they may be asked for.
      if (isBelieved || literal === null)
        for (const referral of page.referrals) ids.add(textOf(referral, 'id'))
      yield page
      // What was created since then is for the closing full read: a list may grow as fast as it is read.
      const [oldest = ''] = secondsOf(page, 'createdDateTime')
      hasOutgrown = oldest > startedAt && oldest <= page.fetchedAt
      if (hasOutgrown) break
    }
    if (startedAt === null) return
    if (!isBelieved) break
    const counted = capabilities.count === 'total' && !hasOutgrown ? count : null
    const missing = await whatIsMissing(api, ids, counted, startedAt)
    if (missing === null) break
    if (walks === walksMax) throw rowsMissing(missing)
  }
  yield* readChangedSince(api, `${minutesBefore(startedAt, skewMinutes)}Z`, capabilities)
}

/** Says what shows that rows are missing; `null` when nothing does. */
async function whatIsMissing(
  api: ReferralsApi,
  ids: ReadonlySet<string>,
  count: number | null,
  startedAt: string,
): Promise<string | null> {
  if (count !== null && count > ids.size) return `${ids.size} where @odata.count says ${count}`
  const page = await api.getPage({ orderBy: 'createdDateTime desc' })
  const [newest] = secondsOf(page, 'createdDateTime')
  const isKnown = page.referrals.every(
    (referral) =>
      ids.has(textOf(referral, 'id')) ||
      // Created while the list was read: the full read brings it.
      (secondOf(textOf(referral, 'createdDateTime')) ?? '') >=
        minutesBefore(startedAt, skewMinutes),
  )
  return isKnown || newest === undefined ? null : `a list that lacks its newest rows`
}
