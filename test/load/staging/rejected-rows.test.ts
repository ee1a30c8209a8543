import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { findRejected } from '../../../src/load/staging/rejected-rows.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  load,
  physicalState,
  publishStaged,
  referralIdOf,
  reload,
  stageLanded,
  type TestAccount,
} from '../../support/load-referrals.ts'
import { aLine, aMember, aReferral, aRegistration } from '../../support/referral-builder.ts'

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

const referral = (no: number, changes = {}) => aReferral({ id: referralIdOf(no), ...changes })

const referrals = (count: number, changes: (no: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, index) => referral(index + 1, changes(index + 1)))

const dealOf = (dealValue: number | string) => ({ details: { ...aReferral().details, dealValue } })

async function quarantined({ warehouse }: TestAccount) {
  const found = await sql<Record<string, unknown>>`
    select resource_id, version_no, reason_code, item_path, detail from etl.quarantine
    where resolved_run_id is null order by resource_id`.execute(warehouse.query)
  return found.rows
}

const rejected = (no: number, item_path: string, state: string, version_no = 1) => ({
  resource_id: referralIdOf(no),
  version_no,
  reason_code: 'rejected_by_database',
  item_path,
  detail: `expected PostgreSQL to accept every row, got SQLSTATE ${state}`,
})

const alter = ({ warehouse }: TestAccount, statement: string) =>
  sql.raw(statement).execute(warehouse.query)

/** Longer than an index row may be, and of letters that do not compress. */
const endless = Array.from({ length: 9000 }, (_, index) =>
  String.fromCharCode(0x4e00 + ((index * 7919) % 20_000)),
).join('')

/** Rows that PostgreSQL rejects because of a change to the schema of the test database. */
const rejections = [
  {
    why: 'a check constraint of dw',
    plant: 'alter table dw.fact_referral add constraint modest check (deal_value_amount < 1000000)',
    changes: dealOf(7_000_000),
    path: 'dw.fact_referral.modest',
    state: '23514',
  },
  {
    why: 'a narrower column of dw',
    // A column that views show keeps its type.
    plant: `drop schema mart cascade;
      alter table dw.fact_registration alter column contract_value_amount type numeric(10,4)`,
    changes: {
      registrations: [
        aRegistration({
          contract: { ...aRegistration().contract, value: 9_000_000 },
          solutionDetails: [aLine({ value: 9_000_000 })],
        }),
      ],
    },
    path: 'dw.fact_registration',
    state: '22003',
  },
  {
    why: 'a narrower column of the stage',
    plant: 'alter table stg.fact_referral alter column deal_value_amount type numeric(10,4)',
    changes: dealOf(9_000_000),
    path: 'fact_referral.deal_value_amount',
    state: '22003',
  },
  {
    why: 'a check constraint of the stage, on the very row that names the referral',
    plant: `alter table stg.dim_referral add constraint short check (length(referral_name) < 40)`,
    changes: { name: 'A name that is longer than forty letters, and has\ta tab' },
    path: 'stg.dim_referral.short',
    state: '23514',
  },
  {
    why: 'people, a row of many of one referral',
    plant: `alter table pii.contact add constraint known check (email <> 'nobody@example.com')`,
    changes: { team: [aMember('nobody@example.com', 'No', 'Body')] },
    path: 'pii.contact.known',
    state: '23514',
  },
  {
    why: 'a trigger',
    plant: `create function public.reject() returns trigger language plpgsql as $$ begin
      if new.referral_name = 'Poison' then raise 'no' using errcode = '22000'; end if;
      return new; end $$;
      create trigger reject before insert on dw.dim_referral
      for each row execute function public.reject()`,
    changes: { name: 'Poison' },
    path: 'dw.dim_referral',
    state: '22000',
  },
  {
    why: 'an index row that is too long',
    plant: 'create index long on dw.dim_referral (referral_name)',
    changes: { name: endless },
    path: 'dw.dim_referral',
    state: '54000',
  },
  {
    why: 'a deferred constraint, which is checked when the transaction ends',
    plant: `alter table dw.dim_referral add constraint once unique (external_reference_id)
      deferrable initially deferred`,
    changes: { externalReferenceId: 'R-1' },
    path: 'dw.dim_referral.once',
    state: '23505',
  },
]

describe('rejected referral', () => {
  test.each(rejections)(
    'a referral is quarantined and the others are published when PostgreSQL rejects a row for $why',
    ({ plant, changes, path, state }) =>
      withAccount(async (account) => {
        await alter(account, plant)
        const other = state === '23505' ? changes : {}
        const wires = referrals(20, (no) => (no === 13 ? changes : no === 2 ? other : {}))
        const loaded = await load(account, wires)
        expect(loaded).toMatchObject({
          staged: 19,
          changed: 19,
          quarantined: 1,
          reconciliation: { fetched: 20, inserted: 19, quarantined: 1 },
        })
        expect(await quarantined(account)).toEqual([rejected(13, path, state)])
        expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(19)
        const counted = await account.warehouse.query
          .selectFrom('etl.run_table')
          .select('staged_count')
          .where('table_name', '=', 'dw.fact_referral')
          .execute()
        expect(counted).toEqual([{ staged_count: 19 }])
      }),
  )

  test('a rejected referral keeps its last good rows until a later version is accepted', () =>
    withAccount(async (account) => {
      await load(account, referrals(5))
      await alter(
        account,
        `alter table dw.dim_referral add constraint named check (referral_name <> 'Poison')`,
      )
      const before = await physicalState(account.warehouse, account.key, ['dw.dim_referral'])
      const at = (day: number) => ({ updatedDateTime: `2026-01-0${day}T00:00:00Z` })
      const poisoned = referral(3, { name: 'Poison', ...at(1) })
      const second = await load(account, [poisoned], { quarantinePercentMax: 100 })
      expect(second).toMatchObject({ changed: 0, quarantined: 1 })
      expect(await quarantined(account)).toEqual([rejected(3, 'dw.dim_referral.named', '23514', 2)])
      expect(await physicalState(account.warehouse, account.key, ['dw.dim_referral'])).toEqual(
        before,
      )
      await load(account, [referral(3, { name: 'Fixed', ...at(2) })])
      expect(await quarantined(account)).toEqual([])
      expect(await reload(account)).toMatchObject({ staged: 5, changed: 0, quarantined: 0 })
    }))

  test('one run quarantines referrals with rejected rows of the stage and of the star', () =>
    withAccount(async (account) => {
      for (const { plant } of rejections.slice(0, 4)) await alter(account, plant)
      const changes = new Map([5, 9, 12, 17].map((no, index) => [no, rejections[index]?.changes]))
      const loaded = await load(
        account,
        referrals(20, (no) => changes.get(no) ?? {}),
      )
      expect(loaded).toMatchObject({ changed: 16, quarantined: 4, reconciliation: { fetched: 20 } })
      expect(await quarantined(account)).toMatchObject(
        [5, 9, 12, 17].map((no) => ({ resource_id: referralIdOf(no) })),
      )
    }))

  test('a rejected referral leaves the stage of another account alone', () =>
    withAccount(async (north) => {
      await alter(north, rejections[0]?.plant ?? '')
      const south = await anAccount(north.warehouse, 'south')
      const southRun = await aRun(south)
      await landReferrals(south, southRun, referrals(4))
      const southStaged = await stageLanded(south, 'unpublished')
      await load(north, [referral(1), referral(2, dealOf(7_000_000))])
      expect(await publishStaged(south, southRun, southStaged)).toMatchObject({ changed: 4 })
    }))

  test('a rejected referral counts toward the quarantine limits', () =>
    withAccount(async (account) => {
      await alter(account, rejections[0]?.plant ?? '')
      const wires = referrals(30, (no) => (no % 3 === 0 ? dealOf(7_000_000) : {}))
      const limits = { quarantineCountMax: 9, quarantinePercentMax: 1 }
      const failure = await failureOf(load(account, wires, limits))
      expect(failure).toMatchObject({ kind: 'checkFailed', code: 'quarantine.threshold' })
      expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(0)
      expect(await countOf(account.warehouse, 'etl.quarantine')).toBe(0)
    }))

  test.each([
    { where: 'the star', plant: rejections[0]?.plant, changes: dealOf(7_000_000) },
    { where: 'the stage', plant: rejections[2]?.plant, changes: dealOf(9_000_000) },
  ])(
    'too many rejected referrals fail the run, since the schema is at fault: $where',
    ({ plant, changes }) =>
      withAccount(async (account) => {
        await alter(account, plant ?? '')
        const failure = await failureOf(
          load(
            account,
            referrals(120, () => changes),
          ),
        )
        expect(failure).toMatchObject({ kind: 'checkFailed', code: 'quarantine.too_many_rejected' })
        expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(0)
      }),
    180_000,
  )
})

describe('findRejected', () => {
  const rejection = Object.assign(new pg.DatabaseError('no', 1, 'error'), { code: '23514' })

  test.each([
    { count: 1, bad: [0] },
    { count: 1000, bad: [] },
    { count: 1000, bad: [0] },
    { count: 1000, bad: [999] },
    { count: 1000, bad: [3, 4, 500] },
    { count: 50_000, bad: [33_333] },
  ])(
    'findRejected finds $bad of $count in at most 2 log2(n) tries each',
    async ({ count, bad }) => {
      const items = Array.from({ length: count }, (_, index) => index)
      const accepted: number[] = []
      let tries = 0
      const found = await findRejected(items, async (some) => {
        tries++
        if (some.some((item) => bad.includes(item))) throw rejection
        accepted.push(...some)
      })
      expect(found.map(({ item }) => item)).toEqual(bad)
      expect(accepted).toEqual(items.filter((item) => !bad.includes(item)))
      expect(tries).toBeLessThanOrEqual(1 + bad.length * 2 * Math.ceil(Math.log2(count)))
    },
  )
})
