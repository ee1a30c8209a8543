import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { countKnown, listMissedOnce } from '../../../src/load/landing/looks.ts'
import { landPresence } from '../../../src/load/landing/presence.ts'
import { markExtracted } from '../../../src/load/runs/ledger.ts'
import { clearListed } from '../../../src/load/staging/stage.ts'
import { Random } from '../../../src/sandbox/random.ts'
import { withDatabase } from '../../support/database.ts'
import {
  anAccount,
  aRun,
  failureOf,
  type Loaded,
  landReferrals,
  physicalState,
  publishStaged,
  referralIdOf,
  reload,
  stageLanded,
  type TestAccount,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'

const numbered = (nos: readonly number[]) => nos.map((no) => aReferral({ id: referralIdOf(no) }))
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** A run on a day of January that the source answers with these referrals. */
async function fullRead(
  account: TestAccount,
  day: number,
  nos: readonly number[],
  {
    isComplete = true,
    principal = null as string | null,
    notFound = [] as readonly string[],
    hour = 2,
  } = {},
): Promise<Loaded & { landed: number }> {
  const { warehouse, lease } = account
  const runId = await aRun(account, isComplete ? 'full' : 'incremental')
  const twoDigits = (number: number) => String(number).padStart(2, '0')
  const at = `2026-01-${twoDigits(day)}T${twoDigits(hour)}:00:00Z`
  await landReferrals(account, runId, numbered(nos), at)
  const landed = await landPresence(warehouse.query, lease, {
    ...{ account: account.key, runId, principal: principal ?? 'unknown', observedAt: at },
    ...{ isComplete, notFound },
    ...{ missingPercentMax: 5, missingCountMax: 20 },
  })
  const figures = { requests: 1, throttled: 0, seen: nos.length, isComplete, principal }
  const extracted = { ...figures, listedTotal: null, knownTotal: null }
  await markExtracted(warehouse.query, runId, extracted)
  const staged = await stageLanded(account, 'unpublished')
  const published = await publishStaged(account, runId, staged)
  await clearListed(warehouse.query, lease, runId)
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

describe('absent referral', () => {
  test('a referral is missing after the second full read without it, not after the first', () =>
    withAccount(async (account) => {
      await fullRead(account, 5, [1, 2, 3])
      expect(await fullRead(account, 6, [1, 2])).toMatchObject({ landed: 1, missing: 0 })
      expect(await missingOf(account)).toEqual([])
      expect(await fullRead(account, 7, [1, 2])).toMatchObject({ landed: 1, missing: 1, staged: 1 })
      expect(await missingOf(account)).toEqual(['3 since 07'])
      expect(await sightingsOf(account)).toEqual(['3 absence 1', '3 absence 2'])
    }))

  test('a missing referral gets no further absences', () =>
    withAccount(async (account) => {
      for (const day of [5, 6, 7]) await fullRead(account, day, day === 5 ? [1, 2] : [1])
      expect(await fullRead(account, 8, [1])).toMatchObject({ landed: 0, missing: 0, staged: 0 })
      expect(await missingOf(account)).toEqual(['2 since 07'])
    }))

  test('a missing referral keeps its facts and gets a history version', () =>
    withAccount(async (account) => {
      for (const day of [5, 6, 7]) await fullRead(account, day, day === 5 ? [1] : [])
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

  test('a missing referral is back when a run returns it unchanged', () =>
    withAccount(async (account) => {
      for (const day of [5, 6, 7]) await fullRead(account, day, day === 5 ? [1, 2] : [1])
      const back = await fullRead(account, 8, [2], { isComplete: false })
      expect(back).toMatchObject({ landed: 1, staged: 1, changed: 1 })
      expect(await missingOf(account)).toEqual([])
      expect(await sightingsOf(account)).toEqual(['2 absence 1', '2 absence 2', '2 presence 1'])
      expect(await fullRead(account, 9, [1, 2])).toMatchObject({ landed: 0, staged: 0 })
    }))

  test('a referral that came back is missing only after two more absences', () =>
    withAccount(async (account) => {
      await fullRead(account, 5, [1, 2])
      for (const [day, nos] of [
        [6, [1]],
        [7, [1, 2]],
        [8, [1]],
      ] as const) {
        await fullRead(account, day, nos)
      }
      expect(await missingOf(account)).toEqual([])
      await fullRead(account, 9, [1])
      expect(await missingOf(account)).toEqual(['2 since 09'])
      expect(await sightingsOf(account)).toEqual([
        ...['2 absence 1', '2 presence 1', '2 absence 2', '2 absence 3'],
      ])
    }))

  test('a missing referral is missing in a rebuild as well', () =>
    withAccount(async (account) => {
      for (const day of [5, 6, 7]) await fullRead(account, day, day === 5 ? [1, 2] : [1])
      expect(await reload(account)).toMatchObject({ changed: 0, missing: 0 })
      expect(await missingOf(account)).toEqual(['2 since 07'])
    }))

  test('a referral is missing by the full reads of its own account alone', () =>
    withAccount(async (account) => {
      const south = await anAccount(account.warehouse, 'south')
      await fullRead(account, 5, [1, 2])
      await fullRead(south, 5, [1, 2])
      for (const day of [6, 7]) await fullRead(south, day, [1])
      expect(await missingOf(account)).toEqual([])
      expect(await missingOf(south)).toEqual(['2 since 07'])
    }))
})

test('an incremental read marks no referral as missing', () =>
  withAccount(async (account) => {
    await fullRead(account, 5, [1, 2])
    for (const day of [6, 7, 8]) {
      const seen = await fullRead(account, day, [1], { isComplete: false })
      expect(seen).toMatchObject({ landed: 0 })
    }
    expect(await missingOf(account)).toEqual([])
  }))

/** Look of a run that only asks, on a day of January. */
const lookOn = (account: TestAccount, day: number, principal = 'unknown', runId = 0) => ({
  ...{ account: account.key, runId, principal },
  observedAt: `2026-01-${String(day).padStart(2, '0')}T02:00:00Z`,
})

describe('a referral that is not found by id', () => {
  const notFound = [referralIdOf(2)]
  const byId = { isComplete: false, notFound }

  test('a referral that is not found by id in two nights is missing', () =>
    withAccount(async (account) => {
      await fullRead(account, 5, [1, 2])
      expect(await fullRead(account, 6, [], byId)).toMatchObject({ landed: 1, missing: 0 })
      expect(await fullRead(account, 7, [1], byId)).toMatchObject({ landed: 1, missing: 1 })
      expect(await missingOf(account)).toEqual(['2 since 07'])
      expect(await fullRead(account, 8, [1], byId)).toMatchObject({ landed: 0, missing: 0 })
      expect(await reload(account)).toMatchObject({ changed: 0, missing: 0 })
    }))

  test('a full read without a referral and a read by id of the next night make it missing', () =>
    withAccount(async (account) => {
      await fullRead(account, 5, [1, 2])
      await fullRead(account, 6, [1], { notFound })
      expect(await sightingsOf(account)).toEqual(['2 absence 1'])
      expect(await fullRead(account, 7, [], byId)).toMatchObject({ landed: 1, missing: 1 })
    }))

  test('looks less than half a day apart are one look', () =>
    withAccount(async (account) => {
      await fullRead(account, 5, [1, 2])
      await fullRead(account, 6, [1])
      expect(await fullRead(account, 6, [1], { hour: 13 })).toMatchObject({ landed: 0 })
      expect(await fullRead(account, 6, [], { ...byId, hour: 13 })).toMatchObject({ landed: 0 })
      expect(await missingOf(account)).toEqual([])
      expect(await fullRead(account, 6, [1], { hour: 14 })).toMatchObject({ landed: 1, missing: 1 })
    }))

  test('a referral that a page lists is not absent, though it was not found by id', () =>
    withAccount(async (account) => {
      await fullRead(account, 5, [1, 2])
      expect(await fullRead(account, 6, [2], byId)).toMatchObject({ landed: 0 })
    }))

  test('a principal who was never shown a referral does not miss it by id', () =>
    withAccount(async (account) => {
      await fullRead(account, 5, [1, 2])
      const other = { ...byId, principal: 'ben-of-one-office' }
      expect(await fullRead(account, 6, [1], other)).toMatchObject({ landed: 0 })
    }))

  test('too many referrals that are not found by id end the run and land no absence', () =>
    withAccount(async (account) => {
      await fullRead(account, 5, upTo(30))
      const gone = upTo(21).map(referralIdOf)
      const failure = failureOf(fullRead(account, 6, [30], { ...byId, notFound: gone }))
      expect(await failure).toMatchObject({
        code: 'full_read.too_many_missing',
        message: expect.stringContaining('Reads by id did not find 21 of 30 known referrals'),
      })
      expect(await sightingsOf(account)).toEqual([])
      const few = { ...byId, notFound: gone.slice(1) }
      expect(await fullRead(account, 7, [30], few)).toMatchObject({ landed: 20 })
    }))

  test('listMissedOnce names who was absent in one earlier night, until it is missing or back', () =>
    withAccount(async (account) => {
      const { query } = account.warehouse
      const due = (day: number) => listMissedOnce(query, lookOn(account, day), 2)
      await fullRead(account, 5, [1, 2, 3, 4, 5])
      await fullRead(account, 6, [1])
      expect(await due(6)).toEqual([])
      expect(await due(7)).toEqual([2, 3].map(referralIdOf))
      await fullRead(account, 7, [3], byId)
      expect(await due(8)).toEqual([4, 5].map(referralIdOf))
      expect(await listMissedOnce(query, lookOn(account, 8, 'ben'), 9)).toEqual([])
    }))
})

test('countKnown counts who was shown to a principal and is not absent, over a life of two', () =>
  withAccount(async (account) => {
    const { query } = account.warehouse
    const random = new Random(15)
    const shown = new Map<string, Set<number>>([
      ['anna', new Set()],
      ['ben', new Set()],
    ])
    const lastSeen = new Map<number, number>()
    /** Days on which a principal did not see a referral; `anna 3`. */
    const absences = new Map<string, number[]>()
    const knownTo = (principal: string) =>
      [...(shown.get(principal) ?? [])].filter((no) =>
        (absences.get(`${principal} ${no}`) ?? []).every((day) => day <= (lastSeen.get(no) ?? 0)),
      ).length
    for (let day = 1; day <= 16; day++) {
      const principal = random.chance(0.6) ? 'anna' : 'ben'
      const isComplete = day < 3 || random.chance(0.5)
      const nos = upTo(12).filter(() => random.chance(isComplete ? 0.8 : 0.2))
      await fullRead(account, day, nos, { isComplete, principal })
      const seenBy = shown.get(principal) ?? new Set()
      for (const no of nos) {
        seenBy.add(no)
        lastSeen.set(no, day)
      }
      for (const no of isComplete ? seenBy : []) {
        const missed = absences.get(`${principal} ${no}`) ?? []
        if (!nos.includes(no)) absences.set(`${principal} ${no}`, [...missed, day])
      }
      for (const who of ['anna', 'ben']) {
        expect(await countKnown(query, lookOn(account, day, who)), `${who}, day ${day}`).toBe(
          knownTo(who),
        )
      }
    }
    expect(absences.size).toBeGreaterThan(3)
    expect(knownTo('anna')).toBeLessThan(shown.get('anna')?.size ?? 0)
  }))

describe('mass disappearance', () => {
  const missed = async (account: TestAccount, known: number, returned: number) => {
    await fullRead(account, 5, upTo(known))
    return fullRead(account, 6, upTo(returned))
  }

  test.each([
    { known: 30, returned: 10, why: 'twenty are allowed, whatever their share' },
    { known: 420, returned: 399, why: 'five of a hundred are allowed, whatever their number' },
  ])('a full read that misses few referrals goes on: $why', ({ known, returned }) =>
    withAccount(async (account) => {
      expect(await missed(account, known, returned)).toMatchObject({ landed: known - returned })
    }),
  )

  test.each([
    { known: 30, returned: 9, why: 'twenty-one, and most of them' },
    { known: 419, returned: 398, why: 'twenty-one, just over five of a hundred' },
    { known: 21, returned: 0, why: 'all' },
  ])(
    'a full read that misses too many referrals fails and lands no absence: $why',
    ({ known, returned }) =>
      withAccount(async (account) => {
        const failure = await failureOf(missed(account, known, returned))
        expect(failure).toMatchObject({
          kind: 'checkFailed',
          exitCode: 65,
          code: 'full_read.too_many_missing',
          message: expect.stringContaining(
            `did not return ${known - returned} of ${known} known referrals`,
          ),
        })
        expect(await sightingsOf(account)).toEqual([])
      }),
  )
})

/** The finding about who sees less, as it is shown; empty when there is none. */
async function lessSeenOf({ warehouse, key }: TestAccount): Promise<string[]> {
  const found = await warehouse.query
    .selectFrom('dw.fact_finding')
    .select(['referral_id', 'item_ref', 'severity', 'observed_value'])
    .where('partner_account_key', '=', key)
    .where('rule_code', '=', 'principal_sees_fewer')
    .execute()
  return found.map((finding) => Object.values(finding).join(' ').trim())
}

describe('principal', () => {
  const anna = { principal: 'anna-of-the-whole-company' }
  const ben = { principal: 'ben-of-one-office' }

  test('two full reads by one principal make a referral missing, one each of two do not', () =>
    withAccount(async (account) => {
      await fullRead(account, 1, [1, 2], anna)
      await fullRead(account, 2, [1, 2], ben)
      expect(await fullRead(account, 3, [1], anna)).toMatchObject({ landed: 1, missing: 0 })
      expect(await fullRead(account, 4, [1], ben)).toMatchObject({ landed: 1, missing: 0 })
      expect(await missingOf(account)).toEqual([])
      expect(await fullRead(account, 5, [1], ben)).toMatchObject({ landed: 1, missing: 1 })
      expect(await missingOf(account)).toEqual(['2 since 05'])
      expect(await reload(account)).toMatchObject({ changed: 0, missing: 0 })
      expect(await missingOf(account)).toEqual(['2 since 05'])
    }))

  test('a principal never makes a referral missing that was not visible to it', () =>
    withAccount(async (account) => {
      await fullRead(account, 1, [1, 2, 3], anna)
      for (let day = 2; day <= 11; day++) {
        expect(await fullRead(account, day, [1], ben)).toMatchObject({ landed: 0, missing: 0 })
        expect(await lessSeenOf(account)).toEqual(['ben-of-o warn 1 of 3'])
      }
      expect(await missingOf(account)).toEqual([])
      await fullRead(account, 12, [1, 2, 3], anna)
      expect(await lessSeenOf(account)).toEqual([])
    }))

  test('a principal that sees fewer referrals is one finding until it sees all', () =>
    withAccount(async (account) => {
      await fullRead(account, 1, [1, 2, 3], anna)
      expect(await lessSeenOf(account)).toEqual([])
      await fullRead(account, 2, [1], ben)
      await fullRead(account, 3, [1, 2], ben)
      expect(await lessSeenOf(account)).toEqual(['ben-of-o warn 2 of 3'])
      await reload(account)
      expect(await lessSeenOf(account)).toEqual(['ben-of-o warn 2 of 3'])
      await fullRead(account, 4, [1, 2], { principal: 'cleo-of-two-offices' })
      expect(await lessSeenOf(account)).toEqual(['cleo-of- warn 2 of 3'])
      await fullRead(account, 5, [1, 2, 3], ben)
      expect(await lessSeenOf(account)).toEqual([])
    }))

  test('a principal can miss a referral of others only after it was visible to it', () =>
    withAccount(async (account) => {
      await fullRead(account, 1, [1], anna)
      await fullRead(account, 2, [1], ben)
      await fullRead(account, 3, [1, 2], anna)
      for (const day of [4, 5, 6]) await fullRead(account, day, [1], ben)
      expect(await missingOf(account)).toEqual([])
      expect(await sightingsOf(account)).toEqual([])
      await fullRead(account, 7, [2], { ...ben, isComplete: false })
      for (const day of [8, 9]) await fullRead(account, day, [1], ben)
      expect(await missingOf(account)).toEqual(['2 since 09'])
    }))

  test('a return seen by any principal ends the absences of all', () =>
    withAccount(async (account) => {
      for (const who of [anna, ben]) await fullRead(account, who === anna ? 1 : 2, [1, 2], who)
      for (const day of [3, 4]) await fullRead(account, day, [1], anna)
      expect(await missingOf(account)).toEqual(['2 since 04'])
      expect(await fullRead(account, 5, [1, 2], ben)).toMatchObject({ landed: 1, changed: 1 })
      expect(await missingOf(account)).toEqual([])
      await fullRead(account, 6, [1], anna)
      expect(await missingOf(account)).toEqual([])
      await fullRead(account, 7, [1], anna)
      expect(await missingOf(account)).toEqual(['2 since 07'])
    }))

  test('access tokens without a principal count as one principal', () =>
    withAccount(async (account) => {
      await fullRead(account, 1, [1, 2])
      await fullRead(account, 2, [1, 2], { principal: 'unknown' })
      await fullRead(account, 3, [1])
      await fullRead(account, 4, [1], { principal: 'unknown' })
      expect(await missingOf(account)).toEqual(['2 since 04'])
    }))

  test('mass disappearance is measured on the referrals visible to the principal', () =>
    withAccount(async (account) => {
      await fullRead(account, 1, upTo(1000), anna)
      expect(await fullRead(account, 2, upTo(42), ben)).toMatchObject({ landed: 0 })
      expect(await failureOf(fullRead(account, 3, upTo(20), ben))).toMatchObject({
        code: 'full_read.too_many_missing',
        message: expect.stringContaining('did not return 22 of 42 known referrals'),
      })
      expect(await lessSeenOf(account)).toEqual(['ben-of-o warn 42 of 1000'])
    }))

  test.each([
    { why: 'of a user who saw them', who: anna },
    { why: 'of a user who never signed in before', who: ben },
  ])('the first full read $why that returns none of many referrals fails', ({ who }) =>
    withAccount(async (account) => {
      await fullRead(account, 1, upTo(30), anna)
      for (const day of [2, 3, 4]) {
        expect(await failureOf(fullRead(account, day, [], who))).toMatchObject({
          code: 'full_read.too_many_missing',
          message: expect.stringContaining('did not return 30 of 30 known referrals'),
        })
      }
      expect(await sightingsOf(account)).toEqual([])
      expect(await fullRead(account, 5, upTo(30), anna)).toMatchObject({ landed: 0, missing: 0 })
    }),
  )

  test('landPresence writes nothing when a second read returns the same referrals', () =>
    withAccount(async (account) => {
      await fullRead(account, 1, [1, 2], anna)
      const before = await physicalState(account.warehouse, account.key, ['etl.principal_referral'])
      expect(before['etl.principal_referral']).toMatch(/^2 rows/)
      expect(await fullRead(account, 2, [1, 2], anna)).toMatchObject({ landed: 0, staged: 0 })
      expect(
        await physicalState(account.warehouse, account.key, ['etl.principal_referral']),
      ).toEqual(before)
    }))
})
