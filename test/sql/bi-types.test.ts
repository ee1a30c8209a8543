import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { asUnits } from '../../src/exchange-rates/rate-values.ts'
import { loadRates } from '../../src/exchange-rates/store.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { anAccount, load, referralIdOf } from '../support/load-referrals.ts'
import { aLine, aReferral, aRegistration } from '../support/referral-builder.ts'

interface NumericColumn {
  readonly name: string
  readonly relation: string
  /** Null when the column has no size. */
  readonly digits: number | null
  readonly decimals: number | null
}

let columns: readonly NumericColumn[] = []
beforeAll(() =>
  withDatabase(async (db) => {
    const { rows } = await sql<NumericColumn>`
      select
        concat_ws('.', n.nspname, c.relname, a.attname) as name,
        concat_ws('.', n.nspname, c.relname) as relation,
        information_schema._pg_numeric_precision(a.atttypid, a.atttypmod) as digits,
        information_schema._pg_numeric_scale(a.atttypid, a.atttypmod) as decimals
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('dw', 'mart') and c.relkind in ('r', 'v')
        and a.attnum > 0 and not a.attisdropped and a.atttypid = 'numeric'::regtype
      order by 1`.execute(db)
    columns = rows
  }),
)

const rowsMax = 100_000_000n
const sizeOf = ({ digits, decimals }: NumericColumn) => `${digits},${decimals}`
/** Largest value of a size, in units of its last decimal. */
const largest = (digits: number) => 10n ** BigInt(digits) - 1n
const ofMart = () => columns.filter(({ name }) => name.startsWith('mart.'))
const isAmount = ({ name }: NumericColumn) => name.endsWith('_amount')
const wholeDigits = ({ digits, decimals }: NumericColumn) => (digits ?? 0) - (decimals ?? 0)

/** Marts of which a row is a sum over rows, or one of several lines. */
const sums = [
  'acv_by_fiscal_quarter',
  'asked_and_sold',
  'co_sell',
  'funnel',
  'marketplace_share',
  'pipeline_movement',
  'seller_pipeline',
  'win_rate',
].map((name) => `mart.${name}`)

describe('sizes of numbers', () => {
  test('an amount of a row is numeric(19,4), and a sum or difference of them numeric(28,4)', () => {
    const wrong = ofMart()
      .filter(isAmount)
      .filter((column) => {
        const isSum =
          sums.includes(column.relation) || /(difference|shift)_amount$/.test(column.name)
        return sizeOf(column) !== (isSum ? '28,4' : '19,4')
      })
    expect(wrong.map((column) => `${column.name} ${sizeOf(column)}`)).toEqual([])
    expect(ofMart().filter(isAmount).length).toBeGreaterThan(80)
  })

  test('the sum of any amount over 100 million rows fits numeric(28,4), and 96 bits', () => {
    const sum = rowsMax * largest(19)
    // Two of them, since a difference of two amounts is twice as large.
    expect(2n * sum).toBeLessThan(largest(28))
    // What Npgsql before 10 reads: 96 bits at the scale of the column.
    expect(largest(28)).toBeLessThan(2n ** 96n)
  })

  test('every value of dw and mart fits 96 bits at the scale of its column', () => {
    const wide = columns.filter(({ digits }) => digits === null || largest(digits) >= 2n ** 96n)
    expect(wide.map(({ name }) => name)).toEqual([])
  })

  test('the sum of any column of mart over 100 million rows fits the 38 digits of Arrow and DuckDB', () => {
    const wide = ofMart().filter(({ digits }) => rowsMax * largest(digits ?? 38) > largest(38))
    expect(wide.map(({ name }) => name)).toEqual([])
  })

  test('any two amounts and weights of a mart can be added, subtracted and multiplied within 38 digits', () => {
    const wide = ofMart().flatMap((one) =>
      ofMart()
        .filter(({ relation }) => relation === one.relation)
        .flatMap((other) => {
          const decimals = Math.max(one.decimals ?? 0, other.decimals ?? 0)
          const sum = Math.max(wholeDigits(one), wholeDigits(other)) + decimals + 1
          const isWeighing = /weight$/.test(other.name) && sizeOf(other) === '7,6'
          const product = isWeighing ? (one.digits ?? 0) + (other.digits ?? 0) + 1 : 0
          return Math.max(sum, product) > 38 ? [`${one.name} and ${other.name}`] : []
        }),
    )
    expect(wide).toEqual([])
  })

  test('a sum of weights has room for one a row of 100 million rows', () => {
    const weights = ofMart().filter(({ name }) => /(weight|weighted_deal_count)$/.test(name))
    const small = weights
      .filter(({ relation }) => sums.includes(relation))
      .filter(({ digits }) => rowsMax * 1_000_000n > largest(digits ?? 0))
    expect(small.map(({ name }) => name)).toEqual([])
    expect(new Set(weights.map(sizeOf))).toEqual(new Set(['7,6', '15,6']))
  })
})

/** Largest amount of the source, and its opposite. */
const extremes = ['999999999999999.9999', '-999999999999999.9999'] as const
const asNumber = (text: string) => text as unknown as number
const closedAt = '2026-02-03T12:00:00Z'

const extremeReferrals = extremes.flatMap((value, no) =>
  ['USD', 'KWD', 'IDR'].map((currency, index) =>
    aReferral({
      id: referralIdOf(10 * no + index + 1),
      engagementId: null,
      closedDateTime: closedAt,
      details: { ...aReferral().details, dealValue: asNumber(value), currency },
      registrations: [
        aRegistration({
          contract: {
            ...aRegistration().contract,
            value: value,
            currency,
            // A perpetual contract of a sixth a year, or one of a day.
            ...(index === 1
              ? { startDateTime: '2025-12-01T00:00:00Z', endDateTime: '2025-12-01T00:00:00Z' }
              : { term: 'Perpetual', endDateTime: null }),
          },
          solutionDetails: ['one', 'two'].map((id) =>
            aLine({ id, value, currency, incentives: ['a', 'b', 'c'] }),
          ),
        }),
      ],
    }),
  ),
)

/** A dinar is worth 3.3 dollars and a rupiah a fraction of a cent, in either direction. */
async function loadExtremeRates(db: Kysely<Database>) {
  const quotes = Object.entries({ KWD: '3.2573289902280130', IDR: '0.000058' }).flatMap(
    ([currency, rate]) =>
      ['2025-11-28', '2026-02-03'].map((date) => {
        const [baseUnits, currencyUnits] = asUnits(rate)
        return { date, currency, baseUnits, currencyUnits }
      }),
  )
  await loadRates(db, 'USD', { source: 'manual', base: 'USD', quotes })
}

/**
 * What an Insights download may say of each registration: the largest value for a day, or a value of next to
 * nothing, in dollars too.
 */
const extremeReadings = sql`
  insert into dw.fact_microsoft_acv (partner_account_key, referral_key, reading_no, registration_no,
    as_of_date, is_latest, contract_term, is_perpetual, contract_start_date, contract_end_date,
    currency_code, contract_value_amount, contract_value_usd_amount, microsoft_acv_amount,
    solution_currency_code, row_hash, created_run_id, updated_run_id)
  select partner_account_key, referral_key, 1, registration_no, '2026-02-03', true, 'Finite', false,
    '2025-12-01', '2025-12-01', currency_code, value, usd, 999999999999999.9999,
    currency_code, 0, 1, 1
  from dw.fact_registration
  cross join lateral (
    select
      case when referral_key % 2 = 0 then 0.0001 else contract_value_amount end as value,
      (array[999999999999999.9999, 0.0001, 0])[1 + referral_key / 2 % 3] as usd
  ) given`

describe('extreme amounts', () => {
  test('every mart can be read with the largest amounts, rates and terms, and holds no infinite day', () =>
    withDatabase(async (db, _, warehouse) => {
      await loadExtremeRates(db)
      await load(await anAccount(warehouse), extremeReferrals)
      await extremeReadings.execute(db)
      const { rows: views } = await sql<{ name: string; days: string[] }>`
        select c.relname as name,
          coalesce(json_agg(a.attname) filter (where format_type(a.atttypid, null) ~ '^(date|time)'), '[]')
            as days
        from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relnamespace = 'mart'::regnamespace and c.relkind = 'v'
        group by c.relname
        order by 1`.execute(db)
      const counts: Record<string, number> = {}
      for (const { name, days } of views) {
        const ofDay =
          name === 'pipeline_as_of' ? sql`where snapshot_date = date '2026-02-03'` : sql``
        const rows = await sql<Record<string, unknown>>`
          select * from ${sql.table(`mart.${name}`)} ${ofDay}`.execute(db)
        counts[name] = rows.rows.length
        const infinite = rows.rows.flatMap((row) =>
          days.filter((day) => /infinity/.test(`${row[day]}`)),
        )
        expect(infinite, name).toEqual([])
      }
      for (const name of ['referral', 'acv_line', 'incentive_acv', 'acv_candidate', 'win_rate']) {
        expect(counts[name], name).toBeGreaterThan(0)
      }
      const { rows } = await sql<{ converted: string }>`
        select concat_ws(' ', currency_code, deal_value_amount,
          coalesce(deal_value_reporting_amount::text, 'null')) as converted
        from mart.referral order by referral_id`.execute(db)
      expect(rows.map(({ converted }) => converted)).toEqual([
        'USD 999999999999999.9999 999999999999999.9999',
        // Sixteen digits before the point.
        'KWD 999999999999999.9999 null',
        'IDR 999999999999999.9999 58000000000.0000',
        'USD -999999999999999.9999 -999999999999999.9999',
        'KWD -999999999999999.9999 null',
        'IDR -999999999999999.9999 -58000000000.0000',
      ])
    }))
})

/** A value with up to nine digits and four decimals. */
const value = fc.integer({ min: 1, max: 999_999_999 }).map((units) => (units / 10_000).toFixed(4))

/** A referral with several plays, sellers and incentives. */
const shared = fc.record({
  value,
  lineValue: value,
  currency: fc.constantFrom('USD', 'EUR'),
  incentives: fc.integer({ min: 1, max: 9 }),
  plays: fc.integer({ min: 2, max: 7 }),
})

const numbered = (count: number, word: string) =>
  Array.from({ length: count }, (_, index) => `${word} ${index + 1}`)

describe('weighted amounts', () => {
  test('the parts of incentives and plays add up to the amount that they share', () =>
    withDatabase(async (db, _, warehouse) => {
      const seed = Date.now()
      const [baseUnits, currencyUnits] = asUnits('1.0837191919')
      const quotes = ['2025-11-28', '2026-02-03'].map((date) => {
        return { date, currency: 'EUR', baseUnits, currencyUnits }
      })
      await loadRates(db, 'USD', { source: 'manual', base: 'USD', quotes })
      const deals = fc.sample(shared, { seed, numRuns: 60 })
      await load(
        await anAccount(warehouse),
        deals.map((deal, no) =>
          aReferral({
            id: referralIdOf(no + 1),
            engagementId: null,
            closedDateTime: closedAt,
            details: {
              ...aReferral().details,
              dealValue: asNumber(deal.value),
              currency: deal.currency,
              requirements: {
                additionalRequirements: {
                  attributes: numbered(deal.plays, 'Play').map((id) => ({
                    type: 'SolutionPlay',
                    id,
                  })),
                },
              },
            },
            registrations: [
              aRegistration({
                contract: { ...aRegistration().contract, currency: deal.currency },
                solutionDetails: [
                  aLine({
                    value: deal.lineValue,
                    currency: deal.currency,
                    incentives: numbered(deal.incentives, 'Incentive'),
                  }),
                ],
              }),
            ],
          }),
        ),
      )
      const { rows: lines } = await sql`
        select line.referral_id, line.solution_acv_amount as whole, part.*
        from mart.acv_line line
        join (
          select registration_line_key, sum(weighted_solution_acv_amount) as parts,
            sum(weighted_solution_acv_reporting_amount) as converted_parts,
            sum(approved_weighted_solution_acv_amount) as approved_parts
          from mart.incentive_acv
          group by registration_line_key
        ) part using (registration_line_key)
        where parts is distinct from solution_acv_amount
          or converted_parts is distinct from solution_acv_reporting_amount
          or approved_parts is distinct from solution_acv_amount`.execute(db)
      expect(lines, `seed ${seed}`).toEqual([])
      const { rows: totals } = await sql`
        select whole.currency_code, whole.value, part.value as parts
        from (
          select currency_code, sum(deal_value_amount) as value, sum(deal_count) as deals
          from mart.referral group by currency_code
        ) whole
        full join (
          select currency_code, sum(won_value_amount) as value, sum(won_weight) as weight,
            count(distinct solution_play) as plays, sum(won_value_once_amount) as once
          from mart.win_rate group by currency_code
        ) part using (currency_code)
        where part.value is distinct from whole.value or part.once is distinct from whole.value
          or part.weight is distinct from whole.deals or part.plays < 2`.execute(db)
      expect(totals, `seed ${seed}`).toEqual([])
    }))

  test('thirds of a cent go where the rounded sum of the shares moves on', () =>
    withDatabase(async (db, _, warehouse) => {
      const line = aLine({ value: '0.0005', incentives: ['a', 'b', 'c'] })
      const term = { startDateTime: '2025-12-01T00:00:00Z', endDateTime: '2026-11-30T00:00:00Z' }
      const contract = { ...aRegistration().contract, ...term }
      const registrations = [aRegistration({ contract, solutionDetails: [line] })]
      await load(await anAccount(warehouse), [aReferral({ registrations })])
      const { rows } = await sql<{ part: string }>`
        select concat_ws(' ', incentive, weight, weighted_solution_acv_amount) as part
        from mart.incentive_acv order by incentive`.execute(db)
      // 0.00016667 is 0.0002; up to the second 0.000333335, 0.0003; up to the third 0.0005.
      expect(rows.map(({ part }) => part)).toEqual([
        'a 0.333334 0.0002',
        'b 0.333333 0.0001',
        'c 0.333333 0.0002',
      ])
    }))
})
