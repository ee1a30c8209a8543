import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { sql } from 'kysely'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { views } from '../../src/open/page/state/place.ts'
import { whole } from '../../src/report/page/format.ts'
import { loadEuroRates, loadOnce, one } from '../support/report-warehouse.ts'
import { servedOnce } from '../support/served-page.ts'
import { chromiumOnce } from './browser.ts'
import { figureOf, openAt, settled } from './open-page.ts'

const loaded = loadOnce({ referrals: 500, seed: 7 })
const served = servedOnce(loaded, ({ db }) => loadEuroRates(db))
const visit = chromiumOnce()

const open = (query = '') => openAt(visit, served().url + query)

/** Rows of the list that is shown, by the words below its heading. */
const rowsTold = async (page: Page) =>
  Number((await page.locator('main p.quiet').first().innerText()).replaceAll(',', '').split(' ')[0])

describe('the rows behind a number', () => {
  test.each(views)('every number of the view %s has as many rows as it says', async (view) => {
    const { page } = await open(`?view=${view}&compare=2025-06-30`)
    for (const summary of await page.locator('summary').all()) await summary.click()
    const numbers = (await page.locator('main a[href*="rows="]').evaluateAll(
      // Runs in the page.
      (links) =>
        links.map((link) => ({
          name: link.getAttribute('aria-label') ?? '',
          text: link.textContent ?? '',
          address: link.getAttribute('href') ?? '',
        })),
    )) as { name: string; text: string; address: string }[]
    const counted = numbers.filter(({ text }) => /^[\d,]+( |$)/.test(text))
    expect(counted.length).toBeGreaterThan(5)
    const wrong: unknown[] = []
    for (const { name, text, address } of counted) {
      const place = new URL(address, served().url).searchParams
      const query = `compare=2025-06-30&${place.get('rows')}`
      const answer = await fetch(`${served().url}data/list?${query}`)
      const { total, message } = (await answer.json()) as { total?: number; message?: string }
      const told = Number(text.replaceAll(',', '').split(' ')[0])
      if (total !== told) wrong.push({ name, query, told, total, message })
    }
    expect(wrong).toEqual([])
  })

  test('a click on a number shows its rows, a click on a row its referral, and Back leads back', async () => {
    const { page, complaints } = await open('?view=funnel')
    const link = figureOf(page, 'Funnel').getByRole('link').nth(2)
    const count = Number((await link.innerText()).replaceAll(',', ''))
    await link.click()
    await settled(page)
    expect(await rowsTold(page)).toBe(count)
    const name = await page.locator('table.list tbody th').first().innerText()
    await page.locator('table.list tbody th a').first().click()
    await settled(page)
    expect(await page.locator('h1').innerText()).toBe(name)
    expect(await page.title()).toContain(name)
    expect(await page.getByText(/Recomputed from the landed payload: all \d+ values/).count()).toBe(
      1,
    )
    await page.goBack()
    await settled(page)
    expect(await rowsTold(page)).toBe(count)
    await page.goBack()
    await settled(page)
    expect(await page.locator('h1').innerText()).toBe('Funnel')
    await page.goForward()
    await settled(page)
    expect(await rowsTold(page)).toBe(count)
    expect(complaints).toEqual([])
  })

  test('a click on a column of a chart shows the rows of the number below it', async () => {
    const { page } = await open('?view=won')
    const chart = figureOf(page, 'ACV schedule by fiscal year').locator('canvas')
    const { width = 0, height = 0 } = (await chart.boundingBox()) ?? {}
    const named = figureOf(page, 'ACV schedule by fiscal year').locator('tbody tr')
    const numbers = await named.locator('td:first-of-type').allTextContents()
    await chart.click({ position: { x: width / 2, y: height / 2 } })
    await expect.poll(() => page.url()).toContain('rows=')
    await settled(page)
    expect(numbers).toContain(whole(await rowsTold(page)))
  })
})

describe('a list', () => {
  const openDeals = `?view=pipeline&rows=${encodeURIComponent('set=open')}`

  /** Text of a column of the shown rows. */
  const column = async (page: Page, label: string) => {
    const heads = await page.locator('table.list thead th').allInnerTexts()
    const at = heads.findIndex((head) => head.replace(/ [↑↓]$/, '') === label)
    return page.locator(`table.list tbody tr > :nth-child(${at + 1})`).allInnerTexts()
  }

  test('a heading sorts up and down, by the amount itself and not by its text', async () => {
    const { page } = await open(openDeals)
    await page.getByRole('button', { name: 'Value' }).click()
    await settled(page)
    const value = page.locator('th[aria-sort]')
    expect(await value.getAttribute('aria-sort')).toBe('descending')
    const amounts = (await column(page, 'Value'))
      .filter((text) => text !== '–')
      .map((text) => Number(text.replaceAll(',', '')))
    expect(amounts.length).toBeGreaterThan(10)
    expect(amounts).toEqual([...amounts].sort((before, after) => after - before))
    await page.getByRole('button', { name: 'Value' }).click()
    await settled(page)
    expect(await value.getAttribute('aria-sort')).toBe('ascending')
    expect(new URL(page.url()).searchParams.has('descending')).toBe(false)
    await page.getByRole('button', { name: 'Expected close' }).click()
    await settled(page)
    const days = (await column(page, 'Expected close')).filter((text) => text !== '–')
    expect(days).toEqual([...days].sort())
  })

  test('a search finds rows by part of a name, and stays in the address', async () => {
    const { page } = await open(openDeals)
    const { name } = await one(
      loaded().db,
      sql<{ name: string }>`
        select customer_name as name from mart.referral
        where is_open and is_deal_primary order by customer_name limit 1`,
    )
    await page.getByRole('searchbox', { name: 'Search' }).fill(name.toUpperCase())
    await expect.poll(() => new URL(page.url()).searchParams.get('search')).toBe(name.toUpperCase())
    await settled(page)
    const { count } = await one(
      loaded().db,
      sql<{ count: number }>`
        select count(*) as count from mart.referral
        where is_open and is_deal_primary and customer_name ilike '%' || ${name} || '%'`,
    )
    expect(await rowsTold(page)).toBeGreaterThanOrEqual(count)
    const customers = await column(page, 'Customer')
    const names = await column(page, 'Name')
    const without = customers.filter(
      (customer, at) => !`${customer} ${names[at]}`.toLowerCase().includes(name.toLowerCase()),
    )
    expect(without).toEqual([])
  })

  test('the pages of a list show every row once', async () => {
    const { page } = await open(
      `?period=FY25&period=FY26&rows=${encodeURIComponent('set=created&step=Created')}`,
    )
    const total = await rowsTold(page)
    const seen: string[] = []
    for (;;) {
      seen.push(
        ...(await page.locator('table.list tbody th a').evaluateAll(
          // Runs in the page.
          (links) => links.map((link) => link.getAttribute('href') ?? ''),
        )),
      )
      const next = page.getByRole('button', { name: 'Next' })
      if (await next.isDisabled()) break
      await next.click()
      await settled(page)
    }
    const referrals = seen.map((href) => new URL(href, served().url).searchParams.get('referral'))
    expect(referrals).toHaveLength(total)
    expect(new Set(referrals).size).toBe(total)
    const { count } = await one(
      loaded().db,
      sql<{ count: number }>`
        select count(*) as count from mart.referral where created_fiscal_year in ('FY25', 'FY26')`,
    )
    expect(total).toBe(count)
  })

  test('a turned page begins at its first row, which has the focus, also at the last page', async () => {
    const { page } = await open(openDeals)
    const next = page.getByRole('button', { name: 'Next' })
    for (;;) {
      const before = await page.getByRole('navigation', { name: 'Pages' }).innerText()
      await next.click()
      await expect
        .poll(() => page.getByRole('navigation', { name: 'Pages' }).innerText())
        .not.toBe(before)
      await settled(page)
      expect(await page.evaluate('document.activeElement.className')).toBe('rows')
      const { top } = (await page.evaluate(
        `({ top: document.querySelector('table.list').getBoundingClientRect().top })`,
      )) as { top: number }
      expect(top).toBeGreaterThanOrEqual(0)
      expect(top).toBeLessThan(450)
      if (await next.isDisabled()) break
    }
  })

  test('an address beyond the last page shows the last page', async () => {
    const { page } = await open(`${openDeals}&page=999`)
    const total = await rowsTold(page)
    const pages = await page.getByRole('navigation', { name: 'Pages' }).innerText()
    expect(pages).toContain(`to ${whole(total)} of ${whole(total)}`)
    expect(await page.locator('table.list tbody tr').count()).toBeGreaterThan(0)
    expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true)
  })

  test('the download has exactly the rows that are listed, in their order', async () => {
    const { page } = await open(`${openDeals}&sort=amount&descending=true&deal_type=Private`)
    const total = await rowsTold(page)
    const waiting = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download as CSV' }).click()
    const download = await waiting
    const text = await readFile(await download.path(), 'utf8')
    const rows = parse(text, { columns: true, bom: true }) as Record<string, string>[]
    expect(rows).toHaveLength(total)
    const shown = await column(page, 'Referral')
    expect(rows.slice(0, shown.length).map(({ Referral }) => Referral)).toEqual(shown)
  })
})

describe('a referral', () => {
  test('the page of a referral has its life, its contract with lines and schedule, and how its amounts came about', async () => {
    const found = await one(
      loaded().db,
      sql<{ account_key: number; referral_key: number; acv: string; code: string; years: number }>`
        select contract.partner_account_key as account_key, contract.referral_key,
          contract.contract_acv_amount as acv, contract.currency_code as code,
          count(*) as years
        from dw.fact_registration contract
        join dw.fact_acv_schedule year using (partner_account_key, referral_key, registration_no)
        where contract.contract_acv_amount > 0 and contract.registration_no = 1
        group by 1, 2, 3, 4 order by count(*) desc, 2 limit 1`,
    )
    const key = `account_key=${found.account_key}&referral_key=${found.referral_key}`
    const { page, complaints } = await open(`?referral=${encodeURIComponent(key)}`)
    const { nights } = await one(
      loaded().db,
      sql<{ nights: number }>`
        select count(*) as nights from dw.fact_referral_history
        where referral_key = ${found.referral_key}`,
    )
    expect(await page.locator('ol.life > li').count()).toBeGreaterThanOrEqual(nights)
    const seen = await page.locator('ol.life > li').allInnerTexts()
    const told = /seen by the run of \d{4}-\d\d-\d\d \d\d:\d\d UTC|before the first load/
    expect(seen.filter((night) => !told.test(night))).toEqual([])
    expect(seen.some((night) => night.includes('seen by the run of'))).toBe(true)
    const schedule = page.getByRole('region', { name: 'Schedule of contract 1' })
    expect(await schedule.locator('tbody tr').count()).toBe(found.years)
    const amount = Number(found.acv).toLocaleString('en-US', { minimumFractionDigits: 2 })
    const explained = page.getByText(`Annual contract value: ${found.code} ${amount}`)
    expect(await explained.count()).toBeGreaterThan(0)
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('a referral that does not exist is told in a sentence', async () => {
    const key = encodeURIComponent('account_key=1&referral_key=999999999')
    const { page } = await openAt(visit, `${served().url}?referral=${key}`)
    expect(await page.getByRole('alert').first().innerText()).toMatch(/\.\s/)
    await page.getByRole('link', { name: 'Back to Pipeline' }).click()
    await settled(page)
    expect(await page.locator('h1').innerText()).toBe('Pipeline')
  })
})

describe('keyboard', () => {
  /** Presses Tab until the element that has the focus has a name. */
  const tabTo = async (page: Page, name: RegExp) => {
    for (let presses = 0; presses < 400; presses++) {
      await page.keyboard.press('Tab')
      const at = (await page.evaluate(
        `document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent`,
      )) as string
      if (name.test(at)) return
    }
    throw new Error(`no press of Tab leads to ${name}`)
  }

  test('everything from the views to a referral can be done without a mouse', async () => {
    const { page } = await open()
    await tabTo(page, /^Registrations/)
    await page.keyboard.press('Enter')
    await settled(page)
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1')
    await tabTo(page, /^\d+ referrals?:/)
    await page.keyboard.press('Enter')
    await settled(page)
    const heading = await page.locator('h1').innerText()
    expect(await page.evaluate('document.activeElement.textContent')).toBe(heading)
    await tabTo(page, /^Stage/)
    await page.keyboard.press('Enter')
    await settled(page)
    expect(await page.locator('th[aria-sort]').innerText()).toMatch(/^Stage/)
    const first = await page.locator('table.list tbody th').first().innerText()
    await page.locator('table.list thead button').last().focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await settled(page)
    expect(await page.evaluate('document.activeElement.textContent')).toBe(first)
  })

  test('a filter opens, is searched, chooses and closes by keys, and gives the focus back', async () => {
    const { page } = await open()
    await tabTo(page, /^Country/)
    await page.keyboard.press('Enter')
    const search = page.getByRole('searchbox', { name: 'Search country' })
    await expect.poll(() => search.evaluate((field) => field.matches(':focus'))).toBe(true)
    await page.keyboard.type('germ')
    expect(await page.locator('fieldset.boxes label').allInnerTexts()).toHaveLength(1)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await settled(page)
    await page.keyboard.press('Escape')
    expect(await page.locator('fieldset.boxes').count()).toBe(0)
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Country: Germany')
    expect(new URL(page.url()).searchParams.getAll('country')).toEqual(['DE'])
  })

  test('the first stop leads past the filters to the figures', async () => {
    const { page } = await open()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the figures')
  })
})

/** Addresses of everything that can be seen. */
const everything = [
  ...views.map((view) => `?view=${view}`),
  `?rows=${encodeURIComponent('set=created&step=Registered')}`,
  `?referral=${encodeURIComponent('account_key=1&referral_key=1')}`,
]

test('no page scrolls sideways on a screen of 320, 375 or 768 pixels, whatever is unfolded', async () => {
  const overflow = async (page: Page) => {
    const wider: number[] = []
    for (const width of [768, 375, 320]) {
      await page.setViewportSize({ width, height: 900 })
      for (const summary of await page.locator('details:not([open]) > summary').all()) {
        await summary.click()
      }
      if (Number(await page.evaluate('document.documentElement.scrollWidth')) > width) {
        wider.push(width)
      }
    }
    return wider
  }
  for (const query of everything) {
    const { page } = await open(query)
    expect([query, await overflow(page)]).toEqual([query, []])
  }
  const { page } = await open()
  for (const name of ['Account', 'Fiscal period', 'Solution play', 'Country', 'Deal type']) {
    await page.setViewportSize({ width: 1280, height: 900 })
    await page.getByRole('button', { name }).click()
    expect([name, await overflow(page)]).toEqual([name, []])
  }
})

test('controls, charts and tables have names, and headings have an order', async () => {
  for (const query of everything) {
    const { page } = await open(query)
    const session = await page.context().newCDPSession(page)
    const { nodes } = await session.send('Accessibility.getFullAXTree')
    const named = ['button', 'link', 'slider', 'searchbox', 'combobox', 'checkbox', 'image']
    const roles = [...named, 'figure', 'Date', 'navigation', 'region', 'heading', 'rowheader']
    const nameless = nodes
      .filter(({ ignored, role }) => !ignored && roles.includes(String(role?.value)))
      .filter(({ name }) => String(name?.value ?? '').trim() === '')
    expect([query, nameless.map(({ role }) => role?.value)]).toEqual([query, []])
    const levels = await page.locator('h1, h2, h3, h4').evaluateAll(
      // Runs in the page.
      (headings) => headings.map((heading) => Number(heading.tagName.slice(1))),
    )
    expect(levels.filter((level) => level === 1)).toHaveLength(1)
    const skipped = levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1)
    expect(skipped).toEqual([])
    const charts = page.locator('figure').filter({ has: page.locator('canvas') })
    for (const chart of await charts.all()) {
      expect(await chart.locator('table').count()).toBeGreaterThan(0)
    }
  }
})
