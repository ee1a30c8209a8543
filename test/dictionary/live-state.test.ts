import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { describeCatalog } from '../../src/dictionary/describe-catalog.ts'
import { readLiveState } from '../../src/dictionary/live-state.ts'
import { readCatalog } from '../../src/dictionary/read-catalog.ts'
import { dictionaryPage } from '../../src/dictionary/render/html-page.ts'
import { loadOnce } from '../support/report-warehouse.ts'

const loaded = loadOnce({ referrals: 40, seed: 3 })

test('the live state counts every relation, and has the freshness of each account', async () => {
  const { db } = loaded()
  const catalog = await readCatalog(db)
  const { rows, accounts } = await readLiveState(db, catalog)
  expect(rows.get('mart.referral')).toEqual({ count: 40, isExact: true })
  expect(rows.get('dw.fact_referral')).toEqual({ count: 40, isExact: true })
  expect(rows.get('dw.dim_date')).toEqual({ count: 36_525, isExact: true })
  const { rows: known } = await sql<{ at: string }>`
    select to_char(published_at at time zone 'utc', 'YYYY-MM-DD HH24:MI') as at
    from mart.load_status
  `.execute(db)
  expect(known).toHaveLength(1)
  expect(accounts).toMatchObject([
    { is_active: true, published_at: known[0]?.at, quarantined_referral_count: 0 },
  ])
  const page = dictionaryPage(describeCatalog(catalog), [], { rows, accounts })
  expect(page).toContain(`<td>${known[0]?.at} UTC</td>`)
  expect(page).toMatch(/data-name="mart.referral">\s*<summary>.*<span class="rows">40 rows</)
})

test('a table that cannot be counted in time has the rows of the last ANALYZE, and a view none', async () => {
  const { db } = loaded()
  const catalog = await readCatalog(db)
  const names = ['dw.fact_referral', 'mart.referral']
  const relations = catalog.relations.filter(({ name }) => names.includes(name))
  await sql`analyze dw.fact_referral`.execute(db)
  // A lock that outlasts the count stands for a table that is too large.
  await db.transaction().execute(async (holder) => {
    await sql`lock table dw.fact_referral in access exclusive mode`.execute(holder)
    const { rows } = await readLiveState(db, { ...catalog, relations })
    expect([...rows]).toEqual([['dw.fact_referral', { count: 40, isExact: false }]])
    const page = dictionaryPage(describeCatalog(catalog), [], { rows, accounts: [] })
    expect(page).toMatch(/data-name="dw.fact_referral">\s*<summary>.*about 40 rows</)
    expect(page).toMatch(/data-name="mart.referral">\s*<summary>.*not counted</)
    expect(page).toContain('No account has been loaded yet.')
  })
})
