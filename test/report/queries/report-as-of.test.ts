import { expect, test } from 'vitest'
import { renderReport } from '../../../src/report/page/report-page.ts'
import { readReport } from '../../../src/report/queries/read-report.ts'
import { withDatabase } from '../../support/database.ts'
import { anAccount, failureOf, load } from '../../support/load-referrals.ts'
import { aReferral, aRegistration } from '../../support/referral-builder.ts'
import { aDeal, loadOnce, won } from '../../support/report-warehouse.ts'

const now = new Date('2026-07-01T05:20:00Z')
const loaded = loadOnce({ referrals: 400, seed: 3 })

test('readReport as of a day shows deals and registrations as they stood at its end', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    const first = [
      aDeal(1, '2025-11-01T10:00:00Z', { expires: '2025-11-12' }),
      aDeal(2, '2025-11-01T10:00:00Z', { expires: '2025-11-01' }),
      aDeal(3, '2025-11-01T10:00:00Z'),
    ]
    await load(account, first, { at: '2025-11-02T02:00:00Z' })
    const second = [
      aDeal(1, '2025-11-20T10:00:00Z', { value: 700, expires: '2026-03-01' }),
      aDeal(2, '2025-11-20T10:00:00Z', { ...won, closed: '2025-11-20T10:00:00Z' }),
      aReferral({
        ...aDeal(3, '2025-11-20T10:00:00Z', { ...won, closed: '2025-11-20T10:00:00Z' }),
        registrationStatus: 'Approved',
        registrations: [aRegistration({ registrationDateTime: '2025-11-20T10:00:00Z' })],
      }),
    ]
    await load(account, second, { at: '2025-11-21T02:00:00Z' })
    const at = (day: string) => readReport(warehouse.query, now, day, { isAsOf: true })

    const then = await at('2025-11-05')
    expect(then.headline.open).toMatchObject({ count: 3, amounts: { converted: '300.00' } })
    expect(then.headline.won.count).toBe(0)
    expect(then.headline.signed.count).toBe(0)
    expect(then.registrations).toEqual([])
    expect(then.schedule.every(({ count }) => count === 0)).toBe(true)
    expect(then.solutions.groups).toEqual([])
    expect(then.funnel.steps.map(({ label, count }) => `${label} ${count}`)).toEqual([
      ...['Created 3', 'Accepted 3', 'Won 0', 'Registered 0', 'Approved 0'],
    ])
    expect(then.expiring.referrals.map(({ referral_name }) => referral_name)).toEqual(['Deal 1'])
    expect(then.expiring.overdue.map((late) => [late.referral_name, late.days_left])).toEqual([
      ['Deal 2', -4],
    ])
    const page = renderReport(then)
    expect(page).toContain('Business as of 2025-11-05')
    expect(page).toContain('4 days ago')
    expect(page).toContain('as they stood at the end of 2025-11-05')

    const later = await at('2025-11-30')
    expect(later.headline.open).toMatchObject({ count: 1, amounts: { converted: '700.00' } })
    expect(later.headline.won).toMatchObject({ count: 2, amounts: { converted: '200.00' } })
    expect(later.registrations.map(({ label, count }) => [label, count])).toEqual([['Approved', 1]])
    expect(later.solutions.groups).toHaveLength(1)
  }))

test('a deal is won in the quarter in which it was closed by the day, also if it was reopened and won again', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    const nights = [
      aDeal(1, '2025-11-01T10:00:00Z'),
      aDeal(1, '2025-11-05T10:00:00Z', { ...won, closed: '2025-11-05T10:00:00Z' }),
      aDeal(1, '2025-11-20T10:00:00Z'),
      aDeal(1, '2026-01-20T10:00:00Z', { ...won, closed: '2026-01-20T10:00:00Z' }),
    ]
    const said = async (day: string, isAsOf = true) => {
      const { headline, funnel, won_by_quarter } = await readReport(warehouse.query, now, day, {
        isAsOf,
      })
      const quarters = won_by_quarter.filter(({ count }) => count > 0).map(({ label }) => label)
      const step = funnel.steps.find(({ label }) => label === 'Won')
      return [headline.won.count, headline.decided_count, quarters, step?.count, step?.median_days]
    }
    for (const night of nights) {
      const updated = night.updatedDateTime ?? ''
      await load(account, [night], { at: updated.replace('T10', 'T23') })
      if (updated < '2025-11-05') continue
      // Created on 1 September.
      expect(await said('2025-11-10')).toEqual([1, 1, ['FY26 Q2'], 1, 65])
    }
    expect(await said('2025-11-30')).toEqual([0, 0, [], 0, null])
    expect(await said('2026-01-20')).toEqual([1, 1, ['FY26 Q3'], 1, 141])
    expect(await said('2026-07-01')).toEqual(await said('2026-07-01', false))
  }))

test('each registration has its own state as of a day, whatever that of its referral', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const reviewed = (id: string, status: string, statusHistory: object) =>
      aRegistration({
        id,
        status,
        registrationDateTime: '2025-12-10T09:18:01Z',
        statusHistory: { reviewPendingDateTime: '2025-12-10T09:18:01Z', ...statusHistory },
      })
    const referral = aReferral({
      registrations: [
        reviewed('one', 'Approved', { approvedDateTime: '2025-12-12T09:18:01Z' }),
        reviewed('two', 'Failed', { failedDateTime: '2025-12-15T09:18:01Z' }),
      ],
      updatedDateTime: '2025-12-15T10:00:00Z',
    })
    await load(await anAccount(warehouse), [referral])
    const states = async (day: string, isAsOf = true) => {
      const report = await readReport(warehouse.query, now, day, { isAsOf })
      const approved = report.funnel.steps.find(({ label }) => label === 'Approved')?.count
      return {
        ...Object.fromEntries(report.registrations.map((one) => [one.label, one.count])),
        approved,
      }
    }
    expect(await states('2025-12-09')).toEqual({ approved: 0 })
    expect(await states('2025-12-11')).toEqual({ ReviewPending: 2, approved: 0 })
    expect(await states('2025-12-13')).toEqual({ Approved: 1, ReviewPending: 1, approved: 1 })
    expect(await states('2026-07-01')).toEqual({ Approved: 1, Failed: 1, approved: 1 })
    expect(await states('2026-07-01', false)).toEqual(await states('2026-07-01'))
  }))

test('an approval that was taken back is one as of the days on which it held', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const account = await anAccount(warehouse)
    const pending = { reviewPendingDateTime: '2025-12-10T09:18:01Z' }
    const approved = { ...pending, approvedDateTime: '2025-12-12T09:18:01Z' }
    const night = (status: string, statusHistory: object, updatedDateTime: string) =>
      load(
        account,
        [
          aReferral({
            updatedDateTime,
            registrationStatus: status,
            registrations: [
              aRegistration({
                status,
                registrationDateTime: '2025-12-10T09:18:01Z',
                statusHistory,
              }),
            ],
          }),
        ],
        { at: updatedDateTime.replace('T10', 'T23') },
      )
    await night('Approved', approved, '2025-12-12T10:00:00Z')
    const failed = { ...approved, failedDateTime: '2025-12-20T09:18:01Z' }
    await night('Failed', failed, '2025-12-20T10:00:00Z')
    const at = (day: string) => readReport(warehouse.query, now, day, { isAsOf: true })
    const step = { label: 'Approved', count: 1, median_days: 102 }
    expect((await at('2025-12-15')).registrations.map(({ label }) => label)).toEqual(['Approved'])
    expect((await at('2025-12-15')).funnel.steps.at(-1)).toEqual(step)
    expect((await at('2025-12-21')).registrations.map(({ label }) => label)).toEqual(['Failed'])
    expect((await at('2025-12-21')).funnel.steps.at(-1)).toMatchObject({ count: 0 })
  }))

test.each([
  { status: 'Approved', why: 'from its first review' },
  { status: 'None', why: 'from the day of its referral' },
])('a registration in $status without a date is there $why', ({ status }) =>
  withDatabase(async (_db, _url, warehouse) => {
    const undated = aRegistration({ status, registrationDateTime: null, statusHistory: null })
    const referral = aReferral({ registrationStatus: status, registrations: [undated] })
    await load(await anAccount(warehouse), [referral])
    const counts = async (day: string, isAsOf = true) => {
      const report = await readReport(warehouse.query, now, day, { isAsOf })
      const { signed, in_force } = report.headline
      return [
        ...report.registrations.map(({ label, count }) => `${label} ${count}`),
        ...[signed.count, in_force.count, report.solutions.label_count],
        report.schedule.reduce((sum, { count }) => sum + count, 0),
      ]
    }
    const today = await counts('2026-07-01', false)
    expect(today.slice(0, 4)).toEqual([`${status} 1`, 1, 1, 1])
    expect(await counts('2026-07-01')).toEqual(today)
    // The referral was created on 1 September, and updated on 10 December.
    expect(await counts('2025-08-31')).toEqual([0, 0, 0, 0])
    const earlier = await counts('2025-11-30')
    expect(earlier[0]).toBe(status === 'None' ? 'None 1' : 0)
  }),
)

test('a report as of a day to come is refused with the day that it is', () =>
  withDatabase(async (_db, _url, warehouse) => {
    const at = (day: string) => readReport(warehouse.query, now, day, { isAsOf: true })
    const refused = await failureOf(at('2026-07-02'))
    expect(refused).toMatchObject({
      code: 'report.future_day',
      exitCode: 2,
      message: expect.stringMatching(/2026-07-01.*got 2026-07-02/),
    })
    expect((await at('2026-07-01')).is_as_of).toBe(true)
  }))

test('a report as of today counts what the report of now counts', async () => {
  const counts = async (isAsOf: boolean) => {
    const report = await readReport(loaded().db, now, '2026-07-01', { isAsOf })
    const { headline, funnel, expiring } = report
    const named = (groups: readonly { label: string; count: number }[]) =>
      Object.fromEntries(groups.map(({ label, count }) => [label, count]))
    const { open, won, decided_count, signed, in_force, since } = headline
    return {
      headline: [open.count, won.count, decided_count, signed.count, in_force.count],
      since: since.map((one) => [one.won.count, one.decided_count, one.due.count]),
      funnel: funnel.steps,
      quarters: named(report.won_by_quarter),
      registrations: report.registrations.map(({ amounts: _, ...one }) => one),
      stages: named(report.stages),
      lists: [expiring.group.count, expiring.overdue_count, report.solutions.label_count],
      schedule: named(report.schedule),
    }
  }
  const today = await counts(false)
  expect(await counts(true)).toEqual(today)
  expect(Math.min(...today.headline)).toBeGreaterThan(5)
})
