import { expect, test } from 'vitest'
import { loadRates } from '../../../src/exchange-rates/store.ts'
import { withDatabase } from '../../support/database.ts'
import { anAccount, load, referralIdOf, type TestAccount } from '../../support/load-referrals.ts'
import { aLine, aReferral, aRegistration } from '../../support/referral-builder.ts'

/** A contract of one year, signed on 28 November 2025, so that its ACV is its value. */
const aContract = (no: number, currency: string | null, value: number) =>
  aReferral({
    id: referralIdOf(no),
    registrations: [
      aRegistration({
        contract: {
          value,
          currency,
          term: 'Finite',
          signDateTime: '2025-11-28T00:00:00Z',
          startDateTime: '2025-12-01T00:00:00Z',
          endDateTime: '2026-11-30T00:00:00Z',
        },
        solutionDetails: [aLine({ value, currency })],
      }),
    ],
  })

async function below({ warehouse }: TestAccount): Promise<string[]> {
  const rows = await warehouse.query
    .selectFrom('dw.fact_finding')
    .select(['referral_id', 'item_ref', 'observed_value', 'severity'])
    .where('rule_code', '=', 'acv_below_minimum')
    .orderBy('referral_id')
    .execute()
  return rows.map((row) =>
    [Number(row.referral_id.slice(-4)), row.item_ref, row.observed_value, row.severity].join(' '),
  )
}

/** One franc is 1.25 dollars, so 20,000 francs are the minimum of 25,000 dollars. */
const rate = (base: 'USD' | 'CHF') => ({
  source: 'manual' as const,
  base,
  quotes: [
    {
      date: '2025-11-28',
      currency: base === 'USD' ? 'CHF' : 'USD',
      baseUnits: base === 'USD' ? '1.25' : '0.8',
      currencyUnits: '1',
    },
  ],
})

const contracts = [
  aContract(1, 'USD', 24_999.99),
  aContract(2, 'USD', 25_000),
  aContract(3, 'CHF', 19_999.99),
  aContract(4, 'CHF', 20_000),
  aContract(5, 'GBP', 1),
  aContract(6, null, 1),
]
const small = ['1 registrations[1] 24999.99 info', '3 registrations[1] 19999.99 info']

test.each(['USD', 'CHF'] as const)(
  'acv_below_minimum compares each currency with a rate in dollars, whatever the reports are in: %s',
  (reporting) =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      await loadRates(warehouse.query, reporting, rate(reporting))
      await load(account, contracts)
      expect(await below(account)).toEqual(small)
    }),
)

test('acv_below_minimum is raised by the rates of cosell fx, and stays with the next run', () =>
  withDatabase(async (_, __, warehouse) => {
    const account = await anAccount(warehouse)
    await load(account, contracts)
    expect(await below(account)).toEqual([small[0]])
    await loadRates(warehouse.query, 'USD', rate('USD'))
    expect(await below(account)).toEqual(small)
    await load(account, [aContract(1, 'USD', 30_000), aContract(3, 'CHF', 19_999.99)])
    expect(await below(account)).toEqual([small[1]])
  }))
