import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { views } from '../../src/open/page/state/place.ts'
import { exact, whole } from '../../src/report/page/format.ts'
import { withAltered } from '../support/altered-sandbox.ts'
import { loadEuroRates, loadOnce, one } from '../support/report-warehouse.ts'
import { servedOnce, serveWarehouse } from '../support/served-page.ts'
import { withPipeline } from '../support/with-pipeline.ts'
import { chromiumOnce } from './browser.ts'
import { faintTexts } from './contrast.ts'
import { openAt } from './open-page.ts'

const visit = chromiumOnce()

/** Markup that would run, load or close what is around it. */
const planted = `"'></bdi></td><img src=x onerror=alert(1)><script>alert(2)</script>`

/** Keys of values that have a form of their own; every other text is free. */
const formed =
  /^(id|eTag|uri|method|type|profileType|term|price|currency|dealValue|status|substatus|registrationStatus|engagementId|organizationId|country|.*DateTime)$/

/** Puts markup before every free text, however deep, and counts the texts by their keys. */
function plant(value: unknown, keys: Set<string>, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => plant(one, keys, key))
  if (typeof value === 'string') {
    if (value === '' || formed.test(key)) return value
    keys.add(key)
    return planted + value
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, plant(inner, keys, name)]),
  )
}

/** Runs in the page: what reaches over the right edge of the screen, outside of what scrolls. */
const tooWide = `[...document.querySelectorAll('body *')]
  .filter((element) => element.closest('.rows, .scroll') === null && !element.closest('.hidden'))
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
  .map((element) => element.outerHTML.slice(0, 120))
  .concat(document.documentElement.scrollWidth > innerWidth ? ['the page'] : [])`

const rows = (drill: string) => `?rows=${encodeURIComponent(drill)}`

describe('a warehouse with markup in every free text, and without rates', () => {
  test('markup of the source is shown as text, wherever it stands, and widens nothing', () =>
    withPipeline({ referrals: 80, seed: 11 }, async (pipeline) => {
      const { db, sandbox, run } = pipeline
      const keys = new Set<string>()
      await withAltered(
        sandbox,
        ({ body }) => {
          if (!Array.isArray(body.value)) Object.assign(body, plant(body, keys))
          else body.value = plant(body.value, keys)
        },
        async (settings) => {
          await run(false, settings)
        },
      )
      const known = [...keys]
      expect(known).toEqual(
        expect.arrayContaining([
          'name',
          'city',
          'publisherName',
          'externalReferenceId',
          'statusReason',
        ]),
      )
      const { rows: referrals } = await sql<{ key: string }>`
        select 'account_key=' || partner_account_key || '&referral_key=' || referral_key as key
        from mart.referral order by registration_count desc, referral_key limit 4`.execute(db)
      expect(referrals).toHaveLength(4)
      const served = await serveWarehouse(pipeline)
      try {
        const lists = ['set=created&step=Created', 'set=open', 'set=findings']
        const pages = [
          ...views.map((view) => `?view=${view}`),
          ...lists.map(rows),
          ...referrals.map(({ key }) => `?referral=${encodeURIComponent(key)}`),
        ]
        const shown: string[] = []
        for (const query of pages) {
          const { page, complaints, requests } = await openAt(visit, served.url + query, 320)
          for (const summary of await page.locator('summary').all()) await summary.click()
          expect([query, complaints]).toEqual([query, []])
          expect(requests.filter((address) => !address.startsWith(served.url))).toEqual([])
          expect(await page.locator('img, iframe, object, embed').count()).toBe(0)
          expect(await page.locator('script').count()).toBe(1)
          expect([query, await page.evaluate(tooWide)]).toEqual([query, []])
          shown.push(await page.locator('main').innerText())
        }
        const marked = shown.filter((text) => text.includes('<img src=x onerror=alert(1)>'))
        // The lists of deals, the referrals and the largest solutions have free texts.
        expect(marked.length).toBeGreaterThanOrEqual(2 + referrals.length + 1)
        expect(served.logged).toEqual([])
      } finally {
        await served.close()
      }
    }))
})

describe('a warehouse without rates', () => {
  const loaded = loadOnce({ referrals: 120, seed: 5 })
  const served = servedOnce(loaded)

  test('each currency stands by itself, and charts draw numbers', async () => {
    const { rows: currencies } = await sql<{ code: string; amount: string; unit: number }>`
      select currency_code as code, sum(deal_value_once_amount) as amount, minor_unit as unit
      from mart.referral
      join dw.dim_currency using (currency_code)
      where is_open and is_deal_primary and deal_value_amount is not null
      group by currency_code, minor_unit order by currency_code`.execute(loaded().db)
    expect(currencies.length).toBeGreaterThan(2)
    const { count } = await one(
      loaded().db,
      sql<{ count: number }>`
        select count(*) as count from mart.referral where is_open and is_deal_primary`,
    )
    const { page } = await openAt(visit, served().url)
    const open = page.locator('dl.tiles > div').first()
    expect(await open.locator('.value').innerText()).toBe(`${whole(count)} deals`)
    expect(await open.locator('.each').allInnerTexts()).toEqual(
      currencies.map(({ code, amount, unit }) => `${code} ${exact(amount, unit)}`),
    )
    expect(await page.getByText('Columns show numbers of deals').count()).toBeGreaterThan(0)
    expect(await page.locator('footer').innerText()).toContain('No exchange rates are loaded')
  })

  test('one currency has exact amounts, bars and a change without any rate', async () => {
    const { code, amount, unit } = await one(
      loaded().db,
      sql<{ code: string; amount: string; unit: number }>`
        select currency_code as code, sum(deal_value_once_amount) as amount, minor_unit as unit
        from mart.referral
        join dw.dim_currency using (currency_code)
        where is_open and is_deal_primary
        group by currency_code, minor_unit order by count(*) desc limit 1`,
    )
    const { page } = await openAt(visit, `${served().url}?currency=${code}`)
    const note = page.locator('dl.tiles > div').first().locator('.note')
    expect(await note.innerText()).toContain(exact(amount, unit))
    expect(await note.innerText()).toMatch(/[±+−][\d,.]+ since/)
  })
})

describe('colour schemes', () => {
  const loaded = loadOnce({ referrals: 120, seed: 5 })
  const served = servedOnce(loaded, ({ db }) => loadEuroRates(db))

  test.each(['light', 'dark'] as const)(
    'every text has a contrast of at least 4.5 in the %s scheme',
    async (colorScheme) => {
      const referral = `?referral=${encodeURIComponent('account_key=1&referral_key=1')}`
      for (const query of [...views.map((view) => `?view=${view}`), rows('set=open'), referral]) {
        const { page } = await openAt(visit, served().url + query)
        await page.emulateMedia({ colorScheme })
        for (const summary of await page.locator('summary').all()) await summary.click()
        expect([query, await page.evaluate(faintTexts)]).toEqual([query, []])
      }
    },
  )

  test('charts are drawn anew in the colours of the other scheme', async () => {
    const { page } = await openAt(visit, `${served().url}?view=won`)
    /** Commonest opaque colour of the first chart. */
    const colour = () =>
      page.evaluate(`(() => {
        const canvas = document.querySelector('canvas')
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
        const counts = new Map()
        for (let at = 0; at < data.length; at += 4) {
          if (data[at + 3] !== 255) continue
          const key = data.slice(at, at + 3).join()
          counts.set(key, (counts.get(key) ?? 0) + 1)
        }
        return [...counts].sort((one, other) => other[1] - one[1])[0]?.[0]
      })()`)
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(colour).toBe('20,80,122')
    await page.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(colour).toBe('111,179,224')
    await page.emulateMedia({ colorScheme: 'light' })
  })
})
