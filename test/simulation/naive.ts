import type { Page, PageQuery, ReferralsApi } from '../../src/extract/api/referrals-api.ts'
import type { Readers } from './play.ts'

/** What most programs do: pages by a bare offset until one is empty. Rows that move are lost. */
export function naiveReaders(orderBy: PageQuery['orderBy'] | 'createdDateTime desc'): Readers {
  return { all: byOffset, changedSince: byOffset }

  async function* byOffset(api: ReferralsApi): AsyncGenerator<Page> {
    for (let skip = 0; ; ) {
      // The order of the documentation's own example, which the real readers never ask for.
      const page = await api.getPage({ orderBy: orderBy as PageQuery['orderBy'], skip })
      if (page.referrals.length === 0) return
      yield page
      skip += page.referrals.length
    }
  }
}
