import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withDatabase } from '../support/database.ts'
import { Exact } from '../support/exact-oracle.ts'
import { movements } from '../support/expected-movement.ts'
import { type MartsFixture, openMartsFixture } from '../support/marts-fixture.ts'

const folder = fileURLToPath(new URL('../../sql/marts/', import.meta.url))
const files = (await readdir(folder)).map((file) => path.basename(file, '.sql')).sort()

let world: MartsFixture
beforeAll(async () => {
  world = await openMartsFixture()
})
afterAll(() => world?.close())

/** The first column of every row: what a query for offenders found. */
const offenders = (query: ReturnType<typeof sql<{ name: string }>>) =>
  withDatabase(async (db) => (await query.execute(db)).rows.map((row) => row.name))

const ofMart = sql`c.relnamespace = 'mart'::regnamespace and c.relkind = 'v'`
const columns = sql`
  pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0`
const nameOfColumn = sql`
  concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) as name`

test('a migrated warehouse has one view for each file', async () => {
  expect(
    await offenders(sql`select c.relname as name from pg_class c where ${ofMart} order by 1`),
  ).toEqual(files)
  expect(files).toHaveLength(36)
})

test('views read with the rights of their reader, but for those over etl', async () => {
  const asOwner = await offenders(sql`
    select c.relname as name
    from pg_class c
    where ${ofMart} and not coalesce('security_invoker=true' = any (c.reloptions), false)
    order by 1`)
  expect(asOwner).toEqual(['bi_access'])
})

test('the comment of every view has grain, question and filter, and every column has a comment', async () => {
  const silent = await offenders(sql`
    select ${nameOfColumn}
    from ${columns}
    where ${ofMart} and col_description(c.oid, a.attnum) is null`)
  expect(silent).toEqual([])
  const vague = await offenders(sql`
    select c.relname as name
    from pg_class c
    where ${ofMart}
      and coalesce(obj_description(c.oid), '') !~ '^One row per .*Answers: .*\\?'`)
  expect(vague).toEqual([])
})

test('columns of views have types that every tool reads: no JSON, array, enum, oid or unsized number', async () => {
  const types = await offenders(sql`
    select distinct split_part(format_type(a.atttypid, a.atttypmod), '(', 1) as name
    from ${columns}
    where ${ofMart}
    order by 1`)
  expect(types).toEqual(
    'bigint,boolean,date,integer,numeric,smallint,text,timestamp with time zone'.split(','),
  )
  const endless = await offenders(sql`
    select ${nameOfColumn}
    from ${columns}
    where ${ofMart} and a.atttypid = 'numeric'::regtype and a.atttypmod = -1`)
  expect(endless).toEqual([])
})

test('names in dw and mart need no quotes', async () => {
  const quoted = await offenders(sql`
    select ${nameOfColumn}
    from ${columns}
    where c.relnamespace in ('dw'::regnamespace, 'mart'::regnamespace)
      and concat(c.relname, a.attname) !~ '^[a-z0-9_]+$'`)
  expect(quoted).toEqual([])
})

test('every amount of a view has its currency column, or a name that says it is converted', async () => {
  const lonely = await offenders(sql`
    select ${nameOfColumn}
    from ${columns}
    where ${ofMart}
      and a.attname ~ '_amount$' and a.attname !~ '_reporting_amount$'
      and not exists (
        select from pg_attribute beside
        where beside.attrelid = c.oid
          and beside.attname = case
            when a.attname ~ '^(allocated|scheduled)_contract_' then 'contract_currency_code'
            when a.attname ~ '^(before|after)_amount$' then split_part(a.attname, '_', 1) || '_currency_code'
            else 'currency_code'
          end)`)
  expect(lonely).toEqual([])
})

test('views have numerators and denominators side by side, and leave ratios to the tool', async () => {
  const ratios = await offenders(sql`
    select ${nameOfColumn}
    from ${columns}
    where ${ofMart} and a.atttypid <> 'boolean'::regtype
      and a.attname ~ '(rate|ratio|share|percent|average|avg)(_|$)'`)
  expect(ratios).toEqual([])
})

/** Views with a converted column, the amount that it converts, and the currency of that. */
const converted = [
  ['referral', 'deal_value', 'currency_code'],
  ['deal', 'deal_value', 'currency_code'],
  ['referral', 'deal_value_once', 'currency_code'],
  ['pipeline_as_of', 'deal_value', 'currency_code'],
  ['pipeline_as_of', 'deal_value_once', 'currency_code'],
  ['pipeline_as_of', 'registered_acv', 'registered_acv_currency_code'],
  ['pipeline_month_end', 'deal_value', 'currency_code'],
  ['pipeline_month_end', 'deal_value_once', 'currency_code'],
  ['acv_line', 'solution_acv', 'currency_code'],
  ['acv_schedule', 'scheduled_solution', 'currency_code'],
  ['acv_schedule', 'scheduled_contract', 'contract_currency_code'],
  ['registration', 'contract_acv', 'currency_code'],
  ['expiring_referral', 'deal_value', 'currency_code'],
  ['expiring_referral', 'deal_value_once', 'currency_code'],
  ['incentive_acv', 'weighted_solution_acv', 'currency_code'],
  ['registration_review', 'current_contract_acv', 'currency_code'],
  ['registration_eligibility', 'deal_value', 'currency_code'],
  ['requested_solution', 'line', 'currency_code'],
  ['deal_seller', 'weighted_deal_value', 'currency_code'],
  ['seller_pipeline', 'weighted_deal_value', 'currency_code'],
  ...movements.map((movement) => ['pipeline_movement', movement, 'currency_code'] as const),
] as const

test('the list of converted columns in this test is complete', async () => {
  const found = await offenders(sql`
    select ${nameOfColumn}
    from ${columns}
    where ${ofMart} and a.attname ~ '_reporting_amount$'`)
  // That of the allocated contract has another name than the amount with the suffix.
  expect(found).toHaveLength(converted.length + 1)
})

const asMonthEnd = (view: string) =>
  /^pipeline_as_of/.test(view) ? sql`where snapshot_date = ${world.days[0]}` : sql``

test.each(converted)(
  '%s.%s_amount is converted to null without rates',
  async (view, amount, currency) => {
    const { rows } = await sql<{ count: number }>`
    select count(${sql.ref(`${amount}_reporting_amount`)}) filter (
      where ${sql.ref(currency)} <> 'USD') as count
    from ${sql.table(`mart.${view}`)} ${asMonthEnd(view)}`.execute(world.db)
    expect(rows).toEqual([{ count: 0 }])
  },
)

test('an amount in the reporting currency is converted to itself, without any rates', async () => {
  const { rows } = await sql<{ count: number; unlike: number }>`
    select count(*) as count,
      count(*) filter (where deal_value_reporting_amount is distinct from deal_value_amount) as unlike
    from mart.referral
    where currency_code = 'USD' and deal_value_amount is not null`.execute(world.db)
  expect(rows[0]?.count).toBeGreaterThan(10)
  expect(rows[0]?.unlike).toBe(0)
})

test('every amount is converted at the rate of its own day, to four decimals, when there are rates', async () => {
  await sql`
    insert into dw.fx_rate
      (currency_code, rate_date, rate_to_reporting, reporting_units, currency_units, observed_date,
        rate_source)
    select currency_code, date_day, 1.0000000007 + day_of_week, 1.0000000007 + day_of_week, 1,
      date_day, 'invented'
    from dw.dim_date cross join dw.dim_currency
    where date_day between '2019-01-01' and current_date and currency_code in ('EUR', 'INR')
  `.execute(world.db)
  const { rows } = await sql<{ value: string; day: string; converted: string }>`
    select l.solution_acv_amount as value, d.day_of_week::text as day,
      l.solution_acv_reporting_amount as converted
    from mart.acv_line l
    join dw.dim_date d on d.date_day = l.contract_sign_date
    where l.currency_code in ('EUR', 'INR') and l.solution_acv_amount is not null`.execute(world.db)
  expect(rows.length).toBeGreaterThan(5)
  for (const { value, day, converted } of rows) {
    const exact = new Exact(value).times(new Exact('1.0000000007').plus(day))
    expect(new Exact(converted).toFixed()).toBe(exact.toDecimalPlaces(4).toFixed())
  }
  const unlike = await sql<{ count: number }>`
    select count(*) as count
    from mart.referral r
    join dw.dim_date d
      on d.date_day = least(coalesce(r.closed_date, r.expected_close_date, current_date), current_date)
    where r.currency_code in ('EUR', 'INR')
      and r.deal_value_reporting_amount
        is distinct from round(r.deal_value_amount * (1.0000000007 + d.day_of_week), 4)`.execute(
    world.db,
  )
  expect(unlike.rows).toEqual([{ count: 0 }])
})

test('data_quality lists every referral without a value, and every finding follows from the payloads', async () => {
  const worthless = world.source
    .filter(({ latest }) => Number(latest.details?.dealValue ?? 1) === 0)
    .map(({ id }) => id)
  const { rows } = await sql<{ referral_id: string; account_code: string; isKnown: boolean }>`
    select q.referral_id, q.account_code, q.referral_key is not null as "isKnown"
    from mart.data_quality q
    where q.rule_code = 'zero_value' and q.item_ref = 'details.dealValue'
    order by q.referral_id`.execute(world.db)
  expect(rows.length).toBeGreaterThan(0)
  expect(rows.map((row) => row.referral_id)).toEqual(worthless.sort())
  expect(new Set(rows.map((row) => `${row.account_code} ${row.isKnown}`)).size).toBe(1)
})

test('load_status answers when the account was last published, and up to which source time', async () => {
  const { rows } = await sql<Record<string, unknown>>`
    select last_run_status, last_published_run_id, last_run_id, quarantined_referral_count,
      published_at <= now() and published_at > now() - interval '10 minutes' as is_fresh,
      watermark_to
    from mart.load_status`.execute(world.db)
  const updates = world.source
    .map(({ latest }) => latest.updatedDateTime?.slice(0, 26) ?? '')
    .sort()
  expect(rows).toEqual([
    {
      last_run_status: 'published',
      last_published_run_id: 5,
      last_run_id: 5,
      quarantined_referral_count: 0,
      is_fresh: true,
      watermark_to: expect.stringContaining(updates.at(-1)?.replace(/\.?0*Z?$/, '') ?? '-'),
    },
  ])
})
