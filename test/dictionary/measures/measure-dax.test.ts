import { expect, test } from 'vitest'
import { type Formula, given, type Measure } from '../../../src/dictionary/measures/measure.ts'
import { measureDax } from '../../../src/dictionary/measures/measure-dax.ts'
import { measureSource, measureSql } from '../../../src/dictionary/measures/measure-sql.ts'

const base: Measure = {
  name: 'Figure',
  folder: 'Pipeline',
  description: 'A figure.',
  question: 'How much?',
  mart: 'referral',
  formula: { kind: 'rows' },
  format: 'count',
}
const dax = (measure: Partial<Measure>, isActive = true) =>
  measureDax({ ...base, ...measure }, [], () => isActive).replace(/\s+/g, ' ')
const sqlOf = (measure: Partial<Measure>) => measureSql({ ...base, ...measure }, [])

test.each<[Formula, string, string]>([
  [{ kind: 'rows' }, 'count(*)', 'COUNTROWS ( referral )'],
  [{ kind: 'sum', column: 'a' }, 'sum(a)', 'SUM ( referral[a] )'],
  [{ kind: 'min', column: 'a' }, 'min(a)', 'MIN ( referral[a] )'],
  [{ kind: 'max', column: 'a' }, 'max(a)', 'MAX ( referral[a] )'],
  [{ kind: 'distinct', column: 'a' }, 'count(distinct a)', 'DISTINCTCOUNTNOBLANK ( referral[a] )'],
  [
    { kind: 'median', column: 'a' },
    'percentile_cont(0.5) within group (order by a)',
    'MEDIAN ( referral[a] )',
  ],
])('the formula %j is one aggregate in SQL and in DAX', (formula, sql, expected) => {
  expect(sqlOf({ formula })).toBe(sql)
  expect(dax({ formula })).toBe(expected)
})

test.each([
  [{ a: true }, 'a', 'referral[a] = TRUE ()'],
  [{ a: 'O\'Neill "x"' }, "a = 'O''Neill \"x\"'", 'referral[a] = "O\'Neill ""x"""'],
  [{ a: ['x', 'y'] }, "a in ('x', 'y')", 'referral[a] IN { "x", "y" }'],
  [{ a: given }, 'a is not null', 'NOT ISBLANK ( referral[a] )'],
  [
    { a: { from: 0, to: 14 } },
    'a between 0 and 14',
    'NOT ISBLANK ( referral[a] ) && referral[a] >= 0 && referral[a] <= 14',
  ],
] as const)(
  'the condition %j is a filter beside those of the report in SQL and in DAX',
  (where, sql, expected) => {
    expect(sqlOf({ formula: { kind: 'rows', where } })).toBe(`count(*) filter (where ${sql})`)
    expect(dax({ formula: { kind: 'rows', where } })).toBe(
      `CALCULATE ( COUNTROWS ( referral ), KEEPFILTERS ( ${expected} ) )`,
    )
  },
)

test('an amount is empty when several currencies are in view', () => {
  const measure: Partial<Measure> = {
    formula: { kind: 'sum', column: 'a_amount', where: { is_open: true } },
    currency: 'currency_code',
  }
  expect(sqlOf(measure)).toBe(
    'case when min(currency_code) filter (where is_open) = max(currency_code) filter ' +
      '(where is_open) then sum(a_amount) filter (where is_open) end',
  )
  expect(dax(measure)).toBe(
    'CALCULATE ( IF ( HASONEVALUE ( referral[currency_code] ), SUM ( referral[a_amount] ) ), ' +
      'KEEPFILTERS ( referral[is_open] = TRUE () ) )',
  )
})

test('a day that is not the active way to the calendar is used by name', () => {
  expect(dax({ day: 'closed_date' }, true)).toBe('COUNTROWS ( referral )')
  expect(dax({ day: 'closed_date' }, false)).toBe(
    'CALCULATE ( COUNTROWS ( referral ), ' +
      'USERELATIONSHIP ( referral[closed_date], dim_date[date_day] ) )',
  )
})

test('a snapshot takes the last day in view in DAX, whatever the group, and one day alone in SQL', () => {
  const measure: Partial<Measure> = {
    formula: { kind: 'sum', column: 'deal_count', where: { is_open: true } },
    snapshot: 'snapshot_date',
  }
  expect(sqlOf(measure)).toBe(
    'case when min(snapshot_date) = max(snapshot_date) then sum(deal_count) filter (where is_open) ' +
      'end',
  )
  expect(dax(measure)).toBe(
    'VAR LastDay = CALCULATE ( MAX ( referral[snapshot_date] ), REMOVEFILTERS ( referral ), ' +
      'VALUES ( dim_date[date_day] ), FILTERS ( referral[snapshot_date] ), ' +
      'FILTERS ( referral[snapshot_fiscal_year] ), FILTERS ( referral[snapshot_fiscal_quarter] ) ) ' +
      'RETURN CALCULATE ( SUM ( referral[deal_count] ), ' +
      'KEEPFILTERS ( referral[is_open] = TRUE () ), referral[snapshot_date] = LastDay )',
  )
})

test('a span keeps the rows that run on today, or on the last day in view if it is earlier', () => {
  const formula: Formula = { kind: 'sum', column: 'a', span: { from: 'b', until: 'c' } }
  expect(sqlOf({ formula })).toBe(
    "sum(a) filter (where b <= (now() at time zone 'utc')::date and " +
      "c > (now() at time zone 'utc')::date)",
  )
  expect(dax({ formula })).toBe(
    'VAR ReportDay = MIN ( MAX ( dim_date[date_day] ), UTCTODAY () ) RETURN CALCULATE ( SUM ( ' +
      'referral[a] ), REMOVEFILTERS ( dim_date ), KEEPFILTERS ( NOT ISBLANK ( referral[b] ) && ' +
      'referral[b] <= ReportDay ), KEEPFILTERS ( referral[c] > ReportDay ) )',
  )
})

test('weights multiply the amounts of the mart that their key leads to', () => {
  const measure: Measure = {
    ...base,
    mart: 'referral_industry',
    formula: {
      kind: 'weighted',
      weight: 'weight',
      column: 'a_amount',
      of: 'referral',
      key: 'referral_key',
    },
    currency: 'currency_code',
  }
  expect(measureSource(measure)).toBe(
    'mart.referral_industry join mart.referral using (partner_account_key, referral_key)',
  )
  expect(measureSql(measure, [])).toBe(
    'case when min(currency_code) = max(currency_code) then sum(weight * a_amount) end',
  )
  expect(dax(measure)).toBe(
    'IF ( COUNTROWS ( SUMMARIZE ( referral_industry, referral[currency_code] ) ) = 1, SUMX ( ' +
      'referral_industry, referral_industry[weight] * RELATED ( referral[a_amount] ) ) )',
  )
  const asked: string[] = []
  const byDay = measureDax({ ...measure, day: 'closed_date' }, [], (mart, column) => {
    asked.push(`${mart}.${column}`)
    return false
  })
  expect(asked).toEqual(['referral.closed_date'])
  expect(byDay).toContain('USERELATIONSHIP ( referral[closed_date], dim_date[date_day] )')
})

test('a ratio divides two measures: zero without the upper, empty without the lower', () => {
  const all = [
    { ...base, name: 'Won', formula: { kind: 'rows', where: { is_won: true } } },
    { ...base, name: 'All' },
  ] as const satisfies readonly Measure[]
  const ratio: Measure = { ...base, formula: { kind: 'ratio', above: 'Won', below: 'All' } }
  expect(measureSql(ratio, all)).toBe(
    'coalesce(count(*) filter (where is_won), 0)::numeric / nullif(count(*), 0)',
  )
  expect(measureDax(ratio, all, () => true)).toBe('DIVIDE ( [Won] + 0, [All] )')
  expect(() => measureSql(ratio, [])).toThrow('Won: expected the name of a measure')
  expect(() => measureDax(ratio, [], () => true)).toThrow('Won: expected the name of a measure')
})

test('a ratio whose upper measure alone is empty over several currencies is empty with it', () => {
  const all = [
    { ...base, name: 'Value', formula: { kind: 'sum', column: 'a' }, currency: 'currency_code' },
    { ...base, name: 'All' },
  ] as const satisfies readonly Measure[]
  const ratio: Measure = { ...base, formula: { kind: 'ratio', above: 'Value', below: 'All' } }
  expect(measureSql(ratio, all)).toBe(
    '(case when min(currency_code) = max(currency_code) then sum(a) end)::numeric / ' +
      'nullif(count(*), 0)',
  )
  expect(measureDax(ratio, all, () => true)).toBe('DIVIDE ( [Value], [All] )')
})
