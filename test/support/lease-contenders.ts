import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { type Kysely, type KyselyPlugin, sql } from 'kysely'
import pLimit from 'p-limit'
import { vi } from 'vitest'
import { CosellError } from '../../src/errors.ts'
import { beginWindow, landPage } from '../../src/load/landing/land-page.ts'
import type { fencedTransaction } from '../../src/load/runs/fenced-transaction.ts'
import { acquireLease, type Lease } from '../../src/load/runs/lease.ts'
import { beginRun, markPublished } from '../../src/load/runs/ledger.ts'
import { openDatabase, type Warehouse } from '../../src/warehouse/connection/database.ts'
import { retryTransient } from '../../src/warehouse/connection/retry-transient.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from './database.ts'
import { keepHistory, readHistory, violationsIn } from './lease-history.ts'
import { silent } from './load-referrals.ts'

/** Schedules at once: most of their time is spent waiting for a backfill, a second at a time. */
const atOnce = 40
const serversMax = 8
export const nightlyWaitMs = 1_500

/**
 * Steps of a holder. `is stopped`: its lease expires (by an update of the row) while it does nothing;
 * `is stopped inside`: the same with a transaction open.
 */
const doing = ['lands', 'publishes', 'beats', 'is stopped', 'is stopped inside'] as const

const step = fc.record({ does: fc.constantFrom(...doing), afterMs: fc.nat(8) })

const contender = fc.record({
  turn: fc.constantFrom('nightly', 'backfill'),
  startsAfterMs: fc.nat(40),
  steps: fc.array(step, { minLength: 1, maxLength: 6 }),
  ends: fc.constantFrom('released', 'released', 'crashed'),
})

export const schedule = fc.array(contender, { minLength: 2, maxLength: 8 })

export type Contender = typeof contender extends fc.Arbitrary<infer C> ? C : never

/** A way to keep two writers of an account apart. */
export type Fencing = <T>(
  query: Kysely<Database>,
  lease: Lease,
  use: Parameters<typeof fencedTransaction<T>>[2],
) => Promise<T>

/** No fencing at all. Two writers may deadlock; that is retried, as with fencing. */
export const unfenced: Fencing = (query, _, use) =>
  retryTransient(() => query.transaction().execute(use))

/** Outcome of one simulated lease holder. */
export interface Outcome {
  readonly turn: Contender['turn']
  readonly ended: 'released' | 'crashed' | 'refused' | 'fenced'
  readonly epoch: number | undefined
  readonly waited: boolean
  /** Time from the first attempt to take the account until it was released or not given. */
  readonly from: number
  readonly to: number
  readonly exitCode: number | undefined
}

/** A connection whose statements fail after `die`, those of the heartbeat too. */
function killable(query: Kysely<Database>) {
  let isDead = false
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => {
      if (isDead) throw new Error('this process is dead')
      return node
    },
    transformResult: async ({ result }) => result,
  }
  const die = () => {
    isDead = true
  }
  return { query: query.withPlugin(plugin), die }
}

export async function moveClockOn(query: Kysely<Database>, account: number) {
  await sql`update etl.lease set expires_at = clock_timestamp()
    where partner_account_key = ${account}`.execute(query)
}

/** Runs one process from its start to its end; throws on any unexpected failure. */
async function play(
  { query: admin }: Warehouse,
  account: number,
  plan: Contender,
  fence: Fencing,
  epochOf: Map<number, number>,
): Promise<Outcome> {
  await sleep(plan.startsAfterMs)
  const { query, die } = killable(admin)
  let waited = false
  const from = performance.now()
  const outcome = (ended: Outcome['ended'], epoch?: number, exitCode?: number): Outcome => ({
    turn: plan.turn,
    ended,
    epoch,
    waited,
    from,
    to: performance.now(),
    exitCode,
  })
  const holder = `${plan.turn} ${from}`
  const patience = {
    waitsFor: (present: string) => plan.turn === 'backfill' || present.startsWith('backfill'),
    waitMs: nightlyWaitMs,
    signal: new AbortController().signal,
  }
  const info = () => {
    waited = true
  }
  const logger = Object.assign(Object.create(silent), { info })
  let lease: Lease
  try {
    lease = await acquireLease(query, account, holder, logger, patience)
  } catch (error) {
    return outcome('refused', undefined, heldCode(error))
  }
  const runId = await beginRun(query, aRunOf(account))
  epochOf.set(runId, lease.epoch)
  await beginWindow(query, { runId, windowNo: 1, from: '2000-01-01', to: '2026-01-01' })
  const process = { query, admin, account, lease, runId, fence }
  try {
    for (const [no, { does, afterMs }] of plan.steps.entries()) {
      await sleep(afterMs)
      await act(process, does, no)
    }
  } catch (error) {
    await lease.release()
    return outcome('fenced', lease.epoch, heldCode(error))
  }
  if (plan.ends === 'released') await lease.release()
  else {
    die()
    await sleep(5)
    // A minute passes; another process may hold the account by then, and its lease ages as well.
    await moveClockOn(admin, account)
  }
  return outcome(plan.ends, lease.epoch)
}

interface Process {
  readonly query: Kysely<Database>
  readonly admin: Kysely<Database>
  readonly account: number
  readonly lease: Lease
  readonly runId: number
  readonly fence: Fencing
}

async function act(process: Process, does: (typeof doing)[number], no: number): Promise<void> {
  const { query, admin: immortal, account, lease, runId, fence } = process
  switch (does) {
    case 'lands':
      return land(process, no)
    case 'publishes':
      return fence(query, lease, (transaction) => markPublished(transaction, published(process)))
    case 'beats':
      // Heartbeats of all living processes; stopped ones too beat once more when they wake up.
      return void vi.advanceTimersByTime(15_000)
    case 'is stopped':
      await moveClockOn(immortal, account)
      return void (await sleep(30))
    case 'is stopped inside':
      await moveClockOn(immortal, account)
      return fence(query, lease, async (transaction) => {
        await sleep(15)
        await markPublished(transaction, published({ account, runId }))
      })
  }
}

/** Lands a version of one referral, the same for all processes, so that two writers would meet. */
async function land({ query, account, lease, runId, fence }: Process, no: number) {
  const page = {
    runId,
    windowNo: 1,
    landings: [
      {
        resource_id: 'wanted by all',
        payload_hash: `${runId} ${no}`,
        observed_at: '2026-01-05T02:00:00Z',
        source_ref: 'a page',
        source_updated_at: null,
        source_updated_text: null,
        payload: {},
        people: {},
      },
    ],
  } as const
  if (fence !== unfenced) return void (await landPage(query, lease, page))
  await fence(query, lease, (transaction) =>
    sql`insert into raw.payload (partner_account_key, resource_type, resource_id, version_no,
        observed_at, payload_hash, source_ref, run_id, payload)
      values (${account}, 'referral', ${`${runId} ${no}`}, 1, clock_timestamp(), '', '', ${runId},
        '{}')`.execute(transaction),
  )
}

export const published = ({ account, runId }: Pick<Process, 'account' | 'runId'>) => ({
  partnerAccountKey: account,
  runId,
  watermark: null,
  changed: 0,
  quarantined: 0,
  missing: 0,
  isPartial: false,
})

export const aRunOf = (partnerAccountKey: number) =>
  ({
    partnerAccountKey,
    mode: 'incremental',
    from: null,
    to: null,
    appVersion: '0.0.0',
    transformVersion: 1,
  }) as const

/** The exit code of the one failure that a process may end with. */
function heldCode(error: unknown): number {
  if (error instanceof CosellError && error.kind === 'accountHeld') return error.exitCode
  throw error
}

/** Runs all schedules, each on an account of its own; returns what was committed and the outcomes. */
export async function playAll(plans: readonly Contender[][], fence: Fencing) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  return withDatabase(async (db, url) => {
    await keepHistory(db)
    const servers = await Promise.all(Array.from({ length: serversMax }, () => openDatabase(url)))
    try {
      const epochOf = new Map<number, number>()
      const limit = pLimit(atOnce)
      const outcomes = await Promise.all(
        plans.map((plan, index) =>
          limit(async () => {
            const account = index + 1
            await enter(db, account)
            const server = (no: number) => servers[(index + no) % serversMax] as Warehouse
            return Promise.all(
              plan.map((one, no) => play(server(no), account, one, fence, epochOf)),
            )
          }),
        ),
      )
      const history = await readHistory(db)
      const violations = [...history].flatMap(([account, committed]) =>
        violationsIn(committed, epochOf).map((text) => `schedule ${account - 1}: ${text}`),
      )
      return { outcomes, history, violations }
    } finally {
      await Promise.all(servers.map((server) => server.close()))
    }
  })
}

export async function enter(db: Kysely<Database>, account: number) {
  await sql`insert into dw.dim_partner_account
      (partner_account_key, account_code, account_name, created_at)
    values (${account}, ${`account ${account}`}, '', clock_timestamp())`.execute(db)
}
