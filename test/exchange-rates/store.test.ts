import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Quotes } from '../../src/exchange-rates/quotes.ts'
import { applyReportingCurrency, loadRates } from '../../src/exchange-rates/store.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { failureOf } from '../support/with-pipeline.ts'

type Line = readonly [date: string, currency: string, rate: string]

/** Quotes of the ECB: units of each currency for one euro. */
const ecb = (...lines: readonly Line[]): Quotes => ({
  source: 'ECB',
  base: 'EUR',
  quotes: lines.map(([date, currency, currencyUnits]) => ({
    date,
    currency,
    baseUnits: '1',
    currencyUnits,
  })),
})

/** Quotes of a plain file: units of the base currency for one unit of each. */
const manual = (base: string, ...lines: readonly Line[]): Quotes => ({
  source: 'manual',
  base,
  quotes: lines.map(([date, currency, baseUnits]) => ({
    date,
    currency,
    baseUnits,
    currencyUnits: '1',
  })),
})

const invented: Quotes = {
  ...ecb(['2026-03-06', 'USD', '1'], ['2026-03-05', 'GBP', '2']),
  source: 'sandbox',
}

/** Returns the rates of a currency as `date rate`, by day. */
async function ratesOf(db: Kysely<Database>, currency: string): Promise<string[]> {
  const rows = await db
    .selectFrom('dw.fx_rate')
    .select(['rate_date', 'rate_to_reporting'])
    .where('currency_code', '=', currency)
    .orderBy('rate_date')
    .execute()
  return rows.map((row) => `${row.rate_date} ${row.rate_to_reporting}`)
}

/** Returns a digest of all rates. */
async function digestOfRates(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ digest: string }>`
    select md5(string_agg(f::text, '|' order by f.currency_code, f.rate_date)) as digest
    from dw.fx_rate f`.execute(db)
  return rows[0]?.digest ?? ''
}

const friday = ecb(['2026-03-06', 'USD', '1.2'], ['2026-03-06', 'GBP', '0.75'])

describe('derived rates', () => {
  test('a cross rate is computed through the euro', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', friday)
      expect((await ratesOf(db, 'GBP'))[0]).toBe('2026-03-06 1.6000000000')
      expect((await ratesOf(db, 'EUR'))[0]).toBe('2026-03-06 1.2000000000')
    }))

  test('a rate is carried over the weekend until the next one and keeps its day of publication', () =>
    withDatabase(async (db) => {
      const monday = ecb(['2026-03-09', 'USD', '1.2'], ['2026-03-09', 'GBP', '0.8'])
      await loadRates(db, 'USD', { ...friday, quotes: [...monday.quotes, ...friday.quotes] })
      const rows = await sql<{ text: string }>`
        select concat_ws(' ', rate_date, rate_to_reporting::float8, observed_date, rate_source) as text
        from dw.fx_rate
        where currency_code = 'GBP' and rate_date <= '2026-03-09'
        order by rate_date`.execute(db)
      expect(rows.rows.map((row) => row.text)).toEqual([
        '2026-03-06 1.6 2026-03-06 ECB',
        '2026-03-07 1.6 2026-03-06 ECB',
        '2026-03-08 1.6 2026-03-06 ECB',
        '2026-03-09 1.5 2026-03-09 ECB',
      ])
    }))

  test('a rate is carried for at most seven days, and only forwards', () =>
    withDatabase(async (db) => {
      const later = ecb(['2026-03-20', 'USD', '1.2'], ['2026-03-20', 'GBP', '0.8'])
      await loadRates(db, 'USD', { ...friday, quotes: [...friday.quotes, ...later.quotes] })
      const days = (await ratesOf(db, 'GBP')).map((row) => row.slice(5, 10))
      expect(days).toEqual([
        ...['03-06', '03-07', '03-08', '03-09', '03-10', '03-11', '03-12', '03-13'],
        ...['03-20', '03-21', '03-22', '03-23', '03-24', '03-25', '03-26', '03-27'],
      ])
    }))

  test('a rate is carried for as many days as etl.setting says', () =>
    withDatabase(async (db) => {
      await sql`update etl.setting set setting_value = '2' where setting_name = 'fx_rate_days_max'`.execute(
        db,
      )
      await loadRates(db, 'USD', friday)
      expect(await ratesOf(db, 'GBP')).toHaveLength(3)
      await sql`update etl.setting set setting_value = 'a week' where setting_name = 'fx_rate_days_max'`.execute(
        db,
      )
      expect(await failureOf(loadRates(db, 'USD', friday))).toMatchObject({ kind: 'configuration' })
    }))

  test('a rate from before the calendar is carried into the calendar', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', ecb(['1999-12-31', 'USD', '1.0046']))
      expect((await ratesOf(db, 'EUR')).map((row) => row.slice(0, 10))).toEqual(
        ['1', '2', '3', '4', '5', '6', '7'].map((day) => `2000-01-0${day}`),
      )
    }))

  test('a quote is not converted on a day without a quote of the reporting currency', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', ecb(['2026-03-06', 'USD', '1.2'], ['2026-03-05', 'GBP', '0.7']))
      expect(await ratesOf(db, 'GBP')).toEqual([])
    }))

  test('a rate that rounds to zero at ten decimals is dropped', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', manual('USD', ['2026-03-06', 'ZWL', '0.00000000004']))
      expect(await ratesOf(db, 'ZWL')).toEqual([])
    }))

  test('a manual rate takes precedence over the ECB rate, on its day and while it is carried', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', friday)
      await loadRates(db, 'USD', manual('USD', ['2026-03-06', 'GBP', '1.7']))
      await loadRates(db, 'USD', ecb(['2026-03-09', 'USD', '1.2'], ['2026-03-09', 'GBP', '0.8']))
      expect((await ratesOf(db, 'GBP')).slice(0, 4)).toEqual([
        '2026-03-06 1.7000000000',
        '2026-03-07 1.7000000000',
        '2026-03-08 1.7000000000',
        '2026-03-09 1.5000000000',
      ])
    }))

  test('invented rates are deleted when real ones are loaded, and stay out', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', invented)
      expect(await ratesOf(db, 'EUR')).not.toEqual([])
      await loadRates(db, 'USD', manual('USD', ['2026-03-06', 'GBP', '1.7']))
      expect(await ratesOf(db, 'EUR')).toEqual([])
      expect(await loadRates(db, 'USD', invented)).toMatchObject({
        quotes_written: 0,
        rows_written: 0,
      })
      expect(await ratesOf(db, 'EUR')).toEqual([])
    }))
})

/** Positive decimals with up to eight fraction digits. */
const decimal = fc
  .record({
    digits: fc.bigInt({ min: 1n, max: 10n ** 10n }),
    scale: fc.integer({ min: 0, max: 8 }),
  })
  .map(({ digits, scale }) => {
    const text = String(digits).padStart(scale + 1, '0')
    const whole = text.slice(0, text.length - scale)
    return { digits, scale, text: scale === 0 ? whole : `${whole}.${text.slice(-scale)}` }
  })

/** Returns the quotient to ten decimals, rounded half up, by integer arithmetic. */
function crossed(
  one: { digits: bigint; scale: number },
  other: { digits: bigint; scale: number },
): string {
  const above = 2n * one.digits * 10n ** BigInt(other.scale + 10)
  const below = 2n * other.digits * 10n ** BigInt(one.scale)
  const rounded = (above + below / 2n) / below
  const text = String(rounded).padStart(11, '0')
  return `${text.slice(0, -10)}.${text.slice(-10)}`
}

test('a cross rate is the exact fraction of two quotes, rounded once', () =>
  withDatabase((db) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(decimal, decimal), { minLength: 150, maxLength: 150 }),
        async (pairs) => {
          const days = pairs.map((_, no) =>
            new Date(Date.UTC(2020, 0, 1 + no)).toISOString().slice(0, 10),
          )
          const lines = pairs.flatMap(([usd, gbp], no): Line[] => [
            [days[no] ?? '', 'USD', usd.text],
            [days[no] ?? '', 'GBP', gbp.text],
          ])
          await loadRates(db, 'USD', ecb(...lines))
          const expected = new Map(pairs.map(([usd, gbp], no) => [days[no], crossed(usd, gbp)]))
          const observed = await db
            .selectFrom('dw.fx_rate')
            .select(['rate_date', 'rate_to_reporting'])
            .where('currency_code', '=', 'GBP')
            .where('rate_date', '=', sql<string>`observed_date`)
            .execute()
          const isKept = (rate: string) => Number(rate) > 0 && Number(rate) < 10_000_000
          expect(new Map(observed.map((row) => [row.rate_date, row.rate_to_reporting]))).toEqual(
            new Map([...expected].filter(([, rate]) => isKept(rate))),
          )
        },
      ),
      { numRuns: 6 },
    ),
  ))

describe('the reporting currency', () => {
  const history = {
    ...friday,
    quotes: [
      ...friday.quotes,
      ...ecb(
        ['2026-03-09', 'USD', '1.25'],
        ['2026-03-09', 'JPY', '160.5'],
        ['2026-03-09', 'GBP', '0.8'],
      ).quotes,
    ],
  }

  test('the reporting currency has rate 1 on every day of the calendar, with no rates loaded', () =>
    withDatabase(async (db) => {
      const rows = await db
        .selectFrom('dw.fx_rate as rate')
        .fullJoin('dw.dim_date as day', 'day.date_day', 'rate.rate_date')
        .select((is) => [
          is.fn.countAll<number>().as('days'),
          is.fn.countAll<number>().filterWhere('rate.rate_to_reporting', '=', '1').as('ones'),
        ])
        .execute()
      expect(rows).toEqual([{ days: 36_525, ones: 36_525 }])
    }))

  test('the reporting currency changes without a file, and back to the same rates', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', history)
      const before = await digestOfRates(db)
      expect(await applyReportingCurrency(db, 'EUR')).toBe('EUR')
      expect((await ratesOf(db, 'USD'))[0]).toBe('2026-03-06 0.8333333333')
      expect((await ratesOf(db, 'JPY'))[0]).toBe('2026-03-09 0.0062305296')
      expect((await ratesOf(db, 'EUR'))[0]).toBe('2000-01-01 1.0000000000')
      expect(await ratesOf(db, 'EUR')).toHaveLength(36_525)
      // One euro is 7.53450 kuna, as fixed by the Council, on every day from the changeover on.
      const kuna = await ratesOf(db, 'HRK')
      expect(kuna[0]).toBe('2023-01-01 0.1327228084')
      expect(kuna.at(-1)).toBe('2099-12-31 0.1327228084')
      await applyReportingCurrency(db, 'USD')
      expect(await digestOfRates(db)).toBe(before)
    }))

  test('a reporting currency changed by hand in etl.setting takes effect before any conversion', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', history)
      await sql`update etl.setting set setting_value = 'GBP' where setting_name = 'reporting_currency'`.execute(
        db,
      )
      expect(await applyReportingCurrency(db, undefined)).toBe('GBP')
      expect((await ratesOf(db, 'USD'))[0]).toBe('2026-03-06 0.6250000000')
    }))

  test('quotes of a plain file stay in the reporting currency they were loaded with', () =>
    withDatabase(async (db) => {
      const own = manual('USD', ['2026-03-06', 'GBP', '1.5'], ['2026-03-06', 'CHF', '1.2'])
      await loadRates(db, 'USD', {
        ...own,
        quotes: [...own.quotes, ...manual('USD', ['2026-04-06', 'GBP', '1.6']).quotes],
      })
      await applyReportingCurrency(db, 'CHF')
      const rates = await ratesOf(db, 'GBP')
      expect(rates[0]).toBe('2026-03-06 1.2500000000')
      // The pound cannot be converted on a day without a rate of the franc.
      expect(rates.at(-1)).toBe('2026-03-13 1.2500000000')
    }))
})

describe('loadRates', () => {
  test('loadRates writes nothing for the same rates, and updates or adds newer ones', () =>
    withDatabase(async (db) => {
      expect(await loadRates(db, 'USD', friday)).toMatchObject({
        quotes_written: 2,
        // Eight days of the pound, the euro and the nine currencies that it replaced.
        rows_written: 88,
      })
      const versions = await sql<{ rows: string[] }>`
        select array_agg(ctid || ' ' || xmin order by ctid) as rows from dw.fx_rate`.execute(db)
      expect(await loadRates(db, 'USD', friday)).toMatchObject({
        quotes_written: 0,
        rows_written: 0,
      })
      const again = await sql<{ rows: string[] }>`
        select array_agg(ctid || ' ' || xmin order by ctid) as rows from dw.fx_rate`.execute(db)
      expect(again.rows).toEqual(versions.rows)
      const newer = ecb(['2026-03-06', 'GBP', '0.8'], ['2026-03-09', 'USD', '1.25'])
      expect(await loadRates(db, 'USD', newer)).toMatchObject({ quotes_written: 2 })
      expect((await ratesOf(db, 'GBP'))[0]).toBe('2026-03-06 1.5000000000')
      expect((await ratesOf(db, 'EUR'))[3]).toBe('2026-03-09 1.2500000000')
    }))

  test('loadRates leaves the previous rates unchanged when a quote is rejected', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', friday)
      const before = await digestOfRates(db)
      const wrong = ecb(['2026-03-06', 'USD', '2'], ['2026-03-06', 'GBP', '0'])
      await expect(loadRates(db, 'USD', wrong)).rejects.toThrow('fx_quote')
      expect(await digestOfRates(db)).toBe(before)
    }))

  test('concurrent loadRates end as if they ran one after the other', () =>
    withDatabase(async (db) => {
      await Promise.all([
        loadRates(db, 'USD', friday),
        loadRates(db, 'USD', friday),
        applyReportingCurrency(db, 'USD'),
        loadRates(db, 'USD', manual('USD', ['2026-03-06', 'GBP', '1.7'])),
      ])
      expect((await ratesOf(db, 'GBP'))[0]).toBe('2026-03-06 1.7000000000')
      expect((await ratesOf(db, 'EUR'))[0]).toBe('2026-03-06 1.2000000000')
    }))
})
