import { createHash } from 'node:crypto'
import type { Capabilities } from '../api/capabilities.ts'
import type { Page } from '../api/page.ts'
import {
  type FetchPage,
  isLast,
  type ListedPage,
  type ListPosition,
  overlapOf,
  pageByOffset,
  pagesWithoutNewRowsMax,
} from './page-by-offset.ts'
import { cannotBePaged, endless } from './paging-errors.ts'
import type { SeenRows } from './seen-rows.ts'

/** Most passes over a changing list whose server cannot show where it ends. */
const roundsMax = 5
/** Linked pages in a row without a new row; updates may push a whole small page one page on. */
const stalePagesMax = 3

/**
 * Yields every page of one query: by overlapping offsets where `$skip` works; else, and beyond the
 * highest offset accepted, by next links.
 *
 * @throws CosellError `sourceBroken` when the list goes in circles, or when neither offset nor link
 * leads on and rows may be missing
 */
export async function* pageThrough(
  fetchPage: FetchPage,
  seen: SeenRows,
  capabilities: Capabilities,
  pageSize: number,
  { link: startLink, ...start }: ListPosition,
): AsyncGenerator<ListedPage, void> {
  const options = { pageSize, hasLinks: capabilities.nextLink, isTrial: false }
  let link = startLink
  let passed = start.passed
  if (capabilities.skip && link === null) {
    const offsets = yield* pageByOffset(fetchPage, seen, options, start)
    if (offsets.isEnd) return
    ;({ link, passed } = offsets)
    if (link === null) throw cannotBePaged(offsets.passed, offsets.rejectedSkip)
  }
  for (let round = 1; round <= roundsMax; round += 1) {
    const chain = yield* pageByLink(fetchPage, seen, link === null ? null : { link, passed })
    const { rows } = chain
    if (chain.pages > 1 && rows !== pageSize) return
    if (chain.isLastOld && capabilities.nextLink && isLast(chain.last, pageSize)) return
    // `$top` may limit the whole list, and a server may give fewer rows a page than asked for. So
    // the offset reached has to be asked for, and has to be empty.
    const offset = { skip: rows - overlapOf(rows), passed: rows }
    const beyond = yield* pageByOffset(fetchPage, seen, { ...options, isTrial: true }, offset)
    if (beyond.isEnd) return
    if (!beyond.hadNewRows) {
      if (rows !== pageSize && rows !== capabilities.pageCap) return
      const top = chain.pages > 1 ? chain.first.referrals.length : rows - 1
      if (await linksShorterPage(fetchPage, top)) return
      throw cannotBePaged(rows, beyond.rejectedSkip)
    }
    if (beyond.rejectedSkip !== null) throw cannotBePaged(beyond.passed, beyond.rejectedSkip)
    // An offset that is ignored shows the first page again, with the rows added meanwhile.
    link = null
  }
  throw endless('changes faster than it can be read')
}

/** Yields pages by next links: from the first page, or from a link after `passed` rows. */
async function* pageByLink(
  fetchPage: FetchPage,
  seen: SeenRows,
  start: { readonly link: string; readonly passed: number } | null,
) {
  const followed = new Set<string>()
  let [pages, rows] = [start === null ? 0 : 1, start?.passed ?? 0]
  let [stalePages, pagesWithoutNewRows] = [0, 0]
  let first: Page | null = null
  for (let link = start?.link ?? null; ; ) {
    const page = await fetchPage(link === null ? { skip: 0 } : { nextLink: link })
    if (page === null) throw cannotBePaged(rows, null)
    const newRows = seen.add(page)
    first ??= page
    pages += 1
    rows += page.referrals.length
    pagesWithoutNewRows = newRows > 0 ? 0 : pagesWithoutNewRows + 1
    if (newRows > 0) stalePages = 0
    else if (page.referrals.length > 0 && link !== null) stalePages += 1
    if (stalePages === stalePagesMax || pagesWithoutNewRows > pagesWithoutNewRowsMax)
      throw endless(`${pagesWithoutNewRows} pages in a row without a new row`)
    yield { page, newRows, skip: 0, passed: rows, link: page.nextLink }
    if (page.nextLink === null) return { pages, rows, isLastOld: newRows === 0, first, last: page }
    const key = createHash('sha256').update(page.nextLink).digest('base64')
    if (followed.has(key)) throw endless('a next link that was followed before')
    followed.add(key)
    link = page.nextLink
  }
}

/** Whether a page of `top` rows has a next link: then a page without one is the last. */
async function linksShorterPage(fetchPage: FetchPage, top: number): Promise<boolean> {
  if (top <= 0) return false
  const page = await fetchPage({ skip: 0, top })
  return page !== null && page.nextLink !== null
}
