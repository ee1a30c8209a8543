import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { pageName, renderDocs } from '../../src/dictionary/write-docs.ts'
import { withDatabase } from '../support/database.ts'
import { browserOnce } from './browser.ts'

const visit = browserOnce()
let html = ''

beforeAll(() =>
  withDatabase(async (db) => {
    const files = await renderDocs(db, { server: 'localhost:5432', database: 'cosell' })
    html = files[pageName] ?? ''
  }),
)

/** Names of the tables that are shown, and of the columns shown in open ones. */
async function shown(page: Page): Promise<{ tables: string[]; columns: string[] }> {
  return page.evaluate(`(() => {
    const isShown = (element) => element.checkVisibility({ contentVisibilityAuto: true })
    const entries = [...document.querySelectorAll('details.entry')].filter(isShown)
    const rows = entries.filter(({ open }) => open)
      .flatMap((entry) => [...entry.querySelectorAll('.columns tbody tr')].filter(isShown)
        .map((row) => entry.dataset.name + '.' + row.cells[0].textContent))
    return { tables: entries.map(({ dataset }) => dataset.name), columns: rows }
  })()`)
}

test('the dictionary requests only itself and logs no errors', async () => {
  const { page, complaints, requests } = await visit(html)
  await page.fill('#search', 'referral')
  expect(requests).toEqual([page.url()])
  expect(complaints).toEqual([])
})

describe('search in the dictionary', () => {
  test('every table is closed until it is asked for, and a search shows the columns with all its words', async () => {
    const { page } = await visit(html)
    const all = await shown(page)
    expect(all.columns).toEqual([])
    await page.fill('#search', 'Moodys  ID')
    const found = await shown(page)
    expect(found.tables.length).toBeLessThan(all.tables.length)
    expect(found.columns).toEqual(
      expect.arrayContaining(['mart.referral.moodys_id', 'dw.dim_customer.moodys_id']),
    )
    expect(found.columns).not.toContain('mart.referral.referral_id')
    expect(await page.textContent('#found')).toBe(
      `${found.columns.length} columns in ${found.tables.length} tables`,
    )
    await page.press('#search', 'Escape')
    expect((await shown(page)).tables).toEqual(all.tables)
  })

  test('a search finds measures by their name, meaning and SQL', async () => {
    const { page } = await visit(html)
    await page.fill('#search', 'win rate')
    const rows = page.locator('#measures tbody tr:visible')
    const found = await rows.allInnerTexts()
    expect(found.length).toBeGreaterThan(1)
    expect(found.filter((text) => !/win/i.test(text) || !/rate/i.test(text))).toEqual([])
    expect(await page.textContent('#found')).toMatch(new RegExp(`^${found.length} measures, `))
  })

  test('a search finds the source of a column, and says when there is nothing', async () => {
    const { page } = await visit(html)
    await page.fill('#search', 'trackingInfo.microsoftMsxId')
    expect((await shown(page)).columns).toContain('mart.referral.microsoft_msx_id')
    await page.fill('#search', 'no such words')
    expect(await shown(page)).toEqual({ tables: [], columns: [] })
    expect(await page.textContent('#found')).toBe('Nothing has these words.')
  })

  test('a link opens the table that it leads to, also while a search hides it', async () => {
    const { page } = await visit(html)
    await page.click('nav a[href="#mart.win_rate"]')
    expect((await shown(page)).columns).toContain('mart.win_rate.won_weight')
    await page.fill('#search', 'fact_referral status_key')
    expect((await shown(page)).tables).not.toContain('dw.dim_status')
    await page.click('details[data-name="dw.fact_referral"] a[href="#dw.dim_status"]')
    expect((await shown(page)).columns).toContain('dw.dim_status.stage_label')
  })

  test('the buttons open and close all tables', async () => {
    const { page } = await visit(html)
    await page.click('#open')
    expect((await shown(page)).columns.length).toBeGreaterThan(1000)
    await page.click('#close')
    expect((await shown(page)).columns).toEqual([])
  })
})

test.each([320, 390, 1280])(
  'the dictionary fits a screen of %d pixels with all tables open',
  async (width) => {
    const { page } = await visit(html)
    await page.setViewportSize({ width, height: 900 })
    await page.click('#open')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
  },
)

test('a path in the source column breaks only where one of its names ends, or is longer than a line', async () => {
  const { page } = await visit(html)
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.click('#open')
  const lines = (await page.evaluate(`[...document.querySelectorAll('.source code')].map((code) => {
    const range = document.createRange()
    range.selectNodeContents(code)
    const tops = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)))
    return { text: code.textContent, lines: tops.size, steps: code.textContent.split('.').length }
  })`)) as { text: string; lines: number; steps: number }[]
  expect(lines.length).toBeGreaterThan(500)
  // A name of 30 letters and more may be longer than the line, and headings of files have blanks.
  const isPlain = (text: string) => !/\w{30}|"/.test(text)
  const broken = lines.filter(({ lines, steps, text }) => lines > steps && isPlain(text))
  expect(broken).toEqual([])
  expect(Math.max(...lines.map(({ lines }) => lines))).toBeLessThanOrEqual(4)
})

test.each(['light', 'dark'] as const)(
  'dictionary texts have a contrast of at least 4.5 in the %s scheme',
  async (colorScheme) => {
    const { page } = await visit(html)
    await page.emulateMedia({ colorScheme })
    await page.click('#open')
    expect(await page.evaluate(faintTexts)).toEqual([])
  },
)

/** Texts of HTML whose contrast with their background is below 4.5, by their words. */
const faintTexts = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number)
  const light = (color) => channels(color).slice(0, 3)
    .map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0)
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor
      if (channels(color)[3] !== 0) return color
    }
    return 'rgb(255, 255, 255)'
  }
  const faint = new Set()
  for (const element of document.querySelectorAll('body *:not(svg *):not(script)')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
    if (!own || !element.checkVisibility()) continue
    const [one, other] = [light(getComputedStyle(element).color), light(ground(element))]
    if ((Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) < 4.5) faint.add(element.textContent)
  }
  return [...faint]
})()`
