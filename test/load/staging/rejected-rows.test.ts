import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { findRefused } from '../../../src/load/staging/rejected-rows.ts'
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

async function setAside({ warehouse }: TestAccount) {
  const found = await sql<Record<string, unknown>>`
    select resource_id, version_no, reason_code, item_path, detail from etl.quarantine
    where resolved_run_id is null order by resource_id`.execute(warehouse.query)
  return found.rows
}

const refused = (no: number, item_path: string, state: string, version_no = 1) => ({
  resource_id: referralIdOf(no),
  version_no,
  reason_code: 'rejected_by_database',
  item_path,
  detail: `expected PostgreSQL to take what the transform accepted, got SQLSTATE ${state}`,
})

const alter = ({ warehouse }: TestAccount, statement: string) =>
  sql.raw(statement).execute(warehouse.query)

/** Longer than an index row may be, and of letters that do not compress. */
const endless = Array.from({ length: 9000 }, (_, index) =>
  String.fromCharCode(0x4e00 + ((index * 7919) % 20_000)),
).join('')

/** What PostgreSQL is made to refuse, by what a test database has and ours has not. */
const refusals = [
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
    plant: `create function public.refuse() returns trigger language plpgsql as $$ begin
      if new.referral_name = 'Poison' then raise 'no' using errcode = '22000'; end if;
      return new; end $$;
      create trigger refuse before insert on dw.dim_referral
      for each row execute function public.refuse()`,
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
    why: 'a constraint that is looked at when the transaction ends',
    plant: `alter table dw.dim_referral add constraint once unique (external_reference_id)
      deferrable initially deferred`,
    changes: { externalReferenceId: 'R-1' },
    path: 'dw.dim_referral.once',
    state: '23505',
  },
]

describe('a referral that PostgreSQL refuses is set aside, and the others are published', () => {
  test.each(refusals)('because of $why', ({ plant, changes, path, state }) =>
    withAccount(async (account) => {
      await alter(account, plant)
      const other = state === '23505' ? changes : {}
      const wires = referrals(20, (no) => (no === 13 ? changes : no === 2 ? other : {}))
      const loaded = await load(account, wires)
      expect(loaded).toMatchObject({
        staged: 19,
        changed: 19,
        quarantined: 1,
        conservation: { fetched: 20, inserted: 19, quarantined: 1 },
      })
      expect(await setAside(account)).toEqual([refused(13, path, state)])
      expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(19)
      const counted = await account.warehouse.query
        .selectFrom('etl.run_table')
        .select('staged_count')
        .where('table_name', '=', 'dw.fact_referral')
        .execute()
      expect(counted).toEqual([{ staged_count: 19 }])
    }),
  )

  test('and keeps its last good rows until a later version is taken', () =>
    withAccount(async (account) => {
      await load(account, referrals(5))
      await alter(
        account,
        `alter table dw.dim_referral add constraint named check (referral_name <> 'Poison')`,
      )
      const before = await physicalState(account.warehouse, account.key, ['dw.dim_referral'])
      const at = (day: number) => ({ updatedDateTime: `2026-01-0${day}T00:00:00Z` })
      const second = await load(account, [referral(3, { name: 'Poison', ...at(1) })])
      expect(second).toMatchObject({ changed: 0, quarantined: 1 })
      expect(await setAside(account)).toEqual([refused(3, 'dw.dim_referral.named', '23514', 2)])
      expect(await physicalState(account.warehouse, account.key, ['dw.dim_referral'])).toEqual(
        before,
      )
      await load(account, [referral(3, { name: 'Mended', ...at(2) })])
      expect(await setAside(account)).toEqual([])
      expect(await reload(account)).toMatchObject({ staged: 5, changed: 0, quarantined: 0 })
    }))

  test('one in a row of the stage and one in a row of the star, in one run', () =>
    withAccount(async (account) => {
      for (const { plant } of refusals.slice(0, 4)) await alter(account, plant)
      const changes = new Map([5, 9, 12, 17].map((no, index) => [no, refusals[index]?.changes]))
      const loaded = await load(
        account,
        referrals(20, (no) => changes.get(no) ?? {}),
      )
      expect(loaded).toMatchObject({ changed: 16, quarantined: 4, conservation: { fetched: 20 } })
      expect(await setAside(account)).toMatchObject(
        [5, 9, 12, 17].map((no) => ({ resource_id: referralIdOf(no) })),
      )
    }))

  test('and leaves the stage of another account alone', () =>
    withAccount(async (north) => {
      await alter(north, refusals[0]?.plant ?? '')
      const south = await anAccount(north.warehouse, 'south')
      const southRun = await aRun(south)
      await landReferrals(south, southRun, referrals(4))
      const southStaged = await stageLanded(south, 'unpublished')
      await load(north, [referral(1), referral(2, dealOf(7_000_000))])
      expect(await publishStaged(south, southRun, southStaged)).toMatchObject({ changed: 4 })
    }))

  test('and counts toward the limit beyond which nothing is published', () =>
    withAccount(async (account) => {
      await alter(account, refusals[0]?.plant ?? '')
      const wires = referrals(30, (no) => (no % 3 === 0 ? dealOf(7_000_000) : {}))
      const limits = { quarantineCountMax: 9, quarantinePercentMax: 1 }
      const failure = await failureOf(load(account, wires, limits))
      expect(failure).toMatchObject({ kind: 'checkFailed', code: 'quarantine.threshold' })
      expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(0)
      expect(await countOf(account.warehouse, 'etl.quarantine')).toBe(0)
    }))

  test.each([
    { where: 'the star', plant: refusals[0]?.plant, changes: dealOf(7_000_000) },
    { where: 'the stage', plant: refusals[2]?.plant, changes: dealOf(9_000_000) },
  ])('unless there are very many, which a schema is to blame for: $where', ({ plant, changes }) =>
    withAccount(async (account) => {
      await alter(account, plant ?? '')
      const failure = await failureOf(
        load(
          account,
          referrals(120, () => changes),
        ),
      )
      expect(failure).toMatchObject({ kind: 'checkFailed', code: 'quarantine.refused' })
      expect(await countOf(account.warehouse, 'dw.fact_referral')).toBe(0)
    }),
  )
})

describe('finding what is refused', () => {
  const refusal = Object.assign(new pg.DatabaseError('no', 1, 'error'), { code: '23514' })

  test.each([
    { count: 1, bad: [0] },
    { count: 1000, bad: [] },
    { count: 1000, bad: [0] },
    { count: 1000, bad: [999] },
    { count: 1000, bad: [3, 4, 500] },
    { count: 50_000, bad: [33_333] },
  ])('$bad of $count takes at most 2 log2(n) tries each', async ({ count, bad }) => {
    const items = Array.from({ length: count }, (_, index) => index)
    const taken: number[] = []
    let tries = 0
    const found = await findRefused(items, async (some) => {
      tries++
      if (some.some((item) => bad.includes(item))) throw refusal
      taken.push(...some)
    })
    expect(found.map(({ item }) => item)).toEqual(bad)
    expect(taken).toEqual(items.filter((item) => !bad.includes(item)))
    expect(tries).toBeLessThanOrEqual(1 + bad.length * 2 * Math.ceil(Math.log2(count)))
  })
})
