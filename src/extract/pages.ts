import { createHash } from 'node:crypto'
import pLimit from 'p-limit'
import { CosellError } from '../errors.ts'
import type { FetchedReferral, NextLink, Page, PageQuery, ReferralsApi } from './api.ts'

/** Ten million referrals; reached only by a server that never says "end". */
const pagesMax = 100_000
/** Rounds over the head of a list that does not come to rest; the next run's overlap does the others. */
const roundsMax = 5

/**
 * Yields every page of the account, oldest referral first. Rows may come twice; the order is one
 * that rows do not move in.
 */
export function readAll(api: ReferralsApi): AsyncGenerator<Page> {
  return walk(api, 'createdDateTime asc')
}

/**
 * Yields the pages that hold what was updated at or after `since`, newest first. While they are
 * read, referrals that are updated move to the head and out of sight; so the head is read again until
 * it shows nothing new. Pages that hold nothing new are not yielded.
 */
export async function* readChangedSince(api: ReferralsApi, since: string): AsyncGenerator<Page> {
  const from = secondOf(since)
  if (from === null)
    throw new CosellError('bug', 'paging.since', `since: expected an ISO instant, got "${since}".`)
  const known = new Set<string>()
  for (let round = 1; round <= roundsMax; round += 1) {
    let pages = 0
    let hadNews = false
    for await (const page of walk(api, 'updatedDateTime desc')) {
      checkNewestFirst(page)
      pages += 1
      const versions = page.referrals.map(versionKey)
      const isNews = versions.some((version) => !known.has(version))
      for (const version of versions) known.add(version)
      hadNews ||= isNews
      if (isNews) yield page
      const oldest = seconds(page).at(-1)
      const isPast = oldest !== undefined && oldest < from
      const isKnown = round > 1 && !isNews && page.referrals.length > 0
      if (isPast || isKnown) break
    }
    // One page is one moment: nothing can move while it is read.
    if (!hadNews || pages <= 1) return
  }
}

/** Yields one answer for each id, in order, with up to `concurrency` requests under way. */
export async function* readById(
  api: ReferralsApi,
  ids: readonly string[],
  concurrency: number,
): AsyncGenerator<FetchedReferral> {
  const limit = pLimit({ concurrency, rejectOnClear: true })
  const underway: Promise<FetchedReferral>[] = []
  try {
    for (const id of ids) {
      const answer = limit(() => api.getReferral(id))
      // Its failure is thrown when its turn comes, or is of no interest after an earlier one.
      answer.catch(() => undefined)
      underway.push(answer)
      // Twice as many as may run: the reader's pauses leave no request slot idle.
      const next = underway.length >= concurrency * 2 ? underway.shift() : undefined
      if (next !== undefined) yield await next
    }
    for (let next = underway.shift(); next !== undefined; next = underway.shift()) yield await next
  } finally {
    limit.clearQueue()
    await Promise.allSettled(underway)
  }
}

/**
 * Follows next links; where there are none, goes on by `$skip`. `$top` may mean "no more than" or "so
 * many a page", and a server may give fewer than asked for. So the end of a chain of links is
 * believed only when it is longer than one page and not cut exactly at `$top`; otherwise something
 * must be asked for at the offset reached, and nothing may be there.
 */
async function* walk(api: ReferralsApi, orderBy: PageQuery['orderBy']): AsyncGenerator<Page> {
  const guard = createLoopGuard()
  let received = 0
  let skipWorks = false
  let chain = { pages: 0, rows: 0 }
  let query: PageQuery | NextLink = { orderBy }
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const isProbe = pages > 0 && chain.pages === 0
    const page: Page | null = await (isProbe ? getPageAtOffset(api, query) : api.getPage(query))
    const isRepeated = page !== null && guard.isRepeated(page)
    if (isProbe && !skipWorks && (page === null || isRepeated)) {
      // Without $skip a page that is not as long as asked for was everything.
      if (received !== api.pageSize) return
      if (pages === 1 && (await givesLinks(api, orderBy))) return
      throw cannotBePaged(received)
    }
    if (page === null) throw cannotBePaged(received)
    skipWorks ||= isProbe
    yield page
    received += page.referrals.length
    chain = { pages: chain.pages + 1, rows: chain.rows + page.referrals.length }
    if (page.nextLink !== null) {
      guard.follow(page.nextLink)
      query = { nextLink: page.nextLink }
      continue
    }
    const isEnd = chain.rows === 0 || (chain.pages > 1 && chain.rows !== api.pageSize)
    if (isEnd) return
    query = { orderBy, skip: received }
    chain = { pages: 0, rows: 0 }
  }
  throw endless(`more than ${pagesMax} pages`)
}

/** `null` when the server refuses the question: `$skip` is not documented. */
async function getPageAtOffset(
  api: ReferralsApi,
  query: PageQuery | NextLink,
): Promise<Page | null> {
  try {
    return await api.getPage(query)
  } catch (error) {
    if (error instanceof CosellError && error.code === 'api.status_400') return null
    throw error
  }
}

/** Whether a page one shorter has a next link: then a page without one is the last. */
async function givesLinks(api: ReferralsApi, orderBy: PageQuery['orderBy']): Promise<boolean> {
  if (api.pageSize === 1) return false
  const page = await api.getPage({ orderBy, top: api.pageSize - 1 })
  return page.nextLink !== null
}

/** Notices that a walk goes in circles. */
function createLoopGuard(): { isRepeated(page: Page): boolean; follow(link: string): void } {
  const links = new Set<string>()
  const idSets = new Set<string>()
  let repeatsInARow = 0
  return {
    /** Updates may push a whole small page one page on; three such pages in a row are a loop. */
    isRepeated(page) {
      if (page.referrals.length === 0) return false
      const idSet = digest(page.referrals.map((referral) => textOf(referral, 'id')).sort())
      const isRepeated = idSets.has(idSet)
      idSets.add(idSet)
      repeatsInARow = isRepeated ? repeatsInARow + 1 : 0
      if (repeatsInARow === 3) throw endless('three pages in a row that were there before')
      return isRepeated
    },
    follow(link) {
      const key = digest([link])
      if (links.has(key)) throw endless('a next link that was there before')
      links.add(key)
    },
  }
}

function digest(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

function endless(got: string): CosellError {
  return new CosellError(
    'sourceBroken',
    'paging.endless',
    `List of referrals: expected an end, got ${got}. What was read is kept; start the run again, and ` +
      'report it to Partner Center support if it comes back.',
  )
}

function cannotBePaged(received: number): CosellError {
  return new CosellError(
    'sourceBroken',
    'paging.no_way_on',
    `List of referrals: got no next link after ${received} rows, and $skip=${received} leads nowhere. ` +
      'Whether there are more cannot be known; set another COSELL_PAGE_SIZE.',
  )
}

function checkNewestFirst(page: Page): void {
  const stamps = seconds(page)
  if (stamps.every((stamp, index) => stamp <= (stamps[index - 1] ?? stamp))) return
  throw new CosellError(
    'sourceBroken',
    'paging.order_ignored',
    'List of referrals: expected the newest update first ($orderby=updatedDateTime desc), got another ' +
      'order, so what changed cannot be told from it. Read everything with a full sweep.',
  )
}

function seconds(page: Page): string[] {
  return page.referrals
    .map((referral) => secondOf(textOf(referral, 'updatedDateTime')))
    .filter((second) => second !== null)
}

/**
 * The second of an instant, as text that sorts by time; `null` for what is none in UTC. Fractions come
 * with trailing zeros cut, and a store that sorts them as text puts `.45Z` after `.4579Z`.
 */
function secondOf(text: string): string | null {
  return /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)$/.exec(text)?.[1] ?? null
}

function versionKey(referral: unknown): string {
  return `${textOf(referral, 'id')} ${textOf(referral, 'updatedDateTime')}`
}

function textOf(referral: unknown, property: 'id' | 'updatedDateTime'): string {
  return String((referral as Record<string, unknown> | null)?.[property] ?? '')
}
