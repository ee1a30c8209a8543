import { sql } from 'kysely'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { exact, whole } from '../../src/report/page/format.ts'
import { renderReport } from '../../src/report/page/report-page.ts'
import { readReport } from '../../src/report/queries/read-report.ts'
import { aGroup, someReportData } from '../support/report-data-builder.ts'
import { businessDay, euroRate, loadEuroRates, loadOnce } from '../support/report-warehouse.ts'
import { browserOnce } from './browser.ts'
import { faintTexts, luminance } from './contrast.ts'

const loaded = loadOnce({ referrals: 300, seed: 5 })
const visit = browserOnce()

let report: Promise<string> | undefined

/** Opens the report of a sandbox, in which some currencies have no rate. */
async function openReport() {
  report ??= loadEuroRates(loaded().db)
    .then(() => readReport(loaded().db, new Date('2026-07-01T05:20:00Z'), businessDay))
    .then(renderReport)
  return visit(await report)
}

const schemes = ['light', 'dark'] as const

test('the report requests only itself and logs no errors', async () => {
  const { page, complaints, requests } = await openReport()
  expect(requests).toEqual([page.url()])
  expect(complaints).toEqual([])
  expect(await page.evaluate('document.scripts.length')).toBe(0)
})

describe.each(schemes)('%s colour scheme', (colorScheme) => {
  test(`report texts have a contrast of at least 4.5 in the ${colorScheme} scheme`, async () => {
    const { page } = await openReport()
    await page.emulateMedia({ colorScheme })
    await openDetails(page)
    const faint = await page.evaluate(faintTexts)
    expect(faint).toEqual([])
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
      colorScheme === 'dark' ? 'rgb(18, 23, 29)' : 'rgb(255, 255, 255)',
    )
  })

  test(`neighbouring layers of a column differ in lightness in the ${colorScheme} scheme`, async () => {
    const { page } = await openReport()
    await page.emulateMedia({ colorScheme })
    const grounds = (await page.evaluate(seriesLuminances)) as number[]
    expect(grounds).toHaveLength(6)
    const steps = grounds.slice(1).map((light, index) => {
      const before = grounds[index] ?? 0
      return (Math.max(light, before) + 0.05) / (Math.min(light, before) + 0.05)
    })
    expect(Math.min(...steps)).toBeGreaterThan(1.5)
  })
})

test.each([320, 390, 1280])('the report fits a screen of %d pixels', async (width) => {
  const { page } = await openReport()
  await page.setViewportSize({ width, height: 900 })
  expect(await page.evaluate(scrollingTables)).toEqual([])
  await openDetails(page)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
})

test('report figures have accessible names, and heading levels are not skipped', async () => {
  const { page } = await openReport()
  const session = await page.context().newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  const pictured = nodes
    .filter(({ role }) => ['figure', 'image'].includes(String(role?.value)))
    .map(({ role, name, description }) => ({
      role: String(role?.value),
      name: String(name?.value ?? ''),
      description: String(description?.value ?? ''),
    }))
  expect(pictured.filter(({ name }) => name.trim() === '')).toEqual([])
  const of = (kind: string) => pictured.filter(({ role }) => role === kind)
  expect(of('figure')).toHaveLength(await page.locator('figure').count())
  expect(of('image')).toHaveLength(await page.locator('svg[role=img]').count())
  expect(of('image').length).toBe(4)
  const levels = await page.locator('h1, h2, h3, h4').evaluateAll(
    // Runs in the page.
    (headings) => headings.map((heading) => Number(heading.tagName.slice(1))),
  )
  expect(levels).toEqual([1, ...Array(levels.length - 1).fill(2)])
})

test('the report prints with the tables behind its charts', async () => {
  const { page } = await openReport()
  expect(await page.locator('#won-chart-t').count()).toBe(1)
  await page.emulateMedia({ media: 'print' })
  const behind = page.locator('details table').first()
  expect((await behind.boundingBox())?.height).toBeGreaterThan(100)
  const printed = await page.pdf({ format: 'A4' })
  expect(printed.subarray(0, 5).toString()).toBe('%PDF-')
  await page.emulateMedia({ media: 'screen' })
})

test('the report shows the values that SQL over the facts of each deal returns', async () => {
  const { page } = await openReport()
  const stages = await sql<{ stage: string; deals: number; value: string; others: number }>`
    select status.stage_label as stage, count(*) as deals,
      round(sum(fact.deal_value_amount * case fact.currency_code
        when 'USD' then 1 when 'EUR' then ${euroRate}::numeric end), 2) as value,
      count(distinct fact.currency_code)
        filter (where fact.currency_code not in ('USD', 'EUR')
          and fact.deal_value_amount is not null) as others
    from dw.fact_referral fact
    join dw.dim_engagement deal on deal.primary_referral_key = fact.referral_key
    join dw.dim_status status on status.status_key = fact.status_key and status.is_open
    group by status.stage_label, status.stage_sort
    order by status.stage_sort`.execute(loaded().db)
  const rows = page.locator('figure[aria-labelledby=stages] tbody tr')
  expect(await rows.count()).toBe(stages.rows.length)
  for (const [index, { stage, deals, value, others }] of stages.rows.entries()) {
    const row = rows.nth(index)
    expect(await row.locator('th').innerText()).toBe(stage)
    expect(await row.locator('td').first().innerText()).toBe(whole(deals))
    expect(await row.locator('td').last().locator('> .number').innerText()).toBe(
      value === null ? '–' : exact(value, 2),
    )
    expect(await row.locator('small').count()).toBe(others)
  }

  const { rows: won } = await sql<{ quarter: string; value: string }>`
    select day.fiscal_quarter_label as quarter,
      round(sum(fact.deal_value_amount * case fact.currency_code
        when 'USD' then 1 when 'EUR' then ${euroRate}::numeric end), 2) as value
    from dw.fact_referral fact
    join dw.dim_engagement deal on deal.primary_referral_key = fact.referral_key
    join dw.dim_status status on status.status_key = fact.status_key and status.is_won
    join dw.dim_date day on day.date_day = fact.closed_date and day.fiscal_year = 2026
    group by day.fiscal_quarter_label
    having sum(fact.deal_value_amount) is not null
    order by day.fiscal_quarter_label`.execute(loaded().db)
  await openDetails(page)
  const figure = page.locator('figure[aria-labelledby=won]')
  for (const { quarter, value } of won) {
    const row = figure.locator('tbody tr').filter({ hasText: quarter })
    expect(await row.locator('td').last().locator('> .number').innerText()).toBe(exact(value, 2))
  }
  const heights = await figure.locator('rect').evaluateAll(
    // Runs in the page.
    (columns) => columns.map((column) => Number(column.getAttribute('height'))),
  )
  const largest = Math.max(...won.map(({ value }) => Number(value)))
  const last = won.map(({ value }) => Number(value) / largest)
  const drawn = heights.slice(-won.length)
  const tallest = Math.max(...drawn)
  for (const [index, share] of last.entries()) {
    expect((drawn[index] ?? 0) / tallest).toBeCloseTo(share, 1)
  }
})

test('hostile names run no script and do not widen the report', async () => {
  const name = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>\u202E${'W'.repeat(300)}`
  const referral = {
    account: name,
    referral_id: 'W'.repeat(300),
    referral_name: name,
    stage_label: name,
    expiration_date: '2026-07-04',
    days_left: 3,
    amount: '99999999999999999999.9999',
    currency_code: 'W'.repeat(60),
    minor_unit: 2,
  }
  const expiring = {
    days: 30,
    group: aGroup(''),
    overdue_count: 0,
    overdue: [referral],
    referrals: [referral],
  }
  const stages = [aGroup(name)]
  const month_ends = [{ period: '2026-05-31', ...aGroup(name) }]
  const { page, complaints, requests } = await visit(
    renderReport(someReportData({ expiring, stages, month_ends })),
  )
  await page.setViewportSize({ width: 320, height: 900 })
  await openDetails(page)
  expect(complaints).toEqual([])
  expect(requests).toEqual([page.url()])
  expect(await page.locator('script, img').count()).toBe(0)
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
})

async function openDetails(page: Page) {
  await page.evaluate('document.querySelectorAll("details").forEach((one) => (one.open = true))')
}

/** Runs in the page: the tables that are wider than the screen and scroll. */
const scrollingTables = `[...document.querySelectorAll('.scroll')]
  .filter((frame) => frame.scrollWidth > frame.clientWidth)
  .map((frame) => frame.closest('figure').textContent.slice(0, 40))`

/** Runs in the page: the luminance of each series in order. */
const seriesLuminances = `(() => {${luminance}
  const svg = document.querySelector('svg.columns')
  return [0, 1, 2, 3, 4, 5].map((series) => {
    const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
    rect.setAttribute('class', 's' + series)
    svg.append(rect)
    const light = luminance(getComputedStyle(rect).fill)
    rect.remove()
    return light
  })
})()`
