import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { fencedTransaction } from '../../../src/load/runs/fenced-transaction.ts'
import { acquireLease, type Lease } from '../../../src/load/runs/lease.ts'
import { beginRun, markPublished } from '../../../src/load/runs/ledger.ts'
import { clearListed, stageRows } from '../../../src/load/staging/stage.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../../support/database.ts'
import { countRows, digestRowVersions } from '../../support/digest.ts'
import {
  aRunOf,
  enter,
  moveClockOn,
  nightlyWaitMs,
  playAll,
  published,
  schedule,
  unfenced,
} from '../../support/lease-contenders.ts'
import {
  anAccount,
  aRun,
  landReferrals,
  referralIdOf,
  silent,
} from '../../support/load-referrals.ts'
import { aReferral } from '../../support/referral-builder.ts'
import { resultOf, startCli } from '../../support/run-cli.ts'
import { withPipeline, withSandbox } from '../../support/with-pipeline.ts'

const schedules = 200
const seed = 20_261_123
const timeoutMs = 120_000

afterEach(() => {
  vi.useRealTimers()
})

describe(`${schedules} random schedules of two to eight runs on one account`, () => {
  test(
    'random schedules of runs: only the holder of the account writes, and a run that lost it ends with 4',
    async () => {
      const plans = fc.sample(schedule, { numRuns: schedules, seed })
      const { outcomes, history, violations } = await playAll(plans, fencedTransaction)
      expect(violations, `seed ${seed}`).toEqual([])

      const all = outcomes.flat()
      for (const [index, ofSchedule] of outcomes.entries()) {
        const taken = history.get(index + 1)?.filter(({ event }) => event === 'taken') ?? []
        for (const { ended, epoch = 0, exitCode, turn, from, to } of ofSchedule) {
          if (ended === 'refused' || ended === 'fenced') expect(exitCode).toBe(4)
          // No run is fenced while it still holds the account.
          if (ended === 'fenced') expect(taken.length).toBeGreaterThan(epoch)
          if (ended !== 'refused' || turn === 'backfill' || to - from >= nightlyWaitMs) continue
          // A nightly run that did not wait for long met another nightly run.
          const met = ofSchedule.filter(
            (other) => other.epoch !== undefined && other.from < to && other.to > from,
          )
          expect(met.map((other) => other.turn)).toContain('nightly')
        }
      }
      const events = [...history.values()].flat()
      const figures = {
        runs: all.length,
        'took the account': events.filter(({ event }) => event === 'taken').length,
        landings: events.filter(({ event }) => event === 'landed').length,
        publications: events.filter(({ event }) => event === 'published').length,
        'were put out after a stop': all.filter(({ ended }) => ended === 'fenced').length,
        'were refused the account': all.filter(({ ended }) => ended === 'refused').length,
        'waited for a backfill and got in': all.filter(
          ({ turn, waited, epoch }) => turn === 'nightly' && waited && epoch !== undefined,
        ).length,
        crashed: all.filter(({ ended }) => ended === 'crashed').length,
      }
      console.info(figures)
      // Else the schedules would prove nothing.
      for (const [what, count] of Object.entries(figures)) expect(count, what).toBeGreaterThan(9)
    },
    timeoutMs,
  )

  test(
    'random schedules of runs without fencing: a stopped holder writes beside the next one',
    async () => {
      const plans = fc.sample(schedule, { numRuns: 20, seed })
      const { violations } = await playAll(plans, unfenced)
      expect(violations.length).toBeGreaterThan(0)
      expect(violations).toContainEqual(expect.stringMatching(/(landed|published) under \d+, in/))
    },
    timeoutMs,
  )
})

describe('stopped holder', () => {
  test('a holder stopped inside a transaction is disconnected by the server and writes nothing afterwards', () =>
    withDatabase(async (db, url, warehouse) => {
      await enter(db, 1)
      const lease = await acquireLease(db, 1, 'the stopped one', silent)
      const runId = await beginRun(db, aRunOf(1))
      const other = await openDatabase(url)
      try {
        const idleTimeouts: unknown[] = []
        let next: Promise<Lease> | undefined
        const writing = fencedTransaction(warehouse.query, lease, async (transaction) => {
          const set = sql<{ idle: string }>`
            select current_setting('idle_in_transaction_session_timeout') as idle`
          idleTimeouts.push((await set.execute(transaction)).rows[0]?.idle)
          // A minute would be long for a test.
          await sql`set local idle_in_transaction_session_timeout = '100ms'`.execute(transaction)
          await moveClockOn(other.query, 1).catch(() => undefined)
          await sleep(300)
          next ??= acquireLease(other.query, 1, 'the next one', silent)
          await next
          await markPublished(transaction, published({ account: 1, runId }))
        })
        await expect(writing).rejects.toMatchObject({ kind: 'accountHeld', exitCode: 4 })
        expect(idleTimeouts).toEqual(['1min'])
        expect(await next).toMatchObject({ epoch: 2 })
        const runs = await db.selectFrom('etl.run').select('run_status').execute()
        expect(runs).toEqual([{ run_status: 'running' }])
      } finally {
        await other.close()
      }
    }))

  test('a holder stopped while it stages adds no row to those of the next holder, and ends with 4', () =>
    withDatabase(async (db, _, warehouse) => {
      const account = await anAccount(warehouse)
      await landReferrals(account, await aRun(account), [aReferral({ id: referralIdOf(2) })])
      const isWoken = new Promise<Lease>((wake) => {
        setImmediate(async () => {
          await moveClockOn(db, account.key)
          wake(await acquireLease(db, account.key, 'the next one', silent))
        })
      })
      async function* batches() {
        await isWoken
        yield { 'stg.contact': [aContact(account.key)] }
      }
      await expect(stageRows(warehouse, account.lease, batches())).rejects.toMatchObject({
        kind: 'accountHeld',
        exitCode: 4,
      })
      expect(await countRows(db, /^stg\.contact$/)).toEqual({ 'stg.contact': 0 })
    }))

  test('a holder stopped before it clears its listed referrals does not clear those of the next holder', () =>
    withDatabase(async (db, _, warehouse) => {
      const old = await anAccount(warehouse)
      await moveClockOn(db, old.key)
      const lease = await acquireLease(db, old.key, 'the next one', silent)
      await landReferrals({ ...old, lease }, await aRun(old), [aReferral()])
      const later = await aRun(old)
      await expect(clearListed(db, old.lease, later)).rejects.toMatchObject({ kind: 'accountHeld' })
      expect(await countRows(db, /^stg\.listed_referral$/)).toEqual({ 'stg.listed_referral': 1 })
    }))

  test(
    'a run stopped by SIGSTOP for longer than its lease ends with 4 and has written nothing',
    () =>
      withPipeline({ referrals: 60, pageCap: 5, requestsPerMinute: 200 }, (slow) =>
        withSandbox({ referrals: 60, pageCap: 5 }, async (sandbox) => {
          const { db, url, home } = slow
          const env = {
            ...demoSettings(slow.sandbox.url),
            COSELL_DATABASE_URL: `${url}?application_name=child`,
            COSELL_HOME: home,
          }
          const stopped = startCli(['run', '--json'], { env, cwd: home })
          await vi.waitFor(async () => expect(await landedIn(db)).toBeGreaterThan(0), 30_000)
          await vi.waitFor(async () => {
            stopped.child.kill('SIGSTOP')
            await sleep(50)
            const isIdle = await areIdle(db)
            if (!isIdle) stopped.child.kill('SIGCONT')
            expect(isIdle).toBe(true)
          }, 30_000)
          await moveClockOn(db, 1)
          expect(await slow.run(false, demoSettings(sandbox.url))).toMatchObject({ seen: 60 })
          const before = await digestRowVersions(db)

          stopped.child.kill('SIGCONT')
          const end = await stopped.ended
          expect(end.code, end.stderr).toBe(4)
          expect(resultOf(end)).toMatchObject({ status: 'failed', code: 'lease.held' })
          expect(await digestRowVersions(db)).toEqual(before)
        }),
      ),
    timeoutMs,
  )
})

const aContact = (partner_account_key: number) => ({
  ...{ partner_account_key, referral_no: 1, contact_role: 'customer', contact_no: 2 },
  first_name: 'Ida',
})

async function landedIn(db: Kysely<Database>): Promise<number> {
  return (await countRows(db, /^raw\.payload$/))['raw.payload'] ?? 0
}

/** Whether no session of the child is in the middle of a transaction that has locked its lease. */
async function areIdle(db: Kysely<Database>): Promise<boolean> {
  const busy = await sql`
    select from pg_stat_activity a
    where a.datname = current_database() and a.application_name = 'child' and a.state <> 'idle'
      and not (
        a.state = 'idle in transaction'
        and not exists (
          select from pg_locks l
          where l.pid = a.pid and l.relation in ('etl.lease'::regclass, 'raw.payload'::regclass)
        )
      )`.execute(db)
  return busy.rows.length === 0
}
