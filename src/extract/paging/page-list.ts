import { createHash } from 'node:crypto'
import type { Capabilities } from '../api/capabilities.ts'
import type { Page } from '../api/page.ts'
import { type Ask, byOffsets, isLast, type Listed, overlapOf, quietMax } from './page-by-offset.ts'
import { cannotBePaged, endless } from './paging-errors.ts'
import type { Trail } from './seen-rows.ts'

/** How often a list is read that changes under a server which cannot say where it ends. */
const roundsMax = 5
/** Pages in a row that bring nothing; updates may push a whole small page one page on. */
const strikesMax = 3
/** The same for offsets, which leap further each time. */
const leapsMax = 6

export interface Place {
  readonly skip: number
  readonly passed: number
  readonly link: string | null
}

/**
 * Every page of one query: by offsets that overlap where `$skip` works, else, and beyond a ceiling
 * of offsets, by next links.
 *
 * @throws CosellError `sourceBroken` when it goes in circles, or when nothing leads on and the rows
 * read may be not all
 */
export async function* list(
  ask: Ask,
  trail: Trail,
  capabilities: Capabilities,
  { pageSize }: { readonly pageSize: number },
  { link: startLink, ...start }: Place,
): AsyncGenerator<Listed, void> {
  const habits = { pageSize, links: capabilities.nextLink, strikesMax: leapsMax }
  let link = startLink
  let passed = start.passed
  if (capabilities.skip && link === null) {
    const offsets = yield* byOffsets(ask, trail, habits, start)
    if (offsets.isEnd) return
    ;({ link, passed } = offsets)
    if (link === null) throw cannotBePaged(offsets.passed, offsets.refusedSkip)
  }
  for (let round = 1; round <= roundsMax; round += 1) {
    const chain = yield* byLinks(ask, trail, link === null ? null : { link, passed })
    const { rows } = chain
    if (chain.pages > 1 && rows !== pageSize) return
    if (chain.isQuiet && capabilities.nextLink && isLast(chain.last, pageSize)) return
    // `$top` may mean no more than so many in all, and a server may give fewer a page than asked for:
    // something must be asked for at the offset reached, and nothing may be there.
    const offset = { skip: rows - overlapOf(rows), passed: rows }
    const tried = yield* byOffsets(ask, trail, { ...habits, strikesMax: 1 }, offset)
    if (tried.isEnd) return
    if (!tried.hadNews) {
      if (rows !== pageSize && rows !== capabilities.pageCap) return
      if (await givesLinks(ask, chain.pages > 1 ? chain.first.referrals.length : rows - 1)) return
      throw cannotBePaged(rows, tried.refusedSkip)
    }
    if (tried.refusedSkip !== null) throw cannotBePaged(tried.passed, tried.refusedSkip)
    // An offset that is ignored shows the first page again, and what came to it meanwhile.
    link = null
  }
  throw endless('changes faster than it can be read')
}

/** Pages by next links, from the first page or from a link on that comes after so many rows. */
async function* byLinks(
  ask: Ask,
  trail: Trail,
  start: { readonly link: string; readonly passed: number } | null,
) {
  const followed = new Set<string>()
  let [pages, rows, strikes, quiet] = [start === null ? 0 : 1, start?.passed ?? 0, 0, 0]
  let first: Page | null = null
  for (let link = start?.link ?? null; ; ) {
    const page = await ask(link === null ? { skip: 0 } : { nextLink: link })
    if (page === null) throw cannotBePaged(rows, null)
    const news = trail.take(page)
    first ??= page
    pages += 1
    rows += page.referrals.length
    quiet = news > 0 ? 0 : quiet + 1
    if (news > 0) strikes = 0
    else if (page.referrals.length > 0 && link !== null) strikes += 1
    if (strikes === strikesMax || quiet > quietMax)
      throw endless(`${quiet} pages in a row that brought nothing new`)
    yield { page, news, skip: 0, passed: rows, link: page.nextLink }
    if (page.nextLink === null) return { pages, rows, isQuiet: news === 0, first, last: page }
    const key = createHash('sha256').update(page.nextLink).digest('base64')
    if (followed.has(key)) throw endless('a next link that was there before')
    followed.add(key)
    link = page.nextLink
  }
}

/** Whether a shorter page has a next link: then a page without one is the last. */
async function givesLinks(ask: Ask, top: number): Promise<boolean> {
  if (top <= 0) return false
  const page = await ask({ skip: 0, top })
  return page !== null && page.nextLink !== null
}
