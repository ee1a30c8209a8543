import type { Page, PageQuery } from '../../src/extract/api/page.ts'
import type { ReferralsApi } from '../../src/extract/api/referrals-api.ts'
import type { Readers } from './play.ts'

/** Reads by a bare offset until a page is empty, as most programs do. It loses rows that move. */
export function naiveReaders(orderBy: PageQuery['orderBy'] | 'createdDateTime desc'): Readers {
  return { all: byOffset, changedSince: byOffset }

  async function* byOffset(api: ReferralsApi): AsyncGenerator<Page> {
    for (let skip = 0; ; ) {
      // The cast admits the order of the documentation's example, which the real readers never use.
      const page = await api.getPage({ orderBy: orderBy as PageQuery['orderBy'], skip })
      if (page.referrals.length === 0) return
      yield page
      skip += page.referrals.length
    }
  }
}
