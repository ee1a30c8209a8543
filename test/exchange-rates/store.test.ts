import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { loadRates, type Quotes, settleReportingCurrency } from '../../src/exchange-rates/store.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { failureOf } from '../support/with-pipeline.ts'

type Line = readonly [date: string, currency: string, rate: string]

/** What a euro is worth, as the ECB quotes it. */
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

/** What one unit is worth in the base currency, as a file of one's own says. */
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

/** `date rate` of a currency, in order of days. */
async function ratesOf(db: Kysely<Database>, currency: string): Promise<string[]> {
  const rows = await db
    .selectFrom('dw.fx_rate')
    .select(['rate_date', 'rate_to_reporting'])
    .where('currency_code', '=', currency)
    .orderBy('rate_date')
    .execute()
  return rows.map((row) => `${row.rate_date} ${row.rate_to_reporting}`)
}

/** Everything that follows from the quotes, as one text. */
async function allRates(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ digest: string }>`
    select md5(string_agg(f::text, '|' order by f.currency_code, f.rate_date)) as digest
    from dw.fx_rate f`.execute(db)
  return rows[0]?.digest ?? ''
}

const friday = ecb(['2026-03-06', 'USD', '1.2'], ['2026-03-06', 'GBP', '0.75'])

describe('a rate', () => {
  test('is crossed by way of the euro', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', friday)
      expect((await ratesOf(db, 'GBP'))[0]).toBe('2026-03-06 1.6000000000')
      expect((await ratesOf(db, 'EUR'))[0]).toBe('2026-03-06 1.2000000000')
    }))

  test('is carried over the weekend until the next one, and names the day it was published', () =>
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

  test('is carried for seven days at most, and never backwards', () =>
    withDatabase(async (db) => {
      const later = ecb(['2026-03-20', 'USD', '1.2'], ['2026-03-20', 'GBP', '0.8'])
      await loadRates(db, 'USD', { ...friday, quotes: [...friday.quotes, ...later.quotes] })
      const days = (await ratesOf(db, 'GBP')).map((row) => row.slice(5, 10))
      expect(days).toEqual([
        ...['03-06', '03-07', '03-08', '03-09', '03-10', '03-11', '03-12', '03-13'],
        ...['03-20', '03-21', '03-22', '03-23', '03-24', '03-25', '03-26', '03-27'],
      ])
    }))

  test('is carried for as long as etl.setting says', () =>
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

  test('of a day before the calendar is carried into it', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', ecb(['1999-12-31', 'USD', '1.0046']))
      expect((await ratesOf(db, 'EUR')).map((row) => row.slice(0, 10))).toEqual(
        ['1', '2', '3', '4', '5', '6', '7'].map((day) => `2000-01-0${day}`),
      )
    }))

  test('of a day on which the reporting currency has none is no rate', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', ecb(['2026-03-06', 'USD', '1.2'], ['2026-03-05', 'GBP', '0.7']))
      expect(await ratesOf(db, 'GBP')).toEqual([])
    }))

  test('too small for ten decimals is no rate', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', manual('USD', ['2026-03-06', 'ZWL', '0.00000000004']))
      expect(await ratesOf(db, 'ZWL')).toEqual([])
    }))

  test('of ones own goes before the one of the ECB, on its day and while it is carried', () =>
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

  test('that was invented goes when a real one comes, and does not come back', () =>
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

/** Up to eight digits on each side of the point, never zero. */
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

/** a / b to ten decimals, half up, in whole numbers. */
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

test('crossing is exact: the fraction of two quotes, rounded once', () =>
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
          const isKept = (rate: string) => Number(rate) > 0 && rate.length <= 21
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

  test('is worth itself on every day of the calendar, with no rates loaded', () =>
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

  test('changes without a file, and back to the same rates', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', history)
      const before = await allRates(db)
      expect(await settleReportingCurrency(db, 'EUR')).toBe('EUR')
      expect((await ratesOf(db, 'USD'))[0]).toBe('2026-03-06 0.8333333333')
      expect((await ratesOf(db, 'JPY'))[0]).toBe('2026-03-09 0.0062305296')
      expect((await ratesOf(db, 'EUR'))[0]).toBe('2000-01-01 1.0000000000')
      expect(await ratesOf(db, 'EUR')).toHaveLength(36_525)
      await settleReportingCurrency(db, 'USD')
      expect(await allRates(db)).toBe(before)
    }))

  test('that was changed by hand is heeded before anything is converted with the old one', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', history)
      await sql`update etl.setting set setting_value = 'EUR' where setting_name = 'reporting_currency'`.execute(
        db,
      )
      expect(await settleReportingCurrency(db, undefined)).toBe('EUR')
      expect((await ratesOf(db, 'USD'))[0]).toBe('2026-03-06 0.8333333333')
    }))

  test('of a file of ones own stays what it was when that was loaded', () =>
    withDatabase(async (db) => {
      const own = manual('USD', ['2026-03-06', 'GBP', '1.5'], ['2026-03-06', 'EUR', '1.2'])
      await loadRates(db, 'USD', {
        ...own,
        quotes: [...own.quotes, ...manual('USD', ['2026-04-06', 'GBP', '1.6']).quotes],
      })
      await settleReportingCurrency(db, 'EUR')
      const rates = await ratesOf(db, 'GBP')
      expect(rates[0]).toBe('2026-03-06 1.2500000000')
      // Without a rate of the euro on that day there is no way from the pound to it.
      expect(rates.at(-1)).toBe('2026-03-13 1.2500000000')
    }))
})

describe('loading', () => {
  test('the same rates twice writes nothing; newer ones change what differs and add the rest', () =>
    withDatabase(async (db) => {
      expect(await loadRates(db, 'USD', friday)).toMatchObject({
        quotes_written: 2,
        rows_written: 16,
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

  test('shows readers all of it or nothing', () =>
    withDatabase(async (db) => {
      await loadRates(db, 'USD', friday)
      const before = await allRates(db)
      const wrong = ecb(['2026-03-06', 'USD', '2'], ['2026-03-06', 'GBP', '0'])
      await expect(loadRates(db, 'USD', wrong)).rejects.toThrow('fx_quote')
      expect(await allRates(db)).toBe(before)
    }))

  test('several files at once ends as one after the other', () =>
    withDatabase(async (db) => {
      await Promise.all([
        loadRates(db, 'USD', friday),
        loadRates(db, 'USD', friday),
        settleReportingCurrency(db, 'USD'),
        loadRates(db, 'USD', manual('USD', ['2026-03-06', 'GBP', '1.7'])),
      ])
      expect((await ratesOf(db, 'GBP'))[0]).toBe('2026-03-06 1.7000000000')
      expect((await ratesOf(db, 'EUR'))[0]).toBe('2026-03-06 1.2000000000')
    }))
})
