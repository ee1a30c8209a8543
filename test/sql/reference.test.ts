import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { withDatabase } from '../support/database.ts'

test('the calendar has every day of a century, once and without a gap', async () => {
  const row = await withDatabase((db) =>
    db
      .selectFrom('dw.dim_date')
      .select((is) => [
        is.fn.countAll<number>().as('days'),
        is.fn.min('date_day').as('first_day'),
        is.fn.max('date_day').as('last_day'),
      ])
      .executeTakeFirst(),
  )
  expect(row).toEqual({ days: 36_525, first_day: '2000-01-01', last_day: '2099-12-31' })
})

test.each([
  { day: '2025-06-30', label: 'FY25 Q4', month: 12, ends: 'mqy', why: 'last day of the year' },
  { day: '2025-07-01', label: 'FY26 Q1', month: 1, ends: '', why: 'the year starts in July' },
  { day: '2025-09-30', label: 'FY26 Q1', month: 3, ends: 'mq', why: 'first quarter ends' },
  { day: '2025-12-31', label: 'FY26 Q2', month: 6, ends: 'mq', why: 'New Year is mid-year' },
  { day: '2026-01-01', label: 'FY26 Q3', month: 7, ends: '', why: 'same fiscal year after it' },
  { day: '2024-02-29', label: 'FY24 Q3', month: 8, ends: 'm', why: 'leap day ends its month' },
  { day: '2023-02-28', label: 'FY23 Q3', month: 8, ends: 'm', why: 'no leap day, so this ends it' },
  { day: '2024-02-28', label: 'FY24 Q3', month: 8, ends: '', why: 'a leap day follows' },
  { day: '2000-01-01', label: 'FY00 Q3', month: 7, ends: '', why: 'first day of the calendar' },
  { day: '2099-12-31', label: 'FY00 Q2', month: 6, ends: 'mq', why: 'the label has two digits' },
])('the calendar has $day in $label: $why', async ({ day, label, month, ends }) => {
  const row = await withDatabase((db) =>
    db.selectFrom('dw.dim_date').selectAll().where('date_day', '=', day).executeTakeFirstOrThrow(),
  )
  expect(row).toMatchObject({
    fiscal_quarter_label: label,
    fiscal_year_label: label.slice(0, 4),
    fiscal_quarter: Number(label.at(-1)),
    fiscal_month: month,
    date_key: Number(day.replaceAll('-', '')),
    year_month: day.slice(0, 7),
    is_month_end: ends.includes('m'),
    is_fiscal_quarter_end: ends.includes('q'),
    is_fiscal_year_end: ends.includes('y'),
  })
})

test.each([
  { day: '2021-01-03', iso: '2020-53', why: 'a Sunday still in the last week of a long year' },
  { day: '2021-01-04', iso: '2021-1', why: 'the Monday that starts week 1' },
  { day: '2024-12-30', iso: '2025-1', why: 'a Monday whose week is mostly next year' },
])('the calendar has $day in ISO week $iso: $why', async ({ day, iso }) => {
  const row = await withDatabase((db) =>
    db
      .selectFrom('dw.dim_date')
      .select(['iso_year', 'iso_week'])
      .where('date_day', '=', day)
      .executeTakeFirstOrThrow(),
  )
  expect(`${row.iso_year}-${row.iso_week}`).toBe(iso)
})

test('fiscal periods tile the calendar: 400 quarters, each within its bounds', async () => {
  const row = await withDatabase((db) =>
    sql<{ quarters: number; astray: number }>`
      select
        count(distinct fiscal_quarter_start_date)::integer as quarters,
        count(*) filter (
          where date_day not between fiscal_quarter_start_date and fiscal_quarter_end_date
            or fiscal_quarter_start_date < fiscal_year_start_date
            or fiscal_quarter_end_date > fiscal_year_end_date
            or fiscal_year_end_date <> (fiscal_year_start_date + interval '1 year - 1 day')::date
            or extract(year from fiscal_year_end_date) <> fiscal_year
        )::integer as astray
      from dw.dim_date
    `.execute(db),
  )
  expect(row.rows).toEqual([{ quarters: 400, astray: 0 }])
})

test('every documented value is in the catalog of values', async () => {
  const rows = await withDatabase((db) =>
    db
      .selectFrom('etl.enum_value')
      .select((is) => ['enum_name', is.fn.countAll<number>().as('members')])
      .where('is_documented', '=', true)
      .groupBy('enum_name')
      .execute(),
  )
  expect(Object.fromEntries(rows.map((row) => [row.enum_name, row.members]))).toEqual({
    ReferralStatus: 4,
    ReferralSubstatus: 9,
    ReferralStatusTransition: 6,
    ReferralType: 2,
    ReferralQualification: 4,
    ReferralSource: 4,
    CallToAction: 3,
    SolutionType: 3,
    CustomerMarketplaceIntent: 3,
    TargetType: 3,
    Products: 20,
    Services: 10,
    Industries: 14,
    Solutions: 48,
    CustomerSize: 11,
    PartnerRole: 8,
    SolutionArea: 4,
    SolutionPlay: 31,
    RegistrationStatus: 6,
    RegistrationType: 1,
    ContractTerm: 2,
    PrimaryDeploymentOn: 2,
    PricingModel: 2,
  })
})

test('every documented value with a parent has an existing parent', async () => {
  const { rows } = await withDatabase((db) =>
    sql`
      select child.enum_name, child.parent_value
      from etl.enum_value child
      where child.parent_value <> ''
        and not exists (
          select from etl.enum_value parent
          where parent.enum_value = child.parent_value
            and parent.enum_name = case child.enum_name
              when 'SolutionPlay' then 'SolutionArea'
              else 'ReferralStatus'
            end
        )
    `.execute(db),
  )
  expect(rows).toEqual([])
})

test('the one play that the documentation spells in two ways is grouped under one', async () => {
  const rows = await withDatabase((db) =>
    db
      .selectFrom('etl.enum_value')
      .select(['parent_value', 'enum_value', 'canonical_value'])
      .where(sql<boolean>`enum_value <> canonical_value`)
      .execute(),
  )
  expect(rows).toEqual([
    {
      parent_value: 'AI Business Solutions',
      enum_value: 'Drive Cloud Success through Unified with Enhanced Solution',
      canonical_value: 'Drive Cloud Success through Unified with Enhanced Solutions',
    },
  ])
})

test.each([
  ['USD', 2, 'two decimals are the rule'],
  ['JPY', 0, 'no decimals'],
  ['KWD', 3, 'three decimals'],
  ['CLF', 4, 'four decimals'],
  ['XCG', 2, 'younger than most lists'],
  ['HRK', 2, 'withdrawn, yet in old referrals'],
  ['XXX', 2, 'no currency keeps the cents of an amount'],
])('currency %s has %i decimals: %s', async (code, decimals) => {
  const row = await withDatabase((db) =>
    db
      .selectFrom('dw.dim_currency')
      .select(['minor_unit', 'is_documented'])
      .where('currency_code', '=', code)
      .executeTakeFirst(),
  )
  expect(row).toEqual({ minor_unit: decimals, is_documented: true })
})

test('a currency that joined the euro has the rate, day and regulation of the Council', async () => {
  const { rows } = await withDatabase((db) =>
    sql<{ joined: string }>`
      select concat_ws(' ', currency_code, units_per_euro, euro_changeover_date,
        substring(euro_regulation from '\\d+/\\d+')) as joined
      from dw.dim_currency
      where euro_changeover_date is not null
      order by euro_changeover_date, currency_code`.execute(db),
  )
  expect(rows.map((row) => row.joined)).toEqual([
    'SIT 239.640000 2007-01-01 1086/2006',
    'CYP 0.585274 2008-01-01 1135/2007',
    'MTL 0.429300 2008-01-01 1134/2007',
    'SKK 30.126000 2009-01-01 694/2008',
    'EEK 15.646600 2011-01-01 671/2010',
    'LVL 0.702804 2014-01-01 870/2013',
    'LTL 3.452800 2015-01-01 851/2014',
    'HRK 7.534500 2023-01-01 2022/1208',
    'BGN 1.955830 2026-01-01 2025/1409',
  ])
})

test('the currency list is complete: 178 in force, 6 withdrawn since 2021, 7 replaced by the euro before', async () => {
  const { rows } = await withDatabase((db) =>
    sql`
      select count(*)::integer as codes, bool_and(currency_code ~ '^[A-Z]{3}$') as well_formed
      from dw.dim_currency
    `.execute(db),
  )
  expect(rows).toEqual([{ codes: 191, well_formed: true }])
})

const open = { is_open: true, is_closed: false, is_won: false, is_lost: false, is_decided: false }
const closed = { ...open, is_open: false, is_closed: true }
const none = { ...open, is_open: false }

test.each([
  { pair: 'New - Received', flags: open, allowed: true, why: 'the usual start' },
  { pair: 'Active - Accepted', flags: open, allowed: true, why: 'worked on' },
  {
    pair: 'Closed - Won',
    flags: { ...closed, is_won: true, is_decided: true },
    allowed: true,
    why: 'won',
  },
  {
    pair: 'Closed - Lost',
    flags: { ...closed, is_lost: true, is_decided: true },
    allowed: true,
    why: 'lost',
  },
  { pair: 'Closed - Expired', flags: closed, allowed: true, why: 'closed, but not decided' },
  { pair: 'Active - Won', flags: open, allowed: false, why: 'forbidden, so not won' },
  { pair: 'New - Accepted', flags: open, allowed: false, why: 'forbidden' },
  { pair: 'New - None', flags: open, allowed: null, why: 'nothing is said of None' },
  { pair: 'None - None', flags: none, allowed: null, why: 'nothing is said of None' },
])('pair $pair: allowed $allowed, $why', async ({ pair, flags, allowed }) => {
  const [status = '', substatus = ''] = pair.split(' - ')
  const row = await withDatabase((db) =>
    db
      .selectFrom('dw.dim_status')
      .selectAll()
      .where('referral_status', '=', status)
      .where('referral_substatus', '=', substatus)
      .executeTakeFirstOrThrow(),
  )
  expect(row).toMatchObject({ ...flags, is_allowed_combination: allowed })
  expect(row.stage_label).toBe(flags.is_open ? status : pair)
})

test('a stage has one place in the order, and all pairs of an open status are one stage', async () => {
  const { rows } = await withDatabase((db) =>
    sql<{ stage_label: string; places: number; pairs: number }>`
      select stage_label, count(distinct stage_sort)::integer as places, count(*)::integer as pairs
      from dw.dim_status
      group by stage_label
      order by min(stage_sort)
    `.execute(db),
  )
  expect(rows.filter(({ places }) => places > 1)).toEqual([])
  expect(rows.filter(({ pairs }) => pairs > 1)).toEqual([
    { stage_label: 'New', places: 1, pairs: 9 },
    { stage_label: 'Active', places: 1, pairs: 9 },
  ])
})

test('the pairs allowed by dim_status are the substatuses that the catalog lists', async () => {
  const { rows } = await withDatabase((db) =>
    sql<{ known: number; allowed: number; differing: number }>`
      select
        count(*) filter (where s.is_documented)::integer as known,
        count(*) filter (where s.is_allowed_combination)::integer as allowed,
        count(*) filter (
          where coalesce(s.is_allowed_combination, false) <> (v.enum_value is not null)
        )::integer as differing
      from dw.dim_status s
      left join etl.enum_value v
        on v.enum_name = 'ReferralSubstatus'
        and v.parent_value = s.referral_status
        and v.enum_value = s.referral_substatus
    `.execute(db),
  )
  expect(rows).toEqual([{ known: 36, allowed: 8, differing: 0 }])
})

test('the member of referrals without a status is -1 and sorts last', async () => {
  const row = await withDatabase((db) =>
    db
      .selectFrom('dw.dim_status')
      .select(['status_key', 'referral_status', 'is_documented'])
      .orderBy('stage_sort', 'desc')
      .executeTakeFirst(),
  )
  expect(row).toEqual({ status_key: -1, referral_status: '(Not provided)', is_documented: false })
})

test('settings carry the defaults that rules and views start from', async () => {
  const rows = await withDatabase((db) => db.selectFrom('etl.setting').selectAll().execute())
  expect(Object.fromEntries(rows.map((row) => [row.setting_name, row.setting_value]))).toEqual({
    reporting_currency: 'USD',
    fiscal_year_start_month: '7',
    eligibility_source: 'registrationEligibilityPolicies',
    calendar_date_rule: 'nearest_midnight',
    quarantine_percent_max: '1',
    quarantine_count_max: '10',
    missing_percent_max: '5',
    missing_count_max: '20',
    full_read_days_max: '7',
    review_settled_days: '90',
    review_sample_count: '25',
    fx_rate_days_max: '7',
    fx_rate_rules_version: '2',
    registration_days_max: '60',
    start_days_before_registration_max: '90',
    won_hours_min: '72',
    acv_minimum_usd: '25000',
    row_level_security: 'off',
  })
})
