import { readFile } from 'node:fs/promises'
import { type RawBuilder, sql } from 'kysely'
import { expect, test } from 'vitest'
import { deriveWarehouse } from '../../scripts/generate-tables.ts'
import { tables } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'

/** The first column of every row: what a query for offenders found. */
const offenders = (query: ReturnType<typeof sql<{ name: string }>>) =>
  withDatabase(async (db) => (await query.execute(db)).rows.map((row) => row.name))

const ourSchemas = sql`('raw', 'etl', 'stg', 'dw', 'pii')`

test('every table and every column of the catalog has a comment', async () => {
  const silent = await offenders(sql`
    select concat_ws('.', n.nspname, c.relname, a.attname) as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r' and n.nspname in ${ourSchemas}
      and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)
  `)
  expect(silent).toEqual([])
})

test('every table that a publication may have has a primary key, which deletions are found by', async () => {
  // Unlogged tables are not replicated. Without a key, PostgreSQL rejects every update and deletion.
  const keyless = await offenders(sql`
    select c.oid::regclass::text as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname in ${ourSchemas}
      and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
  `)
  expect(keyless).toEqual([])
})

test('src/warehouse/tables.generated.ts agrees with the catalog', async () => {
  const committed = await readFile(
    new URL('../../src/warehouse/tables.generated.ts', import.meta.url),
    'utf8',
  )
  expect(await withDatabase(deriveWarehouse), 'run npm run schema').toBe(committed)
})

test('every key of dw, raw, pii and etl has the account, or is shared by all accounts', async () => {
  // What holds no account's data, or is keyed by a run, which belongs to one account.
  const shared = [
    'dw.dim_currency',
    'dw.dim_date',
    'dw.dim_status',
    'dw.documented_enum_value',
    'dw.fx_rate',
    // Its accounts may have no key yet.
    'etl.account',
    'etl.enum_value',
    'etl.extract_window',
    'etl.fx_quote',
    'etl.mart_grant',
    'etl.mart_view',
    'etl.run',
    'etl.run_table',
    'etl.setting',
    'etl.sign_in',
    'pii.erasure',
    'pii.secret',
  ]
  const without = Object.entries(tables)
    .filter(([name]) => !name.startsWith('stg.'))
    .filter(([, { key }]) => !(key as readonly string[]).includes('partner_account_key'))
    .map(([name]) => name)
  expect(without.sort()).toEqual(shared.sort())
})

test.each([
  ['dw.dim_referral', 'partner_account_key, referral_id'],
  ['dw.dim_customer', 'partner_account_key, profile_hash'],
  ['dw.dim_solution', 'partner_account_key, item_kind, solution_id'],
  ['dw.dim_tag', 'partner_account_key, tag_group, tag_type, tag_id'],
  ['dw.dim_engagement', 'partner_account_key, deal_id'],
  ['dw.dim_seller', 'partner_account_key, seller_hash'],
  ['dw.dim_status', 'referral_status, referral_substatus'],
  ['dw.dim_partner_account', 'account_code'],
  ['dw.dim_date', 'date_key'],
])('%s is unique by its natural key (%s)', async (table, key) => {
  const found = await offenders(sql`
    select pg_get_constraintdef(oid) as name
    from pg_constraint
    where conrelid = ${table}::regclass and contype = 'u'
  `)
  expect(found).toEqual([`UNIQUE (${key})`])
})

test.each([
  ['dw.fact_referral', ['referral_key']],
  ['dw.fact_referral_history', ['referral_key', 'version_no']],
  ['dw.fact_referral_solution', ['referral_key', 'line_no']],
  ['dw.fact_registration', ['referral_key', 'registration_no']],
  ['dw.fact_registration_review', ['referral_key', 'registration_no', 'visit_no']],
  ['dw.fact_registration_solution', ['referral_key', 'registration_no', 'line_no']],
  ['dw.fact_acv_schedule', ['referral_key', 'registration_no', 'line_no', 'contract_year_no']],
  ['dw.fact_registration_eligibility', ['referral_key', 'policy_name']],
  ['dw.fact_microsoft_acv', ['referral_key', 'reading_no']],
  ['dw.bridge_referral_seller', ['referral_key', 'seller_key']],
  ['dw.bridge_referral_tag', ['referral_key', 'tag_key']],
  ['dw.bridge_line_incentive', ['referral_key', 'registration_no', 'line_no', 'tag_key']],
  ['pii.contact', ['referral_key', 'contact_role', 'contact_no']],
  ['pii.referral_text', ['referral_key']],
] as const)('%s has the grain %j of one account', (table, [referral, ...rest]) => {
  // A column between the two, and PostgreSQL 18 plans to read the whole table for a few referrals.
  expect(tables[table].key).toEqual([referral, 'partner_account_key', ...rest])
})

test('names of tables and columns need no quotes: lower case, digits and underscores only', async () => {
  const names = Object.entries(tables).flatMap(([name, { columns }]) => [
    ...name.split('.'),
    ...columns,
  ])
  expect(names.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([])
})

test('dw has no enum, array, JSON or binary column: BI tools fail on them', async () => {
  const found = await offenders(sql`
    select distinct format_type(a.atttypid, null) as name
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'dw'::regnamespace and c.relkind = 'r' and a.attnum > 0
    order by 1
  `)
  expect(found).toEqual(
    'bigint boolean date integer numeric smallint text'
      .split(' ')
      .concat('timestamp with time zone'),
  )
})

test('every numeric column of dw and mart has at most 28 digits, 15 of them decimals', async () => {
  // The type modifier bounds the values: PostgreSQL rounds to its scale, and rejects more digits.
  const longer = await offenders(sql`
    select concat_ws(' ', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod)) as name
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace in ('dw'::regnamespace, 'mart'::regnamespace)
      and c.relkind in ('r', 'v', 'm', 'p')
      and a.atttypid in ('numeric'::regtype, 'numeric[]'::regtype)
      and (a.atttypmod = -1
        or information_schema._pg_numeric_precision(a.atttypid, a.atttypmod) > 28
        or information_schema._pg_numeric_scale(a.atttypid, a.atttypmod) > 15)
    order by 1
  `)
  expect(longer).toEqual([])
})

test('every amount is numeric(19,4), the most that Power BI holds', async () => {
  const found = await offenders(sql`
    select concat_ws('.', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) as name
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    where c.relnamespace in ('dw'::regnamespace, 'stg'::regnamespace) and c.relkind = 'r'
      and a.attname like '%\\_amount' and format_type(a.atttypid, a.atttypmod) <> 'numeric(19,4)'
  `)
  expect(found).toEqual([])
})

test('every table with an amount has a currency column', () => {
  const lonely = Object.entries(tables)
    .filter(([, { columns }]) => columns.some((column) => column.endsWith('_amount')))
    .filter(([, { columns }]) => !columns.some((column) => column === 'currency_code'))
    .map(([name]) => name)
  expect(lonely).toEqual([])
})

test('a staged column has the type and the comment of its target', async () => {
  const found = await offenders(sql`
    select concat_ws('.', s.relname, a.attname) as name
    from pg_class s
    join pg_attribute a on a.attrelid = s.oid and a.attnum > 0
    join pg_class t on t.relname = s.relname
      and t.relnamespace::regnamespace::text in ('dw', 'pii', 'etl')
    join pg_attribute o on o.attrelid = t.oid and o.attname = a.attname
    where s.relnamespace = 'stg'::regnamespace
      and a.attname not in ('partner_account_key')
      and (
        format_type(a.atttypid, a.atttypmod) <> format_type(o.atttypid, o.atttypmod)
        or col_description(s.oid, a.attnum) <> col_description(t.oid, o.attnum)
      )
  `)
  expect(found).toEqual([])
})

test('staging tables are unlogged and have neither key nor index, but for stg.listed_referral', async () => {
  const found = await offenders(sql`
    select relname as name
    from pg_class
    where relnamespace = 'stg'::regnamespace and relkind <> 't'
      and relname <> 'listed_referral_pkey'
      and (relkind <> 'r' or (relpersistence = 'u') = (relname = 'listed_referral'))
  `)
  expect(found).toEqual([])
})

/** Of `pg_constraint k`; before 18 every one is. */
const isEnforced = sql`coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true'`
const toCalendar = sql`k.confrelid in ('dw.dim_date'::regclass, 'dw.dim_currency'::regclass)`

async function serverVersion() {
  const { version } = await withDatabase(async (db) => {
    const { rows } = await sql<{ version: number }>`
      select current_setting('server_version_num')::integer as version`.execute(db)
    return rows[0] ?? { version: 0 }
  })
  return version
}

test('facts have enforced foreign keys to small dimensions, and before PostgreSQL 18 also to their referral', async () => {
  const pointing = await offenders(sql`
    select k.conrelid::regclass::text as name
    from pg_constraint k
    where k.contype = 'f' and ${isEnforced} and not ${toCalendar}
    group by k.conrelid
    order by k.conrelid::regclass::text collate "C"
  `)
  const always = [
    'dw.bridge_line_incentive',
    'dw.dim_engagement',
    'dw.fact_engagement_history',
    'dw.fact_referral',
    'dw.fact_registration',
    'dw.fact_registration_solution',
  ]
  const before18 = [
    'dw.bridge_referral_seller',
    'dw.fact_microsoft_acv',
    'dw.fact_referral_history',
    'dw.fact_referral_solution',
    'dw.fact_registration_eligibility',
    'dw.fact_registration_review',
    'dw.fact_solution_change',
  ]
  const isBefore18 = (await serverVersion()) < 180_000
  expect(pointing).toEqual([...always, ...(isBefore18 ? before18 : [])].sort())
})

test('every fact and bridge declares the key to its referral', async () => {
  const undeclared = await offenders(sql`
    select c.relname as name
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'referral_key'
    where c.relnamespace = 'dw'::regnamespace and c.relkind = 'r' and c.relname ~ '^(fact|bridge)_'
      and not exists (
        select from pg_constraint k
        where k.conrelid = c.oid and k.contype = 'f' and k.conkey[1] = a.attnum
          and k.confrelid = 'dw.dim_referral'::regclass)
    order by 1
  `)
  const isBefore18 = (await serverVersion()) < 180_000
  expect(undeclared).toEqual(isBefore18 ? ['bridge_referral_tag', 'fact_acv_schedule'] : [])
})

test('every way to a day or currency is declared and costs nothing, or before PostgreSQL 18 the cheap ones', async () => {
  const version = await serverVersion()
  const ways = (which: RawBuilder<unknown>) =>
    offenders(sql`
      select concat_ws('.', k.conrelid::regclass, a.attname) as name
      from pg_constraint k
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
      where k.contype = 'f' and ${toCalendar} and ${which}
      order by 1
    `)
  const undeclared = await offenders(sql`
    select concat_ws('.', c.oid::regclass, a.attname) as name
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'dw'::regnamespace and c.relkind = 'r' and c.relname ~ '^(fact|bridge)_'
      and (a.atttypid = 'date'::regtype or a.attname ~ 'currency_code$'
        or a.attname in ('referral_key', 'customer_key', 'solution_key', 'tag_key'))
      and not exists (
        select from pg_constraint k
        where k.conrelid = c.oid and k.contype = 'f' and k.conkey[1] = a.attnum)
    order by 1
  `)
  if (version >= 180_000) {
    expect(undeclared).toEqual([])
    expect(await ways(isEnforced)).toEqual([])
    expect((await ways(sql`true`)).length).toBeGreaterThan(50)
  } else {
    expect(await ways(sql`true`)).toEqual([
      'dw.fact_referral.created_date',
      'dw.fact_registration.contract_sign_date',
      'dw.fact_registration_eligibility.evaluated_date',
      'dw.fact_registration_review.entered_date',
      'dw.fact_registration_solution.contract_sign_date',
    ])
  }
})

test('a payload of 6 kB is compressed by lz4, or not at all where the server has none', () =>
  withDatabase(async (db) => {
    await sql`
      insert into raw.payload (partner_account_key, resource_type, resource_id, version_no,
        observed_at, payload_hash, source_ref, run_id, payload)
      values (1, 'referral', 'long', 1, now(), '', '', 1,
        jsonb_build_object('text', repeat('customer ', 650)))`.execute(db)
    const { rows } = await sql`
      select
        coalesce(pg_column_compression(payload), 'none') as way,
        (select a.attcompression = 'l' from pg_attribute a
          where a.attrelid = 'raw.payload'::regclass and a.attname = 'payload') as has_lz4
      from raw.payload`.execute(db)
    expect([
      { way: 'lz4', has_lz4: true },
      { way: 'none', has_lz4: false },
    ]).toContainEqual(rows[0])
  }))

test('a unique index allows one current version of a referral', async () => {
  const found = await offenders(sql`
    select indexdef as name
    from pg_indexes
    where indexname = 'fact_referral_history_current'
  `)
  expect(found).toEqual([expect.stringMatching(/^CREATE UNIQUE INDEX .* WHERE is_current$/)])
})

test('an installation starts with one secret of 256 bits', async () => {
  const secrets = await withDatabase((db) =>
    db.selectFrom('pii.secret').select(['secret_name', 'secret_value']).execute(),
  )
  expect(secrets).toEqual([
    { secret_name: 'install', secret_value: expect.stringMatching(/^[0-9a-f]{64}$/) },
  ])
})
