import { type RawBuilder, sql } from 'kysely'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { views } from '../../src/open/page/state/place.ts'
import { exact, whole } from '../../src/report/page/format.ts'
import { euroRate, loadEuroRates, loadOnce, one } from '../support/report-warehouse.ts'
import { servedOnce } from '../support/served-page.ts'
import { chromiumOnce } from './browser.ts'
import { figureOf, openAt, settled } from './open-page.ts'

const loaded = loadOnce({ referrals: 500, seed: 7 })
const served = servedOnce(loaded, ({ db }) => loadEuroRates(db))
const visit = chromiumOnce()

const open = (query = '') => openAt(visit, served().url + query)

const tile = (page: Page, name: string): Locator =>
  page.locator('dl.tiles > div').filter({ has: page.locator('dt', { hasText: name }) })

/** The fact of each deal that counts for it, beside all that the filters choose by. */
const deals = sql`
  dw.fact_referral fact
  join dw.dim_engagement deal on deal.primary_referral_key = fact.referral_key
  join dw.dim_status status on status.status_key = fact.status_key
  join dw.dim_referral referral on referral.referral_key = fact.referral_key
  join dw.dim_partner_account account on account.partner_account_key = fact.partner_account_key
  left join dw.dim_customer customer on customer.customer_key = fact.customer_key
  left join dw.dim_date close on close.date_day = fact.expected_close_date
  left join dw.dim_date closed on closed.date_day = fact.closed_date`

const isOpen = sql`status.is_open and not referral.is_missing`

/** Value of the deals in US dollars: exact, by the rates of `loadEuroRates`. */
const dollars = sql`round(sum(fact.deal_value_amount * case fact.currency_code
  when 'USD' then 1 when 'EUR' then ${euroRate}::numeric end), 2)`

describe('figures of the views', () => {
  test.each(views)(
    'the view %s asks only its own server, logs nothing and fails nowhere',
    async (view) => {
      const { page, complaints, requests } = await open(`?view=${view}`)
      expect(complaints).toEqual([])
      expect(await page.getByRole('alert').count()).toBe(0)
      const { url, logged } = served()
      expect(requests.filter((address) => !address.startsWith(url))).toEqual([])
      expect(logged).toEqual([])
    },
  )

  test('the open pipeline by stage has the numbers and exact sums that SQL over the facts returns', async () => {
    const { rows } = await sql<{ stage: string; count: number; value: string | null }>`
      select status.stage_label as stage, count(*) as count, ${dollars} as value
      from ${deals} where ${isOpen}
      group by status.stage_label, status.stage_sort
      order by status.stage_sort`.execute(loaded().db)
    expect(rows.length).toBeGreaterThan(1)
    const { page } = await open()
    const shown = figureOf(page, 'Open pipeline by stage').locator('tbody tr')
    expect(await shown.count()).toBe(rows.length)
    for (const [index, { stage, count, value }] of rows.entries()) {
      const row = shown.nth(index)
      expect(await row.locator('th').innerText()).toBe(stage)
      expect(await row.locator('td').nth(0).locator('> .number').innerText()).toBe(whole(count))
      expect(await row.locator('td').nth(1).locator('> .number').first().innerText()).toBe(
        value === null ? '–' : exact(value, 2),
      )
    }
    const all = await one(
      loaded().db,
      sql<{ count: number; value: string }>`
        select count(*) as count, ${dollars} as value from ${deals} where ${isOpen}`,
    )
    const note = await tile(page, 'Open pipeline').locator('.note').innerText()
    expect(note).toContain(`${whole(all.count)} deals · ${exact(all.value, 2)}`)
  })

  test('the waterfall adds up exactly, from the pipeline of one day to that of the other', async () => {
    const { page } = await open('?compare=2025-06-30')
    const figure = page.locator('figure', { hasText: 'Movement of the open pipeline' })
    const rows = figure.locator('table').first().locator('tbody tr')
    const amounts = (await rows.locator('td:nth-child(3) > .number').allInnerTexts()).map((text) =>
      BigInt(text === '–' ? 0 : text.replaceAll(/[,.]/g, '')),
    )
    const [opening = 0n, ...steps] = amounts
    const closing = steps.pop()
    expect(steps.filter((amount) => amount !== 0n).length).toBeGreaterThan(2)
    expect(steps.reduce((sum, amount) => sum + amount, opening)).toBe(closing)
  })

  test('the tiles name the ends of the waterfall as what they are, and not as all that was won', async () => {
    const { page } = await open('?compare=2025-06-30')
    const { today } = await choicesOf(page)
    const figure = page.locator('figure', { hasText: 'Movement of the open pipeline' })
    const countOf = async (row: string) =>
      figure
        .locator('table')
        .first()
        .locator('tbody tr', { has: page.locator('th', { hasText: row }) })
        .locator('td')
        .first()
        .innerText()
    const names = await page.locator('dl.tiles dt').allInnerTexts()
    expect(names.slice(2)).toEqual(['New and still open', 'Left as won', 'Left as lost'])
    const won = await tile(page, 'Left as won').locator('.note').innerText()
    expect(won.split(' ')[0]).toBe(await countOf('Won'))
    expect(won).toContain(`open on 2025-06-30, won by ${today}`)
    const created = await tile(page, 'New and still open').locator('.note').innerText()
    expect(created.split(' ')[0]).toBe(await countOf('Created'))
  })

  test('won deals by quarter of closing have the exact sums that SQL over the facts returns', async () => {
    const { rows } = await sql<{ quarter: string; count: number; value: string | null }>`
      select closed.fiscal_quarter_label as quarter, count(*) as count, ${dollars} as value
      from ${deals}
      where status.is_won and fact.closed_date <= (now() at time zone 'utc')::date
        and closed.fiscal_year_label in ('FY25', 'FY26')
      group by closed.fiscal_quarter_label
      order by closed.fiscal_quarter_label`.execute(loaded().db)
    expect(rows.length).toBeGreaterThan(4)
    const { page } = await open('?view=won&period=FY25&period=FY26')
    const figure = figureOf(page, 'Won value by fiscal quarter of closing')
    for (const details of await figure.locator('summary').all()) await details.click()
    const shown = await figure.locator('tbody tr').evaluateAll(
      // Runs in the page.
      (found) =>
        found.map((row) => [
          row.querySelector('th')?.textContent,
          row.querySelector('td:nth-child(2) > .number')?.textContent,
          row.querySelector('td:nth-child(3) > .number')?.textContent,
        ]),
    )
    expect(shown).toEqual(
      rows.map(({ quarter, count, value }) => [
        quarter,
        whole(count),
        value === null ? '–' : exact(value, 2),
      ]),
    )
  })

  test('the funnel counts the referrals that SQL over the facts counts', async () => {
    const steps = await one(
      loaded().db,
      sql<Record<string, number>>`
        select count(*) as "Created", count(fact.accepted_date) as "Accepted",
          count(*) filter (where status.is_won) as "Won",
          count(fact.registered_date) as "Registered",
          count(fact.registration_approved_date) as "Approved"
        from dw.fact_referral fact
        join dw.dim_status status on status.status_key = fact.status_key
        join dw.dim_referral referral on referral.referral_key = fact.referral_key
        join dw.dim_date created on created.date_day = fact.created_date
        where created.fiscal_year_label in ('FY25', 'FY26')
          and not (referral.is_missing and status.is_open)`,
    )
    const { page } = await open('?view=funnel&period=FY25&period=FY26')
    const rows = figureOf(page, 'Funnel').locator('tbody tr')
    const shown = await rows.evaluateAll(
      // Runs in the page.
      (found) =>
        found.map((row) => [
          row.querySelector('th')?.textContent,
          row.querySelector('td .number')?.textContent,
        ]),
    )
    expect(Object.fromEntries(shown)).toEqual(
      Object.fromEntries(Object.entries(steps).map(([step, count]) => [step, whole(count)])),
    )
  })

  test('registrations by state and open findings by rule have the numbers of their tables', async () => {
    const { db } = loaded()
    const states = await sql<{ label: string; count: number }>`
      select registration_status as label, count(*) as count
      from dw.fact_registration group by registration_status`.execute(db)
    const findings = await sql<{ label: string; count: number }>`
      select replace(rule_code, '_', ' ') || ' · ' || severity as label, count(*) as count
      from dw.fact_finding group by rule_code, severity
      union all
      select 'expired but open · warn', count(*)
      from dw.fact_referral fact
      join dw.dim_status status on status.status_key = fact.status_key and status.is_open
      where fact.expiration_date < (now() at time zone 'utc')::date
      having count(*) > 0`.execute(db)
    const numbersOf = async (view: string, title: string) => {
      const { page } = await open(`?view=${view}`)
      const rows = await figureOf(page, title)
        .locator('tbody tr')
        .evaluateAll(
          // Runs in the page.
          (found) =>
            found.map((row) => {
              const name = [...(row.querySelector('th')?.childNodes ?? [])]
                .filter(({ nodeName }) => !['SMALL', 'svg'].includes(nodeName))
                .map(({ textContent }) => textContent)
                .join('')
              return [name, row.querySelector('td .number')?.textContent]
            }),
        )
      return Object.fromEntries(rows)
    }
    const expected = (rows: readonly { label: string; count: number }[]) =>
      Object.fromEntries(rows.map(({ label, count }) => [label, whole(count)]))
    expect(await numbersOf('registrations', 'Deal registrations by state')).toEqual(
      expected(states.rows),
    )
    expect(await numbersOf('quality', 'Open findings by rule')).toEqual(expected(findings.rows))
  })
})

describe('filters', () => {
  /** A filter, what SQL chooses by it, and the value that most open deals have. */
  const filters: readonly (readonly [label: string, name: string, column: RawBuilder<unknown>])[] =
    [
      ['Account', 'account', sql`account.account_code`],
      ['Fiscal period', 'period', sql`close.fiscal_year_label`],
      ['Fiscal period', 'period', sql`close.fiscal_quarter_label`],
      ['Solution area', 'area', sql`referral.solution_area`],
      ['Solution play', 'play', sql`referral.solution_play`],
      ['Country', 'country', sql`coalesce(customer.country_code, '')`],
      ['Deal type', 'deal_type', sql`referral.deal_type`],
    ]

  test.each(filters)('%s (%s) chooses the deals that SQL chooses', async (label, name, column) => {
    const { value, count } = await one(
      loaded().db,
      sql<{ value: string; count: number }>`
        select ${column} as value, count(*) as count from ${deals}
        where ${isOpen} and ${column} is not null and ${column} not like '%Sell%'
        group by ${column} order by count(*) desc, ${column} limit 1`,
    )
    const { page } = await open()
    await page.getByRole('button', { name: `${label}: all` }).click()
    const box = page.locator(`fieldset.boxes input[type=checkbox]`)
    const names = await page.locator('fieldset.boxes label').allInnerTexts()
    const { accounts, countries } = await choicesOf(page)
    const shown = [...accounts, ...countries].find((one) => one.value === value)?.label ?? value
    const at = names.findIndex((text) => text.trim() === shown)
    expect(at, `${shown} is among ${names.join(', ')}`).toBeGreaterThanOrEqual(0)
    await box.nth(at).check()
    await settled(page)
    expect(new URL(page.url()).searchParams.getAll(name)).toEqual([value])
    const note = await tile(page, 'Open pipeline').locator('.note').innerText()
    expect(note).toMatch(new RegExp(`^${whole(count)} deals? ·`))
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await expect.poll(() => new URL(page.url()).searchParams.has(name)).toBe(false)
  })

  test('a currency shows the amounts in it alone', async () => {
    const { count, value } = await one(
      loaded().db,
      sql<{ count: number; value: string }>`
        select count(*) as count, sum(fact.deal_value_amount) as value
        from ${deals} where ${isOpen} and fact.currency_code = 'EUR'`,
    )
    const { page } = await open()
    await page.getByLabel('Currency').selectOption('EUR')
    await settled(page)
    expect(new URL(page.url()).searchParams.get('currency')).toBe('EUR')
    const note = await tile(page, 'Open pipeline').locator('.note').innerText()
    expect(note).toContain(`${whole(count)} deals · ${exact(value, 2)}`)
    expect(await page.locator('figcaption', { hasText: 'exchange rate' }).count()).toBe(0)
  })

  test('two values of one filter add up, and two filters narrow', async () => {
    const { page } = await open('?deal_type=Private&deal_type=Partner-led&currency=USD')
    const { count } = await one(
      loaded().db,
      sql<{ count: number }>`
        select count(*) as count from ${deals}
        where ${isOpen} and referral.deal_type in ('Private', 'Partner-led')
          and fact.currency_code = 'USD'`,
    )
    const note = await tile(page, 'Open pipeline').locator('.note').innerText()
    expect(note).toMatch(new RegExp(`^${whole(count)} deals ·`))
    expect(await page.getByRole('button', { name: 'Deal type: 2 of' }).count()).toBe(1)
  })
})

describe('days', () => {
  /** Deals open at the end of a day, by the history of referrals and of deals. */
  const openOn = (day: string) =>
    one(
      loaded().db,
      sql<{ count: number }>`
        select count(*) as count
        from dw.fact_referral_history history
        join dw.dim_status status on status.status_key = history.status_key and status.is_open
        join dw.fact_engagement_history deal on deal.primary_referral_key = history.referral_key
          and deal.valid_from_date <= ${day}::date
          and coalesce(deal.valid_to_date, 'infinity') > ${day}::date
        where history.valid_from_date <= ${day}::date
          and coalesce(history.valid_to_date, 'infinity') > ${day}::date
          and not history.is_missing`,
    )

  test('the slider moves the day by keys, and the figures are those of that day', async () => {
    const { page } = await open()
    const { today } = await choicesOf(page)
    const slider = page.getByRole('slider')
    const dayAsked = () => new URL(page.url()).searchParams.get('as_of')
    await slider.focus()
    for (let days = 1; days <= 3; days++) await page.keyboard.press('ArrowLeft')
    await expect.poll(dayAsked).toBe(addDays(today, -3))
    // What was moved in one go is one step back.
    await page.goBack()
    await expect.poll(dayAsked).toBeNull()
    await slider.focus()
    await page.keyboard.press('Home')
    await settled(page)
    const first = dayAsked() ?? ''
    expect(await slider.getAttribute('aria-valuetext')).toBe(first)
    expect(await shownCount(page)).toBe((await openOn(first)).count)
  })

  test('a typed day and a day to compare with show the pipeline of both', async () => {
    const { page } = await open()
    await page.getByLabel('As of', { exact: true }).fill('2025-12-31')
    await page.getByLabel('against', { exact: true }).fill('2025-03-31')
    await settled(page)
    const { searchParams } = new URL(page.url())
    expect([searchParams.get('as_of'), searchParams.get('compare')]).toEqual([
      '2025-12-31',
      '2025-03-31',
    ])
    expect(await shownCount(page)).toBe((await openOn('2025-12-31')).count)
    const rows = page.locator('figure', { hasText: 'Movement of the open' }).locator('tbody tr')
    const opening = rows.filter({ hasText: 'Opening' }).locator('td').first()
    expect(await opening.innerText()).toBe(whole((await openOn('2025-03-31')).count))
  })

  test('today stays in the address when it was picked, and is left out while it was not', async () => {
    const { page } = await open('?as_of=2025-12-31')
    const { today } = await choicesOf(page)
    const asked = () => new URL(page.url()).searchParams.get('as_of')
    await page.getByLabel('As of', { exact: true }).fill(today)
    await expect.poll(asked).toBe(today)
    const other = await open()
    await other.page.getByRole('button', { name: 'the month end before' }).click()
    await expect.poll(() => other.page.url()).toContain('compare=')
    expect(new URL(other.page.url()).searchParams.has('as_of')).toBe(false)
  })

  test('a page that is open past midnight follows the day of the server', async () => {
    const { page } = await open()
    const { today } = await choicesOf(page)
    const tomorrow = addDays(today, 1)
    const asOf = page.getByLabel('As of', { exact: true })
    expect(await asOf.inputValue()).toBe(today)
    // The same answers, by a server on which the next day has begun.
    await page.route('**/data/**', async (route) => {
      const response = await route.fetch()
      const headers = { ...response.headers(), date: `${tomorrow}T00:00:01Z` }
      const body = (await response.text()).replaceAll(`"${today}"`, `"${tomorrow}"`)
      await route.fulfill({ response, headers, body })
    })
    await page.getByRole('link', { name: 'Funnel' }).click()
    await expect.poll(() => asOf.inputValue()).toBe(tomorrow)
    expect(await asOf.getAttribute('max')).toBe(tomorrow)
    // The page is that of the next tests too; an answer that is still under way is of no interest.
    await page.unrouteAll({ behavior: 'ignoreErrors' })
  })

  test('the buttons compare with the last month end and with a year before', async () => {
    const { page } = await open('?as_of=2026-01-15')
    await page.getByRole('button', { name: 'the month end before' }).click()
    const compared = () => new URL(page.url()).searchParams.get('compare')
    await expect.poll(compared).toBe('2025-12-31')
    await page.getByRole('button', { name: 'a year before' }).click()
    await expect.poll(compared).toBe('2025-01-15')
    const year = page.getByRole('button', { name: 'a year before' })
    expect(await year.getAttribute('aria-pressed')).toBe('true')
  })

  test('a day that is none is refused with a sentence, and the page stays usable', async () => {
    const { page } = await visit(`${served().url}?as_of=yesterday`)
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').innerText()).toContain('YYYY-MM-DD')
    expect(await page.getByRole('navigation', { name: 'Views' }).count()).toBe(1)
  })
})

interface Told {
  readonly today: string
  readonly accounts: readonly { readonly value: string; readonly label: string }[]
  readonly countries: readonly { readonly value: string; readonly label: string }[]
}

async function choicesOf(page: Page): Promise<Told> {
  return (await page.evaluate(`fetch('data/choices').then((answer) => answer.json())`)) as Told
}

function addDays(day: string, count: number): string {
  return new Date(Date.parse(day) + count * 86_400_000).toISOString().slice(0, 10)
}

async function shownCount(page: Page): Promise<number> {
  const note = await tile(page, 'Open pipeline').locator('.note').innerText()
  return Number(note.replaceAll(',', '').match(/^\d+/)?.[0])
}
