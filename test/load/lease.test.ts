import { sql } from 'kysely'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openDatabase, type Warehouse } from '../../src/load/database.ts'
import { acquireLease, inLeasedTransaction, type Lease } from '../../src/load/lease.ts'
import { aReferral } from '../support/a-referral.ts'
import { withDatabase } from '../support/database.ts'
import {
  anAccount,
  aRun,
  countOf,
  failureOf,
  landReferrals,
  physicalState,
  publishStaged,
  silent,
  stageLanded,
} from '../support/staged-rows.ts'

const acquire = ({ query }: Warehouse, key: number, holder: string) =>
  acquireLease(query, key, holder, silent)

async function leaseRow({ query }: Warehouse) {
  return query
    .selectFrom('etl.lease')
    .select(['holder', 'epoch', 'acquired_at', 'heartbeat_at', 'expires_at'])
    .select(sql<boolean>`expires_at > clock_timestamp()`.as('is_held'))
    .executeTakeFirstOrThrow()
}

/** As if its holder had stopped a minute ago. */
async function expire({ query }: Warehouse) {
  await sql`update etl.lease set expires_at = clock_timestamp() - interval '1 ms'`.execute(query)
}

const accountHeld = (holder: string) => ({
  kind: 'accountHeld',
  exitCode: 4,
  code: 'lease.held',
  message: expect.stringMatching(new RegExp(`Account north is being loaded by ${holder} .*until`)),
})

afterEach(() => {
  vi.useRealTimers()
})

describe('an account that is held', () => {
  test('is refused to others, who are told by whom and until when', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key } = await anAccount(warehouse)
      const failure = await failureOf(acquire(warehouse, key, 'the second'))
      expect(failure).toMatchObject(accountHeld('a test'))
      expect(await leaseRow(warehouse)).toMatchObject({ holder: 'a test', epoch: 1 })
    }))

  test('leaves other accounts free', () =>
    withDatabase(async (_, __, warehouse) => {
      await anAccount(warehouse, 'north')
      expect(await anAccount(warehouse, 'south')).toMatchObject({ lease: { epoch: 1 } })
    }))

  test('is free at once when its holder releases it', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccount(warehouse)
      await lease.release()
      expect(await acquire(warehouse, key, 'the second')).toMatchObject({ epoch: 2 })
    }))

  test('is taken over under a higher epoch once the lease has expired', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key } = await anAccount(warehouse)
      await expire(warehouse)
      expect(await acquire(warehouse, key, 'the second')).toMatchObject({ epoch: 2 })
      expect(await leaseRow(warehouse)).toMatchObject({ holder: 'the second', is_held: true })
    }))

  test('is not freed by the release of a holder who had lost it', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccount(warehouse)
      await expire(warehouse)
      await acquire(warehouse, key, 'the second')
      await lease.release()
      expect(await failureOf(acquire(warehouse, key, 'a third'))).toMatchObject(
        accountHeld('the second'),
      )
    }))

  test.each([1, 2, 3, 4, 5])('goes to exactly one of four at once, round %i', () =>
    withDatabase(async (_, url, warehouse) => {
      const { key } = await anAccount(warehouse)
      const other = await openDatabase(url)
      try {
        for (let round = 0; round < 4; round++) {
          if (round === 0) await warehouse.query.deleteFrom('etl.lease').execute()
          else await expire(warehouse)
          const racers = [warehouse, other, warehouse, other].map((from, no) =>
            acquire(from, key, `racer ${no}`),
          )
          const outcomes = await Promise.allSettled(racers)
          const won = outcomes.filter((outcome) => outcome.status === 'fulfilled')
          expect(won).toHaveLength(1)
          expect(won).toMatchObject([{ value: { epoch: round + 1 } }])
        }
      } finally {
        await other.close()
      }
    }),
  )
})

describe('a heartbeat', () => {
  test('every fifteen seconds extends the lease, until it is released', () =>
    withDatabase(async (_, __, warehouse) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      const { lease } = await anAccount(warehouse)
      await expire(warehouse)
      vi.advanceTimersByTime(14_999)
      expect(await leaseRow(warehouse)).toMatchObject({ is_held: false })
      vi.advanceTimersByTime(1)
      await vi.waitFor(async () =>
        expect(await leaseRow(warehouse)).toMatchObject({ is_held: true, epoch: 1 }),
      )
      await lease.release()
      vi.advanceTimersByTime(60_000)
      expect(vi.getTimerCount()).toBe(0)
      expect(await leaseRow(warehouse)).toMatchObject({ is_held: false })
    }))

  test('of a holder who had lost the account does not extend the lease of the next', () =>
    withDatabase(async (_, __, warehouse) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      const { key } = await anAccount(warehouse)
      await expire(warehouse)
      vi.useRealTimers()
      await acquire(warehouse, key, 'the second')
      const before = await leaseRow(warehouse)
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      vi.advanceTimersByTime(15_000)
      expect(await leaseRow(warehouse)).toEqual(before)
    }))
})

describe('a holder who lost the account', () => {
  test('lands nothing', () =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      const runId = await aRun(account)
      await expire(warehouse)
      await acquire(warehouse, account.key, 'the second')
      const failure = await failureOf(landReferrals(account, runId, [aReferral()]))
      expect(failure).toMatchObject(accountHeld('the second'))
      for (const table of ['raw.payload', 'pii.payload', 'stg.seen'] as const) {
        expect(await countOf(warehouse, table)).toBe(0)
      }
    }))

  test('publishes nothing', () =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      const runId = await aRun(account)
      await landReferrals(account, runId, [aReferral()])
      const staged = await stageLanded(account, 'unpublished')
      await expire(warehouse)
      await acquire(warehouse, account.key, 'the second')
      const before = await physicalState(warehouse, account.key, ['etl.run'])
      const failure = await failureOf(publishStaged(account, runId, staged))
      expect(failure).toMatchObject(accountHeld('the second'))
      expect(await countOf(warehouse, 'dw.dim_referral')).toBe(0)
      expect(await countOf(warehouse, 'etl.run_table')).toBe(0)
      expect(await physicalState(warehouse, account.key, ['etl.run'])).toEqual(before)
    }))

  test('cannot lose it between the check and the commit', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccount(warehouse)
      await expire(warehouse)
      let takingOver: Promise<Lease> | undefined
      await inLeasedTransaction(warehouse.query, lease, async (transaction) => {
        takingOver = acquire(warehouse, key, 'the second')
        await untilSomebodyWaits(warehouse)
        await transaction.deleteFrom('etl.bi_access').execute()
        const seen = await leaseRow(warehouse)
        expect(seen).toMatchObject({ holder: 'a test', epoch: 1 })
      })
      expect(await takingOver).toMatchObject({ epoch: 2 })
    }))
})

async function untilSomebodyWaits({ query }: Warehouse) {
  await vi.waitFor(async () => {
    const waiting = await sql`
      select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(query)
    expect(waiting.rows).toHaveLength(1)
  })
}
