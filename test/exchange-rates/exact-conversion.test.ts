import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Quote, Quotes } from '../../src/exchange-rates/quotes.ts'
import { asUnits } from '../../src/exchange-rates/rate-values.ts'
import { applyReportingCurrency, loadRates } from '../../src/exchange-rates/store.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { anAccount, load, referralIdOf } from '../support/load-referrals.ts'
import { aReferral } from '../support/referral-builder.ts'

/** Fraction of two integers. */
type Fraction = readonly [above: bigint, below: bigint]

function fraction(decimal: string): Fraction {
  const [whole = '', digits = ''] = decimal.split('.')
  return [BigInt(whole + digits), 10n ** BigInt(digits.length)]
}

const times = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * c, b * d]
const over = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * d, b * c]

/**
 * Returns a fraction with four decimals, rounded once, half away from zero; null when it has more than
 * 15 digits before them.
 */
function rounded([above, below]: Fraction): string | null {
  const twice = 2n * 10n ** 4n * (above < 0n ? -above : above)
  const text = String((twice + below) / (2n * below)).padStart(5, '0')
  if (text.length > 19) return null
  return `${above < 0n ? '-' : ''}${text.slice(0, -4)}.${text.slice(-4)}`
}

/** Decimals of a number of significant digits, with a number of them after the point. */
const decimal = (digitsMax: number, scaleMin: number, scaleMax: number) =>
  fc
    .tuple(
      fc.bigInt({ min: 1n, max: 10n ** BigInt(digitsMax) - 1n }),
      fc.integer({ min: scaleMin, max: scaleMax }),
    )
    .map(([digits, scale]) => {
      const text = String(digits).padStart(scale + 1, '0')
      return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`
    })

const ecbCurrencies = ['USD', 'GBP', 'JPY', 'IDR', 'HRK', 'BGN'] as const
const manualCurrencies = ['AED', 'KWD', 'VND'] as const
const days = Array.from({ length: 20 }, (_, no) =>
  new Date(Date.UTC(2022, 11, 20 + no)).toISOString().slice(0, 10),
)

/** Quotes of the ECB have six digits. */
const ecbRate = decimal(6, 2, 5)
/** Rates of Microsoft's monthly file have 17 digits. */
const manualRate = decimal(17, 14, 17)
const amount = decimal(14, 0, 4)

describe('converted amounts', () => {
  test('a converted amount is the exact cross of two quotes, rounded once', () =>
    withDatabase(async (db, _, warehouse) => {
      const seed = Date.now()
      const quoted = new Map<string, string>()
      const one = <T>(of: fc.Arbitrary<T>, no: number) =>
        fc.sample(of, { seed: seed + no, numRuns: 1 })
      const quotesOf = (currencies: readonly string[], of: fc.Arbitrary<string>) =>
        days.flatMap((day, dayNo) =>
          currencies.map((currency, no) => {
            const [rate = ''] = one(of, 1000 * dayNo + no + currencies.length)
            quoted.set(`${currency} ${day}`, rate)
            return { day, currency, rate }
          }),
        )
      const ecb: Quote[] = quotesOf(ecbCurrencies, ecbRate).map(({ day, currency, rate }) => ({
        date: day,
        currency,
        baseUnits: '1',
        currencyUnits: rate,
      }))
      const manual: Quote[] = quotesOf(manualCurrencies, manualRate).map(
        ({ day, currency, rate }) => {
          const [baseUnits, currencyUnits] = asUnits(rate)
          return { date: day, currency, baseUnits, currencyUnits }
        },
      )
      await loadRates(db, 'USD', { source: 'ECB', base: 'EUR', quotes: ecb })
      await loadRates(db, 'USD', { source: 'manual', base: 'USD', quotes: manual })
      const currencies = [...ecbCurrencies, ...manualCurrencies, 'EUR', 'SIT']
      const deals = Array.from({ length: 400 }, (_, no) => ({
        no: no + 1,
        value: one(amount, no)[0] ?? '1',
        currency: currencies[no % currencies.length] ?? '',
        day: days[(7 * no) % days.length] ?? '',
      }))
      await load(
        await anAccount(warehouse),
        deals.map(({ no, value, currency, day }) =>
          aReferral({
            id: referralIdOf(no),
            closedDateTime: `${day}T12:00:00Z`,
            details: { dealValue: value as unknown as number, currency },
            registrations: [],
          }),
        ),
      )
      const { rows } = await sql<{ referral_id: string; amount: string; converted: string | null }>`
        select referral_id, deal_value_amount as amount, deal_value_reporting_amount as converted
        from mart.referral`.execute(db)
      expect(rows).toHaveLength(deals.length)
      let converted = 0
      const got = new Map(rows.map((row) => [row.referral_id, row]))
      for (const { no, currency, day } of deals) {
        const row = got.get(referralIdOf(no))
        const rate = dollars(quoted, currency, day)
        expect(row?.converted ?? null, `seed ${seed} ${currency} ${day} ${row?.amount}`).toBe(
          rate === undefined ? null : rounded(times(fraction(row?.amount ?? ''), rate)),
        )
        converted += rate === undefined ? 0 : 1
      }
      expect(converted).toBeGreaterThan(300)
    }))

  test('amounts of a weak currency, a long rate and a fixed rate are right to the last decimal', () =>
    withDatabase(async (db, _, warehouse) => {
      const day = '2026-02-03'
      await loadRates(db, 'USD', ecb([day, 'USD', '1.0837'], [day, 'IDR', '17123.45']))
      const [baseUnits, currencyUnits] = asUnits('0.27224589249009701')
      const dirham = { date: day, currency: 'AED', baseUnits, currencyUnits }
      await loadRates(db, 'USD', { source: 'manual', base: 'USD', quotes: [dirham] })
      const expected = [
        // 100,000,000,000 * 1.0837 / 17123.45; the rate with ten decimals would make 6,328,750.
        ['IDR', '100000000000', '6328748.0035'],
        ['IDR', '-100000000000', '-6328748.0035'],
        ['IDR', '1000000000', '63287.4800'],
        // 99,999,999,999.99 * 0.27224589249009701
        ['AED', '99999999999.99', '27224589249.0070'],
        // 1,000,000 * 1.0837 / 1.95583
        ['BGN', '1000000', '554087.0117'],
      ] as const
      const deals = expected.map(([currency, value], no) =>
        aReferral({
          id: referralIdOf(no),
          closedDateTime: `${day}T12:00:00Z`,
          details: { dealValue: value as unknown as number, currency },
          registrations: [],
        }),
      )
      await load(await anAccount(warehouse), deals)
      const { rows } = await sql<{ converted: string }>`
        select deal_value_reporting_amount as converted from mart.referral
        order by referral_id`.execute(db)
      expect(rows.map(({ converted }) => converted)).toEqual(expected.map(([, , it]) => it))
    }))
})

const conversionRates = new Map([
  ['SIT', { units: '239.640', from: '2007-01-01' }],
  ['HRK', { units: '7.53450', from: '2023-01-01' }],
])
const dayBefore = (day: string, days: number) =>
  new Date(Date.parse(day) - days * 24 * 60 * 60_000).toISOString().slice(0, 10)

/** Dollars for one unit on a day, by the text of the quotes and the conversion rates to the euro. */
function dollars(
  quoted: ReadonlyMap<string, string>,
  currency: string,
  day: string,
): Fraction | undefined {
  if (currency === 'USD') return [1n, 1n]
  const joined = conversionRates.get(currency)
  if (joined !== undefined && day >= joined.from) {
    const ofEuro = dollars(quoted, 'EUR', day)
    return ofEuro && over(ofEuro, fraction(joined.units))
  }
  // A rate is carried for a week.
  for (let days = 0; days <= 7; days += 1) {
    const rate = quotedDollars(quoted, currency, dayBefore(day, days))
    if (rate !== undefined && isRate(rate)) return rate
  }
  return undefined
}

function quotedDollars(
  quoted: ReadonlyMap<string, string>,
  currency: string,
  day: string,
): Fraction | undefined {
  const [own, ofDollar] = [quoted.get(`${currency} ${day}`), quoted.get(`USD ${day}`)]
  if ((manualCurrencies as readonly string[]).includes(currency))
    return own === undefined ? undefined : fraction(own)
  if (ofDollar === undefined) return undefined
  if (currency === 'EUR') return fraction(ofDollar)
  return own === undefined ? undefined : over(fraction(ofDollar), fraction(own))
}

/** Whether the rate is neither zero at ten decimals nor ten million or more. */
function isRate([above, below]: Fraction): boolean {
  return 20_000_000_000n * above >= below && above < 10_000_000n * below
}

/** Units of a currency for one euro, day by day. */
const ecb = (
  ...lines: readonly (readonly [day: string, code: string, rate: string])[]
): Quotes => ({
  source: 'ECB',
  base: 'EUR',
  quotes: lines.map(([date, currency, currencyUnits]) => ({
    date,
    currency,
    baseUnits: '1',
    currencyUnits,
  })),
})

async function rateOf(db: Kysely<Database>, currency: string, day: string) {
  const { rows } = await sql<{ rate: string }>`
    select concat_ws(' ', trim_scale(reporting_units), trim_scale(currency_units), rate_source) as rate
    from dw.fx_rate where currency_code = ${currency} and rate_date = ${day}`.execute(db)
  return rows[0]?.rate
}

describe('a currency that joined the euro', () => {
  const around = ecb(
    ['2022-12-30', 'USD', '1.0666'],
    ['2022-12-30', 'HRK', '7.5365'],
    ['2023-01-02', 'USD', '1.0683'],
    ['2026-06-30', 'USD', '1.1720'],
  )

  test('the kuna has its last quote until the changeover, and its fixed rate from then on', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', around)
      expect(await rateOf(db, 'HRK', '2022-12-31')).toBe('1.0666 7.5365 ECB')
      expect(await rateOf(db, 'HRK', '2023-01-01')).toBe('1.0666 7.5345 fixed')
      expect(await rateOf(db, 'HRK', '2026-06-30')).toBe('1.172 7.5345 fixed')
      expect(await rateOf(db, 'BGN', '2026-06-30')).toBe('1.172 1.95583 fixed')
      expect(await rateOf(db, 'BGN', '2023-01-02')).toBeUndefined()
    }))

  test('the fixed rate takes precedence over a rate of a file', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', around)
      const own = { date: '2026-06-30', currency: 'BGN', baseUnits: '0.6', currencyUnits: '1' }
      await loadRates(db, 'USD', { source: 'manual', base: 'USD', quotes: [own] })
      expect(await rateOf(db, 'BGN', '2026-06-30')).toBe('1.172 1.95583 fixed')
    }))

  test('a reporting currency that joined the euro has rates after the changeover too', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', around)
      await applyReportingCurrency(db, 'BGN')
      expect(await rateOf(db, 'USD', '2026-06-30')).toBe('1.95583 1.172 ECB')
      expect(await rateOf(db, 'EUR', '2026-06-30')).toBe('1.95583 1 ECB')
      expect(await rateOf(db, 'HRK', '2026-06-30')).toBe('1.95583 7.5345 fixed')
      expect(await rateOf(db, 'USD', '2023-01-02')).toBeUndefined()
    }))

  test('rates that follow older rules are derived again by the next run', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', around)
      await sql`update etl.setting set setting_value = '1' where setting_name = 'fx_rate_rules_version'`.execute(
        db,
      )
      await sql`delete from dw.fx_rate where rate_source = 'fixed'`.execute(db)
      await applyReportingCurrency(db, undefined)
      expect(await rateOf(db, 'BGN', '2026-06-30')).toBe('1.172 1.95583 fixed')
    }))
})
