import { readdir, readFile } from 'node:fs/promises'
import { type RawBuilder, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { CosellError } from '../../src/errors.ts'
import { runChecks } from '../../src/load/publish/checks.ts'
import type { StarAccess } from '../../src/load/publish/star/star-access.ts'
import type { Transaction } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import {
  anAccount,
  failureOf,
  load,
  referralIdOf,
  type TestAccount,
} from '../support/load-referrals.ts'
import { aLine, aReferral, aRegistration } from '../support/referral-builder.ts'

const folder = new URL('../../sql/checks/', import.meta.url)
const checks = (await readdir(folder)).map((file) => file.replace(/\.sql$/, '')).sort()

/** Two of everything that a check counts or sums. */
const aWholeReferral = (no: number) =>
  aReferral({
    id: referralIdOf(no),
    details: {
      ...aReferral().details,
      requirements: {
        industries: [{ id: 'Manufacturing' }, { id: 'Education' }],
        solutions: [
          { id: 'SOL-1', name: 'One' },
          { id: 'SOL-2', name: 'Two' },
        ],
      },
    },
    registrations: [
      aRegistration({
        solutionDetails: [
          aLine({ id: 'SOL-1', incentives: ['one', 'two', 'three'] }),
          aLine({ id: 'SOL-2', value: 20_000 }),
        ],
      }),
    ],
  })

interface Violation {
  readonly check: string
  readonly why: string
  readonly plant: RawBuilder<unknown>
}

const every = (check: string, violations: readonly (readonly [string, RawBuilder<unknown>])[]) =>
  violations.map(([why, plant]): Violation => ({ check, why, plant }))

const dates: Readonly<Record<string, readonly string[]>> = {
  fact_referral: [
    ...['created_date', 'updated_date', 'accepted_date', 'expected_close_date', 'expiration_date'],
    ...['closed_date', 'registered_date', 'registration_approved_date'],
  ],
  fact_referral_history: [
    ...['valid_from_date', 'valid_to_date', 'expected_close_date', 'expiration_date'],
  ],
  fact_registration: [
    ...['contract_sign_date', 'contract_start_date', 'contract_end_date', 'registered_date'],
    ...['review_pending_date', 'action_required_date', 'approved_date', 'decided_date'],
  ],
  fact_registration_solution: [
    ...['contract_sign_date', 'contract_start_date', 'registered_date'],
    'marketplace_transaction_date',
  ],
}
const datesPastTheCalendar = [
  ['fact_registration', 'contract_end_exclusive_date'],
  ['fact_acv_schedule', 'period_start_date'],
  ['fact_acv_schedule', 'period_end_date'],
] as const
const currencies = [
  ['fact_referral', 'currency_code'],
  ['fact_referral_history', 'currency_code'],
  ['fact_referral_history', 'registered_acv_currency_code'],
  ['fact_referral_solution', 'currency_code'],
  ['fact_registration', 'currency_code'],
  ['fact_registration_solution', 'currency_code'],
  ['fact_registration_solution', 'contract_currency_code'],
  ['fact_acv_schedule', 'currency_code'],
  ['fact_acv_schedule', 'contract_currency_code'],
] as const
const amounts = [
  ['fact_referral', 'deal_value_amount'],
  ['fact_registration', 'contract_value_amount'],
  ['fact_registration_solution', 'solution_value_amount'],
] as const

const set = (table: string, column: string, value: unknown) =>
  sql`update ${sql.id('dw', table)} set ${sql.ref(column)} = ${value}`

const counted = [
  ...['fact_referral', 'fact_referral_history', 'fact_referral_solution', 'fact_registration'],
  ...['fact_registration_solution', 'fact_acv_schedule', 'bridge_referral_tag'],
  'bridge_line_incentive',
]

/** Adds a reading of Microsoft's annual contract value, which no payload of the API has. */
const readingIn = (currency: string, ofSolution: string) => sql`
  insert into dw.fact_microsoft_acv (partner_account_key, referral_key, reading_no, is_latest,
    contract_term, is_perpetual, currency_code, solution_currency_code, row_hash, created_run_id,
    updated_run_id)
  select partner_account_key, referral_key, 1, true, '', false, ${currency}, ${ofSolution}, 0,
    created_run_id, created_run_id
  from dw.fact_referral
  limit 1`

const violations: readonly Violation[] = [
  ...every('every_key_has_its_dimension', [
    ['an account', sql`delete from dw.dim_partner_account`],
    ['a referral', sql`update stg.referral_key set referral_key = -referral_key`],
    ['a customer', sql`update dw.fact_acv_schedule set customer_key = -1`],
    ['a solution', sql`update dw.fact_acv_schedule set solution_key = -1`],
    ['a tag', sql`update dw.bridge_referral_tag set tag_key = -tag_key`],
    ['a seller', sql`update dw.bridge_referral_seller set seller_key = -seller_key`],
    ...['referral', 'customer', 'solution', 'tag', 'seller'].map(
      (name) =>
        [
          `a ${name} of the same account`,
          sql`update ${sql.id('dw', `dim_${name}`)} set partner_account_key = -1`,
        ] as const,
    ),
    ['a requested solution', sql`update dw.fact_referral_solution set solution_key = -1`],
    ['a customer of history', sql`update dw.fact_referral_history set customer_key = -1`],
    ['a status of history', sql`update dw.fact_referral_history set status_key = -9`],
    ['a status before', sql`update dw.fact_referral_history set previous_status_key = -9`],
    ['a day of the calendar', sql`delete from dw.dim_date where date_day = '2030-02-03'`],
    ...currencies.map(
      ([table, column]) => [`${table} ${column}`, set(table, column, 'ZZZ')] as const,
    ),
    ['fact_microsoft_acv currency_code', readingIn('ZZZ', 'USD')],
    ['fact_microsoft_acv solution_currency_code', readingIn('USD', 'ZZZ')],
    ...Object.entries(dates).flatMap(([table, columns]) =>
      columns.flatMap((column) => [
        [`${table} ${column} is too early`, set(table, column, '1999-12-31')] as const,
        [`${table} ${column} is too late`, set(table, column, '2100-01-01')] as const,
      ]),
    ),
    ...datesPastTheCalendar.map(
      ([table, column]) => [`${table} ${column}`, set(table, column, '1999-12-31')] as const,
    ),
  ]),
  ...every('everything_landed_has_its_place', [
    ['a version was not staged', sql`update etl.run set run_status = 'extracted'`],
  ]),
  ...every('history_agrees_with_fact', [
    ['another status', sql`update dw.fact_referral set status_key = -1`],
    [
      'another deal value',
      sql`update dw.fact_referral set deal_value_amount = deal_value_amount + 0.0001`,
    ],
    ['no deal value', sql`update dw.fact_referral_history set deal_value_amount = null`],
    ['another currency', sql`update dw.fact_referral set currency_code = 'EUR'`],
    [
      'another customer',
      sql`with former as (
          insert into dw.dim_customer
          select (jsonb_populate_record(d, '{"customer_key": 999, "profile_hash": "former"}')).*
          from dw.dim_customer d limit 1)
        update dw.fact_referral set customer_key = 999`,
    ],
  ]),
  ...every('landed_amounts_are_published', [
    ...amounts.map(
      ([table, column]) =>
        [
          `another ${column}`,
          sql`update ${sql.id('dw', table)} set ${sql.ref(column)} = ${sql.ref(column)} + 0.0001`,
        ] as const,
    ),
    ...amounts.map(([table, column]) => [`no ${column}`, set(table, column, null)] as const),
    ...amounts.map(
      ([table, column]) => [`${column} in euros`, set(table, 'currency_code', 'EUR')] as const,
    ),
  ]),
  ...every('staged_amounts_are_published', [
    ...amounts.map(
      ([table, column]) =>
        [
          `another ${column}`,
          sql`update ${sql.id('dw', table)} set ${sql.ref(column)} = ${sql.ref(column)} + 0.0001`,
        ] as const,
    ),
    ...amounts.map(
      ([table, column]) => [`${column} in euros`, set(table, 'currency_code', 'EUR')] as const,
    ),
  ]),
  ...every('every_referral_is_whole', [
    ['no fact', sql`delete from dw.fact_referral`],
    ['no history', sql`delete from dw.fact_referral_history`],
    ['no current version', sql`update dw.fact_referral_history set is_current = false`],
  ]),
  ...every(
    'everything_staged_is_published',
    counted.flatMap((table) => [
      [
        `a row of ${table} is lost`,
        sql`insert into ${sql.id('stg', table)} select * from ${sql.id('stg', table)} limit 1`,
      ] as const,
      [`rows of ${table} are too many`, sql`delete from ${sql.id('stg', table)}`] as const,
    ]),
  ),
  ...every('history_is_seamless', [
    ['a gap', sql`update dw.fact_referral_history set valid_to = valid_to + interval '1 us'`],
    [
      'an overlap',
      sql`update dw.fact_referral_history set valid_from = valid_from - interval '1 us'`,
    ],
    [
      'the last version has an end',
      sql`update dw.fact_referral_history set valid_to = now() where is_current`,
    ],
    [
      'versions are numbered against time',
      sql`update dw.fact_referral_history set version_no = 10 - version_no`,
    ],
  ]),
  ...every('one_referral_counts_for_a_deal', [
    ['a deal is unknown', sql`delete from dw.dim_engagement`],
    ['a deal has no history', sql`delete from dw.fact_engagement_history`],
    [
      'the primary referral has left the deal',
      sql`update dw.dim_referral set engagement_id = 'elsewhere'`,
    ],
    [
      'the primary referral is one of another deal',
      sql`with moved as (
          update dw.dim_referral set engagement_id = 'elsewhere'
          where referral_id = ${referralIdOf(2)} returning referral_key)
        update dw.dim_engagement set primary_referral_key = moved.referral_key from moved`,
    ],
    [
      'two referrals are primary on a day',
      sql`insert into dw.fact_engagement_history
        select partner_account_key, engagement_key, (
            select referral_key from dw.dim_referral where referral_id = ${referralIdOf(2)}),
          valid_from_date + 1, null, created_run_id, updated_run_id
        from dw.fact_engagement_history limit 1`,
    ],
    [
      'a deal counts no longer',
      sql`update dw.fact_engagement_history set valid_to_date = '2026-01-01'`,
    ],
  ]),
  ...every('lines_sum_to_contract', [
    [
      'a contract is worth more',
      sql`update dw.fact_registration set contract_value_amount = contract_value_amount + 0.0001`,
    ],
    [
      'a contract is worth less a year',
      sql`update dw.fact_registration set contract_acv_amount = contract_acv_amount - 0.0001`,
    ],
    ['a contract has no value', sql`update dw.fact_registration set contract_value_amount = null`],
    [
      'a share is missing',
      sql`update dw.fact_registration_solution set allocated_contract_acv_amount = null
        where line_no = 1`,
    ],
  ]),
  ...every('schedule_sums_to_line', [
    [
      'a line is worth more',
      sql`update dw.fact_registration_solution
        set solution_value_amount = solution_value_amount + 0.0001 where line_no = 1`,
    ],
    [
      'a year carries less of the contract',
      sql`update dw.fact_acv_schedule
        set scheduled_contract_amount = scheduled_contract_amount - 0.0001
        where contract_year_no = 2`,
    ],
    [
      'a year carries no amount',
      sql`update dw.fact_acv_schedule set scheduled_solution_amount = null
        where contract_year_no = 1`,
    ],
  ]),
  ...every('weights_sum_to_one', [
    ['tags', sql`update dw.bridge_referral_tag set weight = weight + 0.000001`],
    ['requested lines', sql`update dw.fact_referral_solution set weight = weight - 0.000001`],
    ['incentives', sql`update dw.bridge_line_incentive set weight = 0 where weight = 0.333333`],
  ]),
]

function respelled(value: unknown, spell: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => respelled(item, spell))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  return Object.fromEntries(entries.map(([name, item]) => [spell(name), respelled(item, spell)]))
}

const enough = new Error('looked at; rolled back')

/**
 * Runs the checks, or one, over referral 1 of the account after `plant`, in a transaction that is
 * rolled back. One, because most damage fails several checks.
 */
async function checked(
  account: TestAccount,
  plant?: RawBuilder<unknown>,
  check?: string,
): Promise<unknown> {
  let failure: unknown
  const looking = account.warehouse.query.transaction().execute(async (transaction) => {
    await chooseReferral(transaction)
    if (plant !== undefined) {
      await dropEnforcedKeys.execute(transaction)
      const planted = await plant.execute(transaction)
      expect(planted.numAffectedRows, 'rows that the plant touched').toBeGreaterThan(0n)
    }
    const only = check === undefined ? undefined : [check]
    const run = (access: StarAccess) =>
      runChecks(transaction, account.key, only, access).catch((error: unknown) => error)
    failure = await run('scan')
    // Only the order of the rows in the message may differ.
    const code = failure instanceof CosellError ? failure.code : undefined
    expect(await run('probe')).toEqual(code && expect.objectContaining({ code }))
    throw enough
  })
  expect(await failureOf(looking)).toBe(enough)
  return failure
}

/** They would refuse the damage before a check sees it; servers before 18 have more of them. */
const dropEnforcedKeys = sql`
  do $$
  declare
    way record;
  begin
    for way in
      select conrelid::regclass as fact, conname as name
      from pg_constraint
      where contype = 'f' and convalidated and connamespace = 'dw'::regnamespace
    loop
      execute format('alter table %s drop constraint %I', way.fact, way.name);
    end loop;
  end;
  $$`

async function chooseReferral(transaction: Transaction<Database>) {
  await sql`
    insert into stg.referral_key
      (partner_account_key, referral_no, referral_id, referral_key, customer_key)
    select partner_account_key, s.referral_no, referral_id, fact.referral_key, fact.customer_key
    from stg.dim_referral s
    join dw.dim_referral referral using (partner_account_key, referral_id)
    join dw.fact_referral fact using (partner_account_key, referral_key)
    where referral_id = ${referralIdOf(1)}`.execute(transaction)
}

describe('sql/checks', () => {
  test.each(checks)('check %s is stated by the first line of its file', async (check) => {
    const text = await readFile(new URL(`${check}.sql`, folder), 'utf8')
    expect(text.slice(0, text.indexOf('\n'))).toMatch(/^-- [A-Z].+\.$/)
  })

  test('every check has a planted violation in this test', () => {
    expect([...new Set(violations.map(({ check }) => check))].sort()).toEqual(checks)
  })

  test('every check passes on referrals as they are loaded', () =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, [aWholeReferral(1), aWholeReferral(2)])
      expect(await checked(account)).toBeUndefined()
    }))

  test.each(checks)('check %s fails on its violation, and the failure names it', (check) =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, [aWholeReferral(1), aWholeReferral(2)])
      const text = await readFile(new URL(`${check}.sql`, folder), 'utf8')
      const statement = text.slice('-- '.length, text.indexOf('\n'))
      for (const { why, plant } of violations.filter((violation) => violation.check === check)) {
        expect(await checked(account, plant, check), why).toMatchObject({
          kind: 'checkFailed',
          exitCode: 65,
          code: `check.${check}`,
          message: expect.stringContaining(`expected "${statement}", got {`),
        })
      }
      expect(await checked(account)).toBeUndefined()
    }),
  )

  test('checks read the payload that is newest by source time, in whatever order payloads landed', () =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      const worth = (dealValue: unknown, updatedDateTime: string) => ({
        ...aWholeReferral(1),
        updatedDateTime,
        details: { ...aReferral().details, dealValue },
      })
      await load(account, [worth('250000.5', '2026-01-02T00:00:00.1234567Z')])
      await load(account, [worth(1, '2026-01-02T00:00:00.1234566Z')])
      await load(account, [worth(2, '2025-12-31T23:59:59Z')])
      expect(await checked(account)).toBeUndefined()
      const fact = await warehouse.query
        .selectFrom('dw.fact_referral')
        .select('deal_value_amount')
        .executeTakeFirstOrThrow()
      expect(fact.deal_value_amount).toBe('250000.5000')
    }))

  const spellings = {
    PascalCase: (name: string) => name.charAt(0).toUpperCase() + name.slice(1),
    'upper case': (name: string) => name.toUpperCase(),
  }
  test.each(Object.entries(spellings))('checks read payloads in %s', (_name, spell) =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, [respelled(aWholeReferral(1), spell)])
      expect(await checked(account)).toBeUndefined()
      for (const [table, column] of amounts) {
        const failure = await checked(
          account,
          set(table, column, 1),
          'landed_amounts_are_published',
        )
        expect(failure, column).toMatchObject({ kind: 'checkFailed' })
      }
    }),
  )

  /** Amounts and currencies as a careless system may write them; a publish must not fail on them. */
  const written: readonly (readonly [unknown, unknown])[] = [
    ['1e3', ' usd '],
    ['-0.00005', null],
    [' 12.5 ', ''],
    ['0e999999999', 'EUR'],
    ['1e-99999999', 'USD'],
    ['1e0002', 'USD'],
    [`${'0'.repeat(5_000)}7`, 'USD'],
    ['\u00a07\u00a0', 'USD'],
    [7, '\u00a0'],
    [7, 'u\u017fd'],
    ['', 'USD'],
    [null, 'EUR'],
    [999_999_999_999.5, 'JPY'],
  ]
  test.each(written)('checks accept the amount %j in %j', (value, currency) =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      const { contract } = aRegistration()
      const registration = aRegistration({
        contract: { ...contract, value, currency },
        solutionDetails: [aLine({ value, currency }), aLine({ id: 'SOL-2', currency: null })],
      })
      const details = { ...aReferral().details, dealValue: value, currency }
      await load(account, [
        { ...aReferral({ id: referralIdOf(1) }), details, registrations: [registration] },
      ])
      expect(await checked(account)).toBeUndefined()
    }),
  )

  test('checks cover the referrals of the publish only', () =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      await load(account, [aWholeReferral(1), aWholeReferral(2)])
      const other = sql`
        update dw.fact_registration set contract_value_amount = 1
        from dw.dim_referral referral
        where referral.referral_key = fact_registration.referral_key
          and referral.referral_id = ${referralIdOf(2)}`
      expect(await checked(account, other)).toBeUndefined()
    }))
})
