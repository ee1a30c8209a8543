import { CosellError } from '../../errors.ts'
import type { Capabilities, DateLiteral } from './capabilities.ts'
import type { Page, PageQuery, ReferralsApi } from './referrals-api.ts'
import { secondOf, secondsOf, since, type TimeProperty, textOf } from './timestamps.ts'

/** What is known of a source without rows, and what every answer has to add to. */
const nothingKnown: Capabilities = {
  createdFilter: null,
  updatedFilter: null,
  nextLink: false,
  skip: false,
  pageCap: null,
  count: 'unknown',
}

/**
 * Finds out with at most twelve requests what the API of an account does. Being refused (400) is an
 * answer; of a source without rows nothing can be known. A filter counts only when it is honoured: a
 * silent server would answer it with everything, or with nothing for ever.
 */
export async function probe(api: ReferralsApi): Promise<Capabilities> {
  const orderBy = 'createdDateTime asc'
  // Twice the page size, so that a cap at it can be seen.
  const asked = { orderBy, top: api.pageSize * 2 } as const
  const wide = (await attempt(api, asked)) ?? (await api.getPage({ orderBy }))
  if (wide.referrals.length === 0) return nothingKnown
  const offset = await probeOffset(api, wide)
  const hasMore = wide.nextLink !== null || (offset.works && offset.page?.referrals.length === 1)
  const single = wide.nextLink === null ? await attempt(api, { orderBy, top: 1 }) : null
  return {
    createdFilter: await probeFilter(api, 'createdDateTime', wide),
    updatedFilter: await probeFilter(api, 'updatedDateTime', wide),
    nextLink: [wide, offset.page, single].some((page) => page !== null && page.nextLink !== null),
    skip: offset.works,
    pageCap: hasMore && wide.referrals.length < asked.top ? wide.referrals.length : null,
    count: meaningOfCount([wide, single, offset.works ? offset.page : null], hasMore),
  }
}

/** Asks for the row after the page: another one, or none, where `$skip` is honoured. */
async function probeOffset(api: ReferralsApi, wide: Page) {
  const { length } = wide.referrals
  const page = await attempt(api, { orderBy: 'createdDateTime asc', skip: length, top: 1 })
  const ids = new Set(wide.referrals.map((referral) => textOf(referral, 'id')))
  const rows = page?.referrals ?? []
  const isHonoured = rows.every((referral) => !ids.has(textOf(referral, 'id')))
  return { page, works: page !== null && isHonoured }
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
    const impossible = since(property, '9999-01-01T00:00:00', literal)
    const none = await attempt(api, { orderBy, filter: impossible, top: 1 })
    if (none === null || none.referrals.length > 0) continue
    const filter = since(property, known.second, literal)
    const found = await attempt(api, { orderBy, filter })
    if (found !== null && isHonoured(found, property, known)) return literal
  }
  return null
}

interface Known {
  readonly id: string
  readonly second: string
}

/** The row with the latest time: a filter from there on leaves the most out. */
function latestOf(page: Page, property: TimeProperty): Known | null {
  const known = page.referrals.flatMap((referral) => {
    const second = secondOf(textOf(referral, property))
    return second === null ? [] : [{ id: textOf(referral, 'id'), second }]
  })
  return known.reduce<Known | null>(
    (latest, row) => (latest === null || row.second > latest.second ? row : latest),
    null,
  )
}

/** Nothing older, and the row itself unless rows of the same second fill the page. */
function isHonoured(page: Page, property: TimeProperty, known: Known): boolean {
  const seconds = secondsOf(page, property)
  const hasIt = page.referrals.some((referral) => textOf(referral, 'id') === known.id)
  const isTie = seconds.length > 1 && seconds.every((second) => second === known.second)
  return seconds.every((second) => second >= known.second) && (hasIt || isTie)
}

function meaningOfCount(pages: readonly (Page | null)[], hasMore: boolean): Capabilities['count'] {
  const counted = pages.filter((page) => page !== null)
  if (counted.some((page) => page.count === null)) return 'unknown'
  const lengths = new Set(counted.map((page) => page.referrals.length))
  const counts = new Set(counted.map((page) => page.count))
  const isPartial = hasMore || lengths.size > 1
  if (!isPartial) return 'unknown'
  if (counted.every((page) => page.count === page.referrals.length)) return 'page'
  const isOne =
    counts.size === 1 && counted.every((page) => (page.count ?? 0) >= page.referrals.length)
  return isOne ? 'total' : 'unknown'
}

/** `null` when the server refuses the question. */
async function attempt(api: ReferralsApi, query: PageQuery): Promise<Page | null> {
  try {
    return await api.getPage(query)
  } catch (error) {
    if (error instanceof CosellError && error.code === 'api.status_400') return null
    throw error
  }
}
