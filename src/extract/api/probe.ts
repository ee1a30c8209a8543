import { CosellError } from '../../errors.ts'
import type { Capabilities, DateLiteral } from './capabilities.ts'
import type { Page, PageQuery } from './page.ts'
import type { ReferralsApi } from './referrals-api.ts'
import { filterByStatus, hasStatus, statusOf } from './registration-status.ts'
import { filterSince, secondsOf, type TimeProperty, textOf, toSecond } from './timestamps.ts'

/** Capabilities of a source without rows: nothing can be probed there. */
const nothingKnown: Capabilities = {
  createdFilter: null,
  updatedFilter: null,
  statusFilter: false,
  nextLink: false,
  skip: false,
  pageCap: null,
  count: 'unknown',
}

/**
 * Finds out with at most fourteen requests what the API of an account can do. A 400 is an answer: that
 * query is not accepted. Nothing can be known of a source without rows. A filter counts only when it
 * is obeyed: a silent server would answer it with every row, or never with any.
 */
export async function probe(api: ReferralsApi): Promise<Capabilities> {
  const orderBy = 'createdDateTime asc'
  // Twice the page size, so that a cap at it can be seen.
  const query = { orderBy, top: api.pageSize * 2 } as const
  const wide = (await tryPage(api, query)) ?? (await api.getPage({ orderBy }))
  if (wide.referrals.length === 0) return nothingKnown
  const offset = await probeOffset(api, wide)
  const hasMore = wide.nextLink !== null || (offset.works && offset.page?.referrals.length === 1)
  const single = wide.nextLink === null ? await tryPage(api, { orderBy, top: 1 }) : null
  return {
    createdFilter: await probeFilter(api, 'createdDateTime', wide),
    updatedFilter: await probeFilter(api, 'updatedDateTime', wide),
    statusFilter: await probeStatusFilter(api, wide),
    nextLink: [wide, offset.page, single].some((page) => page !== null && page.nextLink !== null),
    skip: offset.works,
    pageCap: hasMore && wide.referrals.length < query.top ? wide.referrals.length : null,
    count: meaningOfCount([wide, single, offset.works ? offset.page : null], hasMore),
  }
}

/** Asks for the row after the page: where `$skip` is obeyed it is another one, or there is none. */
async function probeOffset(api: ReferralsApi, wide: Page) {
  const { length } = wide.referrals
  const page = await tryPage(api, { orderBy: 'createdDateTime asc', skip: length, top: 1 })
  const ids = new Set(wide.referrals.map((referral) => textOf(referral, 'id')))
  const rows = page?.referrals ?? []
  const isObeyed = rows.every((referral) => !ids.has(textOf(referral, 'id')))
  return { page, works: page !== null && isObeyed }
}

async function probeFilter(
  api: ReferralsApi,
  property: TimeProperty,
  wide: Page,
): Promise<DateLiteral | null> {
  const known = latestOf(wide, property)
  if (known === null) return null
  const orderBy = `${property} asc` as const
  for (const literal of ['bare', 'quoted'] as const) {
    const impossible = filterSince(property, '9999-01-01T00:00:00', literal)
    const none = await tryPage(api, { orderBy, filter: impossible, top: 1 })
    if (none === null || none.referrals.length > 0) continue
    const filter = filterSince(property, known.second, literal)
    const found = await tryPage(api, { orderBy, filter })
    if (found !== null && isObeyed(found, property, known)) return literal
  }
  return null
}

/**
 * Whether a filter on the status is obeyed: asked for a status that a row has, it finds rows, and of
 * that status alone; asked for another one, it finds no row of the first. A status without a meaning
 * would show less, since a server may reject it and obey the others.
 */
async function probeStatusFilter(api: ReferralsApi, wide: Page): Promise<boolean> {
  const statuses = wide.referrals.map(statusOf).filter((status) => status !== '')
  const known = statuses.find((status) => status !== 'None') ?? statuses[0]
  if (known === undefined) return false
  const orderBy = 'createdDateTime asc'
  const other = known === 'ReviewPending' ? 'ActionRequired' : 'ReviewPending'
  const found = await tryPage(api, { orderBy, filter: filterByStatus(known) })
  if (found === null || found.referrals.length === 0) return false
  if (!found.referrals.every((referral) => hasStatus(referral, known))) return false
  const others = await tryPage(api, { orderBy, filter: filterByStatus(other), top: 1 })
  return others?.referrals.every((referral) => hasStatus(referral, other)) ?? false
}

interface LatestRow {
  readonly id: string
  readonly second: string
}

/** Row with the latest time of a page: a filter from there on leaves out the most. */
function latestOf(page: Page, property: TimeProperty): LatestRow | null {
  const rows = page.referrals.flatMap((referral) => {
    const second = toSecond(textOf(referral, property))
    return second === null ? [] : [{ id: textOf(referral, 'id'), second }]
  })
  return rows.reduce<LatestRow | null>(
    (latest, row) => (latest === null || row.second > latest.second ? row : latest),
    null,
  )
}

/** Whether a filtered page has no older row, and the row itself unless its second fills the page. */
function isObeyed(page: Page, property: TimeProperty, known: LatestRow): boolean {
  const seconds = secondsOf(page, property)
  const hasIt = page.referrals.some((referral) => textOf(referral, 'id') === known.id)
  const isTie = seconds.length > 1 && seconds.every((second) => second === known.second)
  return seconds.every((second) => second >= known.second) && (hasIt || isTie)
}

function meaningOfCount(pages: readonly (Page | null)[], hasMore: boolean): Capabilities['count'] {
  const known = pages.filter((page) => page !== null)
  if (known.some((page) => page.count === null)) return 'unknown'
  const lengths = new Set(known.map((page) => page.referrals.length))
  const counts = new Set(known.map((page) => page.count))
  const isPartial = hasMore || lengths.size > 1
  if (!isPartial) return 'unknown'
  if (known.every((page) => page.count === page.referrals.length)) return 'page'
  const isSameTotal =
    counts.size === 1 && known.every((page) => (page.count ?? 0) >= page.referrals.length)
  return isSameTotal ? 'total' : 'unknown'
}

/** Returns a page, or `null` when the server rejects the query. */
async function tryPage(api: ReferralsApi, query: PageQuery): Promise<Page | null> {
  try {
    return await api.getPage(query)
  } catch (error) {
    if (error instanceof CosellError && error.code === 'api.status_400') return null
    throw error
  }
}
