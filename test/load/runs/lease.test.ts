import { setTimeout } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { CosellError } from '../../../src/errors.ts'
import { fencedTransaction } from '../../../src/load/runs/fenced-transaction.ts'
import { acquireLease, type Lease, type WaitPolicy } from '../../../src/load/runs/lease.ts'
import { createLog } from '../../../src/log.ts'
import { openDatabase, type Warehouse } from '../../../src/warehouse/connection/database.ts'
import { withDatabase } from '../../support/database.ts'
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
  untilWaiting,
  whileLocked,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'

const acquire = ({ query }: Warehouse, key: number, holder: string) =>
  acquireLease(query, key, holder, silent)

/** Waits for no holder. */
const hasty: WaitPolicy = {
  waitsFor: () => false,
  waitMs: 0,
  signal: new AbortController().signal,
}

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

describe('lease', () => {
  test('a held account is denied to others, with its holder and the end of the lease', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key } = await anAccount(warehouse)
      const failure = await failureOf(acquire(warehouse, key, 'the second'))
      expect(failure).toMatchObject(accountHeld('a test'))
      expect(await leaseRow(warehouse)).toMatchObject({ holder: 'a test', epoch: 1 })
    }))

  test('a run that meets a locked lease table waits for the lock, and does not take the account for held', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccount(warehouse)
      await lease.release()
      let taking: Promise<Lease> | undefined
      await whileLocked(warehouse, 'etl.lease', async () => {
        taking = acquire(warehouse, key, 'the second')
        await setTimeout(2_300)
      })
      expect(await taking).toMatchObject({ epoch: 2 })
    }))

  test('the lease of one account leaves other accounts free', () =>
    withDatabase(async (_, __, warehouse) => {
      await anAccount(warehouse, 'north')
      expect(await anAccount(warehouse, 'south')).toMatchObject({ lease: { epoch: 1 } })
    }))

  test('a released account is free at once', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccount(warehouse)
      await lease.release()
      expect(await acquire(warehouse, key, 'the second')).toMatchObject({ epoch: 2 })
    }))

  test('an account with an expired lease is taken over under a higher epoch', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key } = await anAccount(warehouse)
      await expire(warehouse)
      expect(await acquire(warehouse, key, 'the second')).toMatchObject({ epoch: 2 })
      expect(await leaseRow(warehouse)).toMatchObject({ holder: 'the second', is_held: true })
    }))

  test('the release of a lost lease does not free the account', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccount(warehouse)
      await expire(warehouse)
      await acquire(warehouse, key, 'the second')
      await lease.release()
      expect(await failureOf(acquire(warehouse, key, 'a third'))).toMatchObject(
        accountHeld('the second'),
      )
    }))

  test('exactly one of four simultaneous runs gets an account, twenty times over', () =>
    withDatabase(async (_, url, warehouse) => {
      const { key } = await anAccount(warehouse)
      const other = await openDatabase(url)
      try {
        for (let round = 0; round < 20; round++) {
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
    }))
})

describe('heartbeat', () => {
  test('a heartbeat extends the lease every fifteen seconds until its release', () =>
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

  test('a heartbeat of a lost lease does not extend the lease of the next holder', () =>
    withDatabase(async (_, __, warehouse) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      await anAccount(warehouse)
      await sql`
        update etl.lease set holder = 'the second', epoch = 2,
          expires_at = clock_timestamp() + interval '1 hour'`.execute(warehouse.query)
      const before = await leaseRow(warehouse)
      await whileLocked(warehouse, 'etl.lease', async () => {
        vi.advanceTimersByTime(15_000)
        await untilWaiting(warehouse, 1)
      })
      await untilWaiting(warehouse, 0)
      expect(await leaseRow(warehouse)).toEqual(before)
    }))

  test('a heartbeat whose connection breaks is repeated at the next time', () =>
    withDatabase(async (_, __, warehouse) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      await anAccount(warehouse)
      await whileLocked(warehouse, 'etl.lease', async () => {
        vi.advanceTimersByTime(15_000)
        await untilWaiting(warehouse, 1)
        await sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`.execute(warehouse.query)
        await untilWaiting(warehouse, 0)
      })
      await expire(warehouse)
      vi.advanceTimersByTime(15_000)
      await vi.waitFor(async () =>
        expect(await leaseRow(warehouse)).toMatchObject({ is_held: true, epoch: 1 }),
      )
    }))
})

describe('lost lease', () => {
  test('a holder of a lost lease lands nothing', () =>
    withDatabase(async (_, __, warehouse) => {
      const account = await anAccount(warehouse)
      const runId = await aRun(account)
      await expire(warehouse)
      await acquire(warehouse, account.key, 'the second')
      const failure = await failureOf(landReferrals(account, runId, [aReferral()]))
      expect(failure).toMatchObject(accountHeld('the second'))
      for (const table of ['raw.payload', 'pii.payload', 'stg.listed_referral'] as const) {
        expect(await countOf(warehouse, table)).toBe(0)
      }
    }))

  test('a holder of a lost lease publishes nothing', () =>
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
})

describe('fencedTransaction', () => {
  test('a fenced transaction keeps the account until its end, even when the lease runs out meanwhile', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccount(warehouse)
      await fencedTransaction(warehouse.query, lease, async () => {
        await expire(warehouse)
        const failure = await failureOf(
          acquireLease(warehouse.query, key, 'the second', silent, { ...hasty, openMs: 200 }),
        )
        expect(failure).toMatchObject({ exitCode: 4, code: 'lease.held' })
        const text = String(failure)
        expect(text).toContain('Account north is being loaded by a test')
        expect(text).toContain('a transaction of it is open')
        expect(text).not.toMatch(/until|\d\d:\d\d/)
      })
      expect(await leaseRow(warehouse)).toMatchObject({ epoch: 1, is_held: true })
    }))

  test('a failed fenced transaction leaves a lease that ran out to the run that waits for it', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccount(warehouse)
      let takingOver: Promise<Lease> | undefined
      const failing = fencedTransaction(warehouse.query, lease, async () => {
        await expire(warehouse)
        takingOver = acquire(warehouse, key, 'the second')
        await setTimeout(200)
        throw new Error('no')
      })
      expect(await failureOf(failing)).toMatchObject({ message: 'no' })
      expect(await takingOver).toMatchObject({ epoch: 2 })
    }))

  test('a heartbeat extends the lease during a fenced transaction, and neither waits for the other', () =>
    withDatabase(async (_, __, warehouse) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      const { lease } = await anAccount(warehouse)
      await fencedTransaction(warehouse.query, lease, async () => {
        await expire(warehouse)
        vi.advanceTimersByTime(15_000)
        await vi.waitFor(async () =>
          expect(await leaseRow(warehouse)).toMatchObject({ is_held: true, epoch: 1 }),
        )
        await untilWaiting(warehouse, 0)
      })
      expect(await leaseRow(warehouse)).toMatchObject({ is_held: true, epoch: 1 })
    }))

  test('a fenced transaction waits for an earlier one under the same lease, and heartbeats go on', () =>
    withDatabase(async (_, __, warehouse) => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      const { lease } = await anAccount(warehouse)
      const ended: string[] = []
      let second: Promise<unknown> | undefined
      await fencedTransaction(warehouse.query, lease, async () => {
        second = fencedTransaction(warehouse.query, lease, async () => ended.push('second'))
        await untilWaiting(warehouse, 1)
        await expire(warehouse)
        vi.advanceTimersByTime(15_000)
        await vi.waitFor(async () =>
          expect(await leaseRow(warehouse)).toMatchObject({ is_held: true }),
        )
        ended.push('first')
      })
      await second
      expect(ended).toEqual(['first', 'second'])
    }))
})

describe('wait for an account', () => {
  const isBackfill = (holder: string) => holder.startsWith('backfill ')
  const backfill = 'backfill on here process 1'

  /** Waits as a nightly run does, and keeps what was logged. */
  function waiting({ query }: Warehouse, key: number, changes: Partial<WaitPolicy> = {}) {
    const logged: string[] = []
    const { logger } = createLog({ isTerminal: false, write: (line) => logged.push(line) })
    const patience = {
      waitsFor: isBackfill,
      waitMs: 60_000,
      signal: new AbortController().signal,
      ...changes,
    }
    return { logged, lease: acquireLease(query, key, 'a nightly run', logger, patience) }
  }

  async function anAccountHeldBy(warehouse: Warehouse, holder: string) {
    const { key, lease } = await anAccount(warehouse)
    await lease.release()
    return { key, lease: await acquire(warehouse, key, holder) }
  }

  test('a waiting run gets the account after the backfill releases it, and logs the holder once', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key, lease } = await anAccountHeldBy(warehouse, backfill)
      const nightly = waiting(warehouse, key)
      await setTimeout(2_300)
      expect(await leaseRow(warehouse)).toMatchObject({ holder: backfill })
      await lease.release()
      expect(await nightly.lease).toMatchObject({ epoch: 3 })
      expect(nightly.logged.map((line) => JSON.parse(line))).toMatchObject([{ holder: backfill }])
    }))

  test('a waiting run gets the account when the backfill was killed and its lease expired', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key } = await anAccountHeldBy(warehouse, backfill)
      const nightly = waiting(warehouse, key)
      await expire(warehouse)
      expect(await nightly.lease).toMatchObject({ epoch: 3 })
    }))

  test('a waiting run does not wait for another nightly run, even when that comes in meanwhile', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key } = await anAccountHeldBy(warehouse, 'here process 1')
      expect(await failureOf(waiting(warehouse, key).lease)).toMatchObject(
        accountHeld('here process 1'),
      )
      await sql`update etl.lease set holder = ${backfill}`.execute(warehouse.query)
      const nightly = waiting(warehouse, key)
      const failing = failureOf(nightly.lease)
      await vi.waitFor(() => expect(nightly.logged).toHaveLength(1))
      await sql`update etl.lease set holder = 'here process 2'`.execute(warehouse.query)
      expect(await failing).toMatchObject(accountHeld('here process 2'))
    }))

  test('a waiting run waits no longer than its policy allows', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key } = await anAccountHeldBy(warehouse, backfill)
      const nightly = waiting(warehouse, key, { waitMs: 500 })
      expect(await failureOf(nightly.lease)).toMatchObject(accountHeld(backfill))
      expect(nightly.logged).toHaveLength(1)
    }))

  test('a waiting run ends at once with the reason of the signal', () =>
    withDatabase(async (_, __, warehouse) => {
      const { key } = await anAccountHeldBy(warehouse, backfill)
      const interruption = new AbortController()
      const nightly = waiting(warehouse, key, { signal: interruption.signal })
      const failing = failureOf(nightly.lease)
      await vi.waitFor(() => expect(nightly.logged).toHaveLength(1))
      const reason = new CosellError('run.deadline', 'enough')
      const started = performance.now()
      interruption.abort(reason)
      expect(await failing).toBe(reason)
      expect(performance.now() - started).toBeLessThan(500)
      expect(await leaseRow(warehouse)).toMatchObject({ holder: backfill, is_held: true })
    }))
})
