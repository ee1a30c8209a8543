import { CosellError } from '../../errors.ts'
import type { Capabilities } from '../api/capabilities.ts'
import type { Page } from '../api/page.ts'
import type { ReferralsApi } from '../api/referrals-api.ts'

/** Length of the whole list, and the page that showed it, with the referrals created last. */
export interface ListTotal {
  readonly total: number
  readonly page: Page
}

/** Whether the API shows how many referrals it lists. */
export function showsTotal({ count, skip }: Pick<Capabilities, 'count' | 'skip'>): boolean {
  return count === 'total' || skip
}

/**
 * Asks once how many referrals the list has: by its count where that is of all, else by the rows
 * behind all but one of the `expected` ones. Without either, or when `$skip` is rejected this time,
 * it is `null`. Found by rows, a total off by more than a page is a bound: certainly not `expected`.
 */
export async function readListTotal(
  api: ReferralsApi,
  { count, skip }: Pick<Capabilities, 'count' | 'skip'>,
  expected: number,
): Promise<ListTotal | null> {
  if (count === 'total') {
    const page = await api.getPage({ orderBy: 'createdDateTime desc' })
    const total = totalOn(page)
    return total === null ? null : { total, page }
  }
  if (!skip) return null
  const before = Math.max(0, expected - 1)
  const page = await rowsAfter(api, before)
  return page === null ? null : { total: before + page.referrals.length, page }
}

/** Returns the count of a page; `null` when it has none, or counts the page although more follow. */
function totalOn({ count, nextLink, referrals }: Page): number | null {
  const isOfPage = nextLink !== null && count !== null && count <= referrals.length
  return isOfPage ? null : count
}

/** Returns the page after so many rows; `null` when the server rejects the query. */
async function rowsAfter(api: ReferralsApi, skip: number): Promise<Page | null> {
  try {
    // A page of one row could not show that there is another one.
    return await api.getPage({
      orderBy: 'createdDateTime asc',
      skip,
      top: Math.max(2, api.pageSize),
    })
  } catch (error) {
    if (error instanceof CosellError && error.code === 'api.status_400') return null
    throw error
  }
}
