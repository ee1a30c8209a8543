import type { Capabilities } from '../api/capabilities.ts'
import type { Page } from '../api/page.ts'
import type { ReferralsApi } from '../api/referrals-api.ts'
import { filterByStatus, hasStatus } from '../api/registration-status.ts'
import { textOf } from '../api/timestamps.ts'
import { overlapOf } from './page-by-offset.ts'
import { filterIgnored } from './paging-errors.ts'

/**
 * Yields the pages of every referral with this status of its registration, as far as links or offsets
 * lead. Rows move while they are paged, so some may be left out: the caller reads by id what it
 * expected here and did not get.
 *
 * @throws CosellError `sourceBroken` when most rows of a page have another status. A single one may
 * have changed since it was found.
 */
export async function* readByStatus(
  api: ReferralsApi,
  { nextLink, skip, pageCap }: Pick<Capabilities, 'nextLink' | 'skip' | 'pageCap'>,
  status: string,
): AsyncGenerator<Page> {
  const query = { orderBy: 'createdDateTime asc', filter: filterByStatus(status) } as const
  const fullPage = Math.min(api.pageSize, pageCap ?? api.pageSize)
  const ids = new Set<string>()
  let page = await api.getPage(query)
  for (let passed = 0; ; ) {
    const { referrals } = page
    const others = referrals.filter((referral) => !hasStatus(referral, status)).length
    if (2 * others > referrals.length) {
      throw filterIgnored('registrationStatus', 'rows that it excludes')
    }
    const known = ids.size
    for (const referral of referrals) ids.add(textOf(referral, 'id'))
    if (ids.size === known) return
    yield page
    passed += referrals.length
    if (page.nextLink !== null && nextLink) {
      page = await api.getPage({ nextLink: page.nextLink })
    } else if (skip && referrals.length >= fullPage) {
      passed -= overlapOf(referrals.length)
      page = await api.getPage({ ...query, skip: passed })
    } else return
  }
}
