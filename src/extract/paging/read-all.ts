import type { Capabilities } from '../api/capabilities.ts'
import type { Page } from '../api/page.ts'
import type { ReferralsApi } from '../api/referrals-api.ts'
import { minutesBefore, secondsOf, textOf, toSecond } from '../api/timestamps.ts'
import { pageByKeyset } from './keyset.ts'
import { rowsMissing } from './paging-errors.ts'
import { readChangedSince } from './read-changed.ts'

/** Passes over a list that is read by links alone, before missing rows end the run. */
const passesMax = 3
/** Most minutes by which the clocks behind the API differ. */
const skewMinutes = 5

/**
 * Yields every page of the account: oldest referral first, an order in which rows do not move; then
 * the rows updated since the first page. Rows may come twice.
 *
 * @throws CosellError `sourceBroken` when the server ignores the query, or rows are missing
 */
export async function* readAll(
  api: ReferralsApi,
  capabilities: Capabilities,
): AsyncGenerator<Page> {
  const { createdFilter: literal, skip, nextLink } = capabilities
  const list = { property: 'createdDateTime', direction: 'asc', literal } as const
  const ids = new Set<string>()
  let startedAt: string | null = null
  // Overlapping offsets prove that no row was left out, and links do not. Without either, a filter
  // shows no more of a second than a page holds.
  let isUnproven = !skip && (literal === null || !nextLink)
  for (let pass = 1; ; pass += 1) {
    let count: number | null = null
    let isBeyondStart = false
    for await (const { page, cursor } of pageByKeyset(api, capabilities, list)) {
      startedAt ??= page.fetchedAt
      isUnproven ||= literal === null && cursor.link !== null
      count = page.count
      // 100 MB for a million rows: only where the ids may be needed.
      if (isUnproven || literal === null)
        for (const referral of page.referrals) ids.add(textOf(referral, 'id'))
      yield page
      // Rows created since the start are read at the end: a list may grow as fast as it is read.
      const [oldest = ''] = secondsOf(page, 'createdDateTime')
      isBeyondStart = oldest > startedAt && oldest <= page.fetchedAt
      if (isBeyondStart) break
    }
    if (startedAt === null) return
    if (!isUnproven) break
    const counted = capabilities.count === 'total' && !isBeyondStart ? count : null
    const missing = await describeMissing(api, ids, counted, startedAt)
    if (missing === null) break
    if (pass === passesMax) throw rowsMissing(missing)
  }
  yield* readChangedSince(api, `${minutesBefore(startedAt, skewMinutes)}Z`, capabilities)
}

/** Says what shows that rows are missing; `null` when nothing does. */
async function describeMissing(
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
      // Created during the read: the closing read of updates finds it.
      (toSecond(textOf(referral, 'createdDateTime')) ?? '') >=
        minutesBefore(startedAt, skewMinutes),
  )
  return isKnown || newest === undefined ? null : 'a list that lacks its newest rows'
}
