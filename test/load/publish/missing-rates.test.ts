import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Quotes } from '../../../src/exchange-rates/quotes.ts'
import { applyReportingCurrency, loadRates } from '../../../src/exchange-rates/store.ts'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  load,
  referralIdOf,
  reload,
  type TestAccount,
} from '../../support/load-referrals.ts'
import { aLine, aReferral, aRegistration } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

/** Dollars for one unit, day by day. */
const rates = (...lines: readonly (readonly [date: string, currency: string])[]): Quotes => ({
  source: 'manual',
  base: 'USD',
  quotes: lines.map(([date, currency]) => ({
    date,
    currency,
    baseUnits: '1.5',
    currencyUnits: '1',
  })),
})

/** A closed deal of a currency, with nothing registered. */
const aDeal = (
  no: number,
  currency: string | null,
  closedDay: string,
  more: Partial<Referral> = {},
) =>
  aReferral({
    id: referralIdOf(no),
    closedDateTime: `${closedDay}T12:00:00Z`,
    details: { dealValue: 1000, currency },
    registrations: [],
    ...more,
  })

/** An open one, expected to close on a day. */
const anOpenDeal = (no: number, currency: string, expectedDay: string) =>
  aDeal(no, currency, expectedDay, {
    status: 'Active',
    substatus: 'Accepted',
    closedDateTime: null,
    details: { dealValue: 1000, currency, closingDateTime: `${expectedDay}T00:00:00Z` },
  })

/** `referral number, item, observed` of the open findings; 0 for those of the account. */
async function missing({ warehouse }: TestAccount): Promise<string[]> {
  const rows = await warehouse.query
    .selectFrom('dw.fact_finding')
    .select(['referral_id', 'item_ref', 'observed_value'])
    .where('rule_code', '=', 'missing_fx_rate')
    .orderBy('referral_id')
    .orderBy('item_ref')
    .execute()
  return rows.map((row) =>
    [Number(row.referral_id.slice(-4)), row.item_ref, row.observed_value ?? '-'].join(' '),
  )
}

test('a currency without any rate is one finding for any number of referrals', () =>
  withAccount(async (account) => {
    const deals = [1, 2, 3].map((no) => aDeal(no, 'EUR', '2025-12-10'))
    await load(account, [...deals, aDeal(4, 'GBP', '2025-12-10'), aDeal(5, 'USD', '2025-12-10')])
    expect(await missing(account)).toEqual(['0 EUR -', '0 GBP -'])
  }))

test('a contract that is dated ahead, or has no day, needs the rate of today', () =>
  withAccount(async (account) => {
    const today = new Date().toISOString().slice(0, 10)
    await loadRates(account.warehouse.query, 'USD', rates([today, 'EUR']))
    const value = { value: 9000, currency: 'EUR', term: 'Perpetual' }
    const contracts = [
      { ...value, signDateTime: '2097-03-31T00:00:00Z', startDateTime: '2097-04-01T00:00:00Z' },
      { ...value, startDateTime: '2097-04-01T00:00:00Z' },
      { ...value, signDateTime: `${today}T00:00:00Z` },
    ]
    await load(
      account,
      contracts.map((contract, no) =>
        aDeal(no + 1, 'USD', '2025-12-10', {
          registrations: [
            aRegistration({ contract, solutionDetails: [aLine({ currency: 'EUR' })] }),
          ],
        }),
      ),
    )
    expect(await missing(account)).toEqual([])
    const { rows } = await sql<Record<string, unknown>>`
      select
        (select count(*) from mart.registration
          where contract_acv_reporting_amount = 1.5 * contract_acv_amount) as contracts,
        (select count(*) from mart.acv_line
          where solution_acv_reporting_amount = 1.5 * solution_acv_amount) as lines,
        (select count(distinct referral_key) from mart.acv_schedule
          where scheduled_contract_reporting_amount = 1.5 * scheduled_contract_amount) as schedules
    `.execute(account.warehouse.query)
    expect(rows).toEqual([{ contracts: 3, lines: 3, schedules: 3 }])
  }))

test('the finding of a currency that the ECB stopped quoting says so, and what helps', () =>
  withAccount(async (account) => {
    await loadRates(account.warehouse.query, 'USD', rates(['2022-03-01', 'RUB']))
    await load(account, [aDeal(1, 'RUB', '2025-12-10')])
    const finding = await account.warehouse.query
      .selectFrom('dw.fact_finding')
      .select(['item_ref', 'detail'])
      .where('rule_code', '=', 'missing_fx_rate')
      .execute()
    expect(finding).toEqual([
      {
        item_ref: 'RUB',
        detail:
          'the ECB stopped quoting it after 2022-03-01, so its amounts are not converted; load ' +
          'rates of your own with cosell fx',
      },
    ])
  }))

test('the finding of a currency from before the ECB stopped quoting it asks for rates', () =>
  withAccount(async (account) => {
    await load(account, [aDeal(1, 'RUB', '2021-12-10')])
    const finding = await account.warehouse.query
      .selectFrom('dw.fact_finding')
      .select('detail')
      .where('rule_code', '=', 'missing_fx_rate')
      .execute()
    expect(finding).toEqual([
      { detail: 'no rate is loaded, so its amounts are not converted; run cosell fx' },
    ])
  }))

test('an amount without a currency is no finding, since no rate would help, nor is a zero', () =>
  withAccount(async (account) => {
    const zero = { dealValue: 0, currency: 'GBP' }
    await load(account, [
      aDeal(1, null, '2025-12-10'),
      aDeal(2, 'GBP', '2025-12-10', { details: zero }),
    ])
    expect(await missing(account)).toEqual([])
  }))

test('a day without a rate among others is a finding of its referral, until there is one', () =>
  withAccount(async (account) => {
    const { query } = account.warehouse
    await loadRates(query, 'USD', rates(['2025-11-20', 'EUR'], ['2025-12-30', 'EUR']))
    await load(account, [aDeal(1, 'EUR', '2025-12-10'), aDeal(2, 'EUR', '2025-11-27')])
    expect(await missing(account)).toEqual(['1 details.dealValue/EUR 2025-12-10'])
    const again = await loadRates(query, 'USD', rates(['2025-12-09', 'EUR']))
    expect(again.missing_rate_findings).toBe(0)
    expect(await missing(account)).toEqual([])
  }))

test('a contract needs the rate of its signing, otherwise of its start, otherwise of its registration', () =>
  withAccount(async (account) => {
    await loadRates(
      account.warehouse.query,
      'USD',
      rates(['2020-01-01', 'EUR'], ['2026-02-01', 'EUR']),
    )
    const value = { value: 9000, currency: 'EUR', term: 'Perpetual' }
    const [signDateTime, startDateTime] = ['2025-11-28T00:00:00Z', '2025-12-01T00:00:00Z']
    const contracts = [
      { ...value, signDateTime, startDateTime },
      { ...value, startDateTime },
      value,
    ]
    await load(
      account,
      contracts.map((contract, no) =>
        aDeal(no + 1, 'USD', '2025-12-10', {
          registrations: [
            aRegistration({ contract, solutionDetails: [aLine({ currency: 'EUR' })] }),
          ],
        }),
      ),
    )
    expect(await missing(account)).toEqual([
      '1 registrations[1]/EUR 2025-11-28',
      '2 registrations[1]/EUR 2025-12-01',
      '3 registrations[1]/EUR 2025-12-10',
    ])
  }))

test('a line in another currency than its contract is a finding of its own', () =>
  withAccount(async (account) => {
    await loadRates(
      account.warehouse.query,
      'USD',
      rates(['2020-01-01', 'JPY'], ['2026-02-01', 'JPY']),
    )
    const solutionDetails = [aLine(), aLine({ id: 'SOL-2', currency: 'JPY' })]
    await load(account, [
      aDeal(1, 'USD', '2025-12-10', { registrations: [aRegistration({ solutionDetails })] }),
    ])
    expect(await missing(account)).toEqual(['1 registrations[1]/JPY 2025-11-28'])
  }))

test('rates that ended are one finding of the currency, which names the last day they reach', () =>
  withAccount(async (account) => {
    const { query } = account.warehouse
    await loadRates(query, 'USD', rates(['2025-12-01', 'EUR']))
    await load(account, [anOpenDeal(1, 'EUR', '2099-01-31'), anOpenDeal(2, 'EUR', '2025-12-20')])
    expect(await missing(account)).toEqual(['0 EUR 2025-12-08'])
    const today = new Date().toISOString().slice(0, 10)
    await loadRates(query, 'USD', rates(['2025-12-18', 'EUR'], [today, 'EUR']))
    expect(await missing(account)).toEqual([])
  }))

test('rate findings stay the same through runs without changes and through a rebuild', () =>
  withAccount(async (account) => {
    const { query } = account.warehouse
    await loadRates(query, 'USD', rates(['2025-11-20', 'EUR'], ['2025-12-30', 'EUR']))
    const deals = [aDeal(1, 'EUR', '2025-12-10'), aDeal(2, 'GBP', '2025-12-10')]
    const { runId } = await load(account, deals)
    const expected = ['0 GBP -', '1 details.dealValue/EUR 2025-12-10']
    expect(await missing(account)).toEqual(expected)
    await load(account, deals)
    await reload(account)
    await loadRates(query, 'USD', rates(['2025-11-20', 'EUR']))
    expect(await missing(account)).toEqual(expected)
    const first = await sql<{ first: number }>`
      select distinct first_seen_run_id as first from dw.fact_finding
      where rule_code = 'missing_fx_rate'`.execute(query)
    expect(first.rows).toEqual([{ first: runId }])
  }))

test('a run updates the rate findings of its own referrals and leaves the others alone', () =>
  withAccount(async (account) => {
    await loadRates(
      account.warehouse.query,
      'USD',
      rates(['2025-11-20', 'EUR'], ['2025-12-30', 'EUR']),
    )
    await load(account, [
      aDeal(1, 'EUR', '2025-12-10'),
      aDeal(2, 'EUR', '2025-12-11'),
      aDeal(3, 'SEK', '2025-12-11'),
    ])
    const later = {
      updatedDateTime: '2025-12-12T00:00:00Z',
      details: { dealValue: 1000, currency: 'USD' },
    }
    await load(
      account,
      [aDeal(1, 'USD', '2025-12-10', later), aDeal(3, 'USD', '2025-12-11', later)],
      {
        at: '2026-01-06T02:00:00Z',
      },
    )
    expect(await missing(account)).toEqual(['0 SEK -', '2 details.dealValue/EUR 2025-12-11'])
  }))

test('another reporting currency replaces the rate findings', () =>
  withAccount(async (account) => {
    await load(account, [aDeal(1, 'GBP', '2025-12-10'), aDeal(2, 'USD', '2025-12-10')])
    expect(await missing(account)).toEqual(['0 GBP -'])
    await applyReportingCurrency(account.warehouse.query, 'GBP')
    expect(await missing(account)).toEqual(['0 USD -'])
  }))

test('rate findings belong to their account', () =>
  withDatabase(async (_, __, warehouse) => {
    const [north, south] = [await anAccount(warehouse), await anAccount(warehouse, 'south')]
    await load(north, [aDeal(1, 'EUR', '2025-12-10')])
    await load(south, [aDeal(1, 'EUR', '2025-12-10')])
    expect(await missing(north)).toEqual(['0 EUR -', '0 EUR -'])
    await load(north, [aDeal(2, 'GBP', '2025-12-10')])
    expect(await missing(north)).toEqual(['0 EUR -', '0 GBP -', '0 EUR -'].sort())
    await loadRates(warehouse.query, 'USD', rates(['2025-12-10', 'EUR']))
    expect(await missing(south)).toEqual(['0 GBP -'])
  }))
