import { stat } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { renderReport } from '../../../src/report/page/report-page.ts'
import { readReport } from '../../../src/report/queries/read-report.ts'
import { withDatabase } from '../../support/database.ts'
import { anAccount, failureOf, load, referralIdOf } from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'
import {
  aDeal,
  businessDay,
  loadEuroRates,
  loadOnce,
  one,
  won,
} from '../../support/report-warehouse.ts'
import { resultOf, runCli } from '../../support/run-cli.ts'

const now = new Date('2026-07-01T05:20:00Z')
const loaded = loadOnce({ referrals: 400, seed: 3, broken: 1 })

test('readReport has what happened since the last week end and month end before its day', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    const before = [1, 2, 3].map((no) => aDeal(no, '2025-10-20T10:00:00Z'))
    await load(account, before, { at: '2025-10-21T02:00:00Z' })
    // Won in the month and before the last Sunday, 9 November; grown after it.
    const closed = '2025-11-05T10:00:00Z'
    await load(account, [aDeal(1, closed, { ...won, closed })], { at: '2025-11-06T02:00:00Z' })
    const due = { value: 150, expires: '2025-12-11' }
    await load(account, [aDeal(2, '2025-11-11T10:00:00Z', due)], { at: '2025-11-12T02:00:00Z' })
    const report = await readReport(warehouse.query, now, '2025-11-12')
    const said = report.headline.since.map(({ day, movement, won, decided_count, due }) => ({
      day,
      movement: movement
        .filter(({ count }) => count > 0)
        .map(({ label, count, amounts }) => [label, count, amounts.converted]),
      won: won.count,
      decided_count,
      due: due.count,
    }))
    expect(said).toEqual([
      {
        day: '2025-11-09',
        movement: [
          ['Opening', 2, '200.00'],
          ['Grew', 1, '50.00'],
          ['Closing', 2, '250.00'],
        ],
        won: 0,
        decided_count: 0,
        due: 1,
      },
      {
        day: '2025-10-31',
        movement: [
          ['Opening', 3, '300.00'],
          ['Grew', 1, '50.00'],
          ['Won', 1, '-100.00'],
          ['Closing', 2, '250.00'],
        ],
        won: 1,
        decided_count: 1,
        due: 1,
      },
    ])
    const text = renderReport(report).replace(/<[^>]+>/g, ' ')
    expect(text).toContain('Since 2025-11-09: ±0 deals, +USD 50')
    expect(text).toContain('Since 2025-10-31: −1 deal, −USD 50')
    expect(text).toContain('Since 2025-10-31: 1 won of 1 decided')
    expect(text).toContain('Since 2025-11-09: 1 newly due')
    expect(text).toContain('same day')
  }))

test('readReport of one account leaves out the others in every figure, and knows its accounts', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const [north, south] = [await anAccount(warehouse), await anAccount(warehouse, 'south')]
    const whole = (no: number) => aReferral({ id: referralIdOf(no), name: `Deal ${no}` })
    const open = (no: number) =>
      aDeal(no, '2025-11-01T10:00:00Z', { expires: '2025-12-12', value: 10 ** no })
    await load(north, [whole(1), open(2)])
    await load(south, [whole(3), open(4), open(5)])
    const at = (account?: string, isAsOf = false) =>
      readReport(warehouse.query, now, '2025-12-31', { account, isAsOf })
    for (const isAsOf of [false, true]) {
      const [all, one, other] = [
        await at(undefined, isAsOf),
        await at('north', isAsOf),
        await at('south', isAsOf),
      ]
      const counts = ({ headline, ...report }: typeof all) => [
        ...[
          headline.open.count,
          headline.won.count,
          headline.signed.count,
          headline.in_force.count,
        ],
        ...[headline.since[1]?.movement.at(-1)?.count ?? 0, headline.decided_count],
        ...[report.month_ends.reduce((sum, { count }) => sum + count, 0), report.accounts.length],
        ...[report.funnel.steps[0]?.count ?? 0, report.registrations[0]?.count ?? 0],
        ...[report.schedule.reduce((sum, { count }) => sum + count, 0)],
        ...[report.solutions.groups[0]?.count ?? 0, report.expiring.overdue.length],
        ...[report.findings.reduce((sum, { finding_count }) => sum + finding_count, 0)],
      ]
      const sums = counts(one).map((count, index) => count + (counts(other)[index] ?? 0))
      expect(counts(all)).toEqual(sums)
      expect(Math.min(...counts(one))).toBeGreaterThan(0)
      expect(one.accounts.map(({ account }) => account)).toEqual(['north'])
      expect(renderReport(one)).not.toMatch(/Deal [345]\b|south/)
    }
    expect(await failureOf(at('west'))).toMatchObject({
      code: 'account.unknown',
      message: expect.stringContaining('north, south'),
    })
  }))

test('the movement ends with the pipeline on the day, also when its last deal was won', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    await load(account, [aDeal(1, '2025-11-01T10:00:00Z')], { at: '2025-11-02T02:00:00Z' })
    const closed = '2025-11-11T10:00:00Z'
    await load(account, [aDeal(1, closed, { ...won, closed })], { at: '2025-11-12T02:00:00Z' })
    const report = await readReport(warehouse.query, now, '2025-11-12')
    const [week] = report.headline.since
    expect(week?.movement.map(({ label }) => label)).toEqual([
      ...['Opening', 'Created', 'Returned', 'Grew', 'Shrank', 'Changed currency', 'Won', 'Lost'],
      ...['Dropped', 'Missing', 'Closing'],
    ])
    const text = renderReport(report)
      .replace(/<[^>]+>/g, ' ')
      .replace(/\s+/g, ' ')
    const left = 'Won -100.00 1 deal -100.00 1 deal'
    expect(text).toContain(
      `Opening 100.00 1 deal 100.00 1 deal ${left} Closing 0.00 0 deals 0.00 0 deals`,
    )
  }))

test('a referral is newly due unless it was open and within the days before', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    const due = (no: number, updated: string, expires: string) => aDeal(no, updated, { expires })
    await load(
      account,
      [
        due(1, '2025-11-01T10:00:00Z', '2025-11-20'),
        due(2, '2025-11-01T10:00:00Z', '2026-02-01'),
        due(3, '2025-11-01T10:00:00Z', '2025-12-11'),
      ],
      { at: '2025-11-02T02:00:00Z' },
    )
    const later = [
      due(2, '2025-11-11T10:00:00Z', '2025-11-25'),
      { ...due(4, '2025-11-11T10:00:00Z', '2025-11-20'), createdDateTime: '2025-11-11T08:00:00Z' },
    ]
    await load(account, later, { at: '2025-11-12T02:00:00Z' })
    for (const isAsOf of [false, true]) {
      const report = await readReport(warehouse.query, now, '2025-11-12', { isAsOf })
      expect(report.expiring.group.count).toBe(4)
      // By the week and by the month: the second's day moved, the third came near, the fourth is new.
      expect(report.headline.since.map(({ due }) => due.count)).toEqual([3, 3])
    }
  }))

test('the report of an account that has one currency needs no rates, whatever the others have', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const euro = aDeal(2, '2025-11-01T10:00:00Z')
    await load(await anAccount(warehouse), [aDeal(1, '2025-11-01T10:00:00Z')])
    await load(await anAccount(warehouse, 'south'), [
      { ...euro, details: { ...euro.details, currency: 'EUR' } },
    ])
    const at = (account?: string) =>
      readReport(warehouse.query, now, '2025-12-31', account === undefined ? {} : { account })
    expect((await at('north')).is_converted).toBe(true)
    expect((await at('south')).is_converted).toBe(false)
    expect((await at()).is_converted).toBe(false)
  }))

test('the movement of the report closes with the open pipeline that the report shows', async () => {
  const { db } = loaded()
  await loadEuroRates(db)
  const report = await readReport(db, now, businessDay)
  for (const { movement } of report.headline.since) {
    const closing = movement.at(-1)
    expect(closing?.label).toBe('Closing')
    expect(closing?.count).toBe(report.headline.open.count)
    const own = ({ amounts }: { amounts: typeof report.headline.open.amounts }) =>
      amounts.by_currency.map(({ currency_code, amount }) => `${currency_code} ${amount}`).sort()
    expect(closing && own(closing)).toEqual(own(report.headline.open))
  }
  const counted = await one(
    db,
    sql<{ overdue: number }>`
      select count(*) as overdue from mart.referral
      where is_open and expiration_date < ${businessDay}::date`,
  )
  const { overdue, overdue_count } = report.expiring
  expect(overdue_count).toBe(counted.overdue)
  expect(overdue.length).toBe(Math.min(20, counted.overdue))
  expect(overdue.every(({ days_left }) => days_left < 0)).toBe(true)
})

test('cosell report writes a file of its owner alone, of one account and day', async () => {
  const { home, url } = loaded()
  const env = { COSELL_HOME: home, COSELL_DATABASE_URL: url }
  const account = await one(
    loaded().db,
    sql<{ name: string }>`select account_code as name from dw.dim_partner_account`,
  )
  const written = await runCli(
    ['report', '--json', '--out', 'past.html', '--account', account.name, '--as-of', '2026-03-31'],
    { cwd: home, env },
  )
  expect(resultOf(written)).toMatchObject({ status: 'written' })
  const { mode } = await stat(path.join(home, 'past.html'))
  expect(mode & 0o777).toBe(0o600)
  const unknown = await runCli(['report', '--json', '--account', 'nobody'], { cwd: home, env })
  expect([unknown.code, resultOf(unknown)]).toMatchObject([2, { code: 'account.unknown' }])
  const noDay = await runCli(['report', '--as-of', 'yesterday'], { cwd: home, env })
  expect(noDay.code).toBe(2)
  const toCome = await runCli(['report', '--json', '--as-of', '2099-12-31'], { cwd: home, env })
  expect([toCome.code, resultOf(toCome)]).toMatchObject([2, { code: 'report.future_day' }])
})
