import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { landSightings } from '../../src/load/sightings.ts'
import { clearSeen } from '../../src/load/stage.ts'
import { aReferral } from '../support/a-referral.ts'
import { withDatabase } from '../support/database.ts'
import {
  anAccount,
  aRun,
  failureOf,
  type Loaded,
  landReferrals,
  load,
  publishStaged,
  referralIdOf,
  reload,
  stageLanded,
  type TestAccount,
} from '../support/staged-rows.ts'

const numbered = (nos: readonly number[]) => nos.map((no) => aReferral({ id: referralIdOf(no) }))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** A run on a day of January that the source answers with these referrals. */
async function sweep(
  account: TestAccount,
  day: number,
  nos: readonly number[],
  { isCompleteSweep = true } = {},
): Promise<Loaded & { landed: number }> {
  const { warehouse, lease, key } = account
  const runId = await aRun(account, isCompleteSweep ? 'full' : 'incremental')
  const at = `2026-01-${String(day).padStart(2, '0')}T02:00:00Z`
  await landReferrals(account, runId, numbered(nos), at)
  const landed = await landSightings(warehouse.query, lease, {
    ...{ runId, observedAt: at, isCompleteSweep },
    ...{ missingPercentMax: 5, missingCountMax: 20 },
  })
  const staged = await stageLanded(account, 'unpublished')
  const published = await publishStaged(account, runId, staged)
  await clearSeen(warehouse.query, key, runId)
  return { ...published, runId, landed }
}

/** Which referrals are missing and since which day; `3 since 08`. */
async function missingOf({ warehouse, key }: TestAccount): Promise<string[]> {
  const missing = await sql<{ line: string }>`
    select right(referral_id, 1) || ' since ' || to_char(missing_since, 'DD') as line
    from dw.dim_referral where partner_account_key = ${key} and is_missing
    order by referral_id`.execute(warehouse.query)
  return missing.rows.map(({ line }) => line)
}

/** Landed absences and returns, in order; `3 absence 1`. */
async function sightingsOf({ warehouse, key }: TestAccount): Promise<string[]> {
  const landed = await sql<{ line: string }>`
    select concat(right(resource_id, 1), ' ', replace(resource_type, 'referral_', ''), ' ',
      version_no) as line
    from raw.payload where partner_account_key = ${key} and resource_type <> 'referral'
    order by observed_at, resource_id`.execute(warehouse.query)
  return landed.rows.map(({ line }) => line)
}

const withAccount = <T>(use: (account: TestAccount) => Promise<T>): Promise<T> =>
  withDatabase(async (_, __, warehouse) => use(await anAccount(warehouse)))

describe('a referral that a complete sweep does not return', () => {
  test('is not missing after the first time, and is after the second, from then on', () =>
    withAccount(async (account) => {
      await sweep(account, 5, [1, 2, 3])
      expect(await sweep(account, 6, [1, 2])).toMatchObject({ landed: 1, missing: 0 })
      expect(await missingOf(account)).toEqual([])
      expect(await sweep(account, 7, [1, 2])).toMatchObject({ landed: 1, missing: 1, staged: 1 })
      expect(await missingOf(account)).toEqual(['3 since 07'])
      expect(await sightingsOf(account)).toEqual(['3 absence 1', '3 absence 2'])
    }))

  test('gets no further row once it is missing', () =>
    withAccount(async (account) => {
      for (const day of [5, 6, 7]) await sweep(account, day, day === 5 ? [1, 2] : [1])
      expect(await sweep(account, 8, [1])).toMatchObject({ landed: 0, missing: 0, staged: 0 })
      expect(await missingOf(account)).toEqual(['2 since 07'])
    }))

  test('keeps its facts and gets a version of its history', () =>
    withAccount(async (account) => {
      for (const day of [5, 6, 7]) await sweep(account, day, day === 5 ? [1] : [])
      const { query } = account.warehouse
      const facts = await query.selectFrom('dw.fact_referral').selectAll().execute()
      expect(facts).toMatchObject([{ deal_value_amount: '120000.0000' }])
      const current = await query
        .selectFrom('dw.fact_referral_history')
        .select(['is_missing', 'valid_from'])
        .where('is_current', '=', true)
        .execute()
      expect(current).toEqual([{ is_missing: true, valid_from: '2026-01-07T02:00:00Z' }])
    }))

  test('is back when a run returns it, unchanged as it is', () =>
    withAccount(async (account) => {
      for (const day of [5, 6, 7]) await sweep(account, day, day === 5 ? [1, 2] : [1])
      const back = await sweep(account, 8, [2], { isCompleteSweep: false })
      expect(back).toMatchObject({ landed: 1, staged: 1, changed: 1 })
      expect(await missingOf(account)).toEqual([])
      expect(await sightingsOf(account)).toEqual(['2 absence 1', '2 absence 2', '2 presence 1'])
      expect(await sweep(account, 9, [1, 2])).toMatchObject({ landed: 0, staged: 0 })
    }))

  test('must be absent twice again after it came back', () =>
    withAccount(async (account) => {
      await sweep(account, 5, [1, 2])
      for (const [day, nos] of [
        [6, [1]],
        [7, [1, 2]],
        [8, [1]],
      ] as const) {
        await sweep(account, day, nos)
      }
      expect(await missingOf(account)).toEqual([])
      await sweep(account, 9, [1])
      expect(await missingOf(account)).toEqual(['2 since 09'])
      expect(await sightingsOf(account)).toEqual([
        ...['2 absence 1', '2 presence 1', '2 absence 2', '2 absence 3'],
      ])
    }))

  test('is missing in a rebuild as well', () =>
    withAccount(async (account) => {
      for (const day of [5, 6, 7]) await sweep(account, day, day === 5 ? [1, 2] : [1])
      expect(await reload(account)).toMatchObject({ changed: 0, missing: 0 })
      expect(await missingOf(account)).toEqual(['2 since 07'])
    }))

  test('is judged by the sweeps of its own account', () =>
    withAccount(async (account) => {
      const south = await anAccount(account.warehouse, 'south')
      await sweep(account, 5, [1, 2])
      await sweep(south, 5, [1, 2])
      for (const day of [6, 7]) await sweep(south, day, [1])
      expect(await missingOf(account)).toEqual([])
      expect(await missingOf(south)).toEqual(['2 since 07'])
    }))
})

test('a run that reads changes only marks nothing', () =>
  withAccount(async (account) => {
    await sweep(account, 5, [1, 2])
    for (const day of [6, 7, 8]) {
      const seen = await sweep(account, day, [1], { isCompleteSweep: false })
      expect(seen).toMatchObject({ landed: 0 })
    }
    expect(await missingOf(account)).toEqual([])
  }))

describe('a sweep that misses much', () => {
  const missed = async (account: TestAccount, known: number, returned: number) => {
    const { runId } = await load(account, numbered(upTo(known)))
    await clearSeen(account.warehouse.query, account.key, runId)
    return sweep(account, 6, upTo(returned))
  }

  test.each([
    { known: 30, returned: 10, why: 'twenty are allowed, whatever their share' },
    { known: 420, returned: 399, why: 'five of a hundred are allowed, whatever their number' },
  ])('goes on: $why', ({ known, returned }) =>
    withAccount(async (account) => {
      expect(await missed(account, known, returned)).toMatchObject({ landed: known - returned })
    }),
  )

  test.each([
    { known: 30, returned: 9, why: 'twenty-one, and most of them' },
    { known: 419, returned: 398, why: 'twenty-one, just over five of a hundred' },
    { known: 21, returned: 0, why: 'all' },
  ])('is refused and lands no absence: $why', ({ known, returned }) =>
    withAccount(async (account) => {
      const failure = await failureOf(missed(account, known, returned))
      expect(failure).toMatchObject({
        kind: 'checkFailed',
        exitCode: 65,
        code: 'sweep.vanished',
        message: expect.stringContaining(
          `returned ${known - returned} of ${known} known referrals`,
        ),
      })
      expect(await sightingsOf(account)).toEqual([])
    }),
  )
})
