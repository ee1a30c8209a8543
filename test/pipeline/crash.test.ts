import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { demoSettings } from '../../src/demo.ts'
import type { Database } from '../../src/warehouse.ts'
import { countRows, type Digest, digestState } from '../support/digest.ts'
import { type Nights, withNights } from '../support/pipeline.ts'
import { type CliProcess, resultOf, startCli } from '../support/run-cli.ts'

const population = { referrals: 200, seed: 5, pageCap: 20 }
const pollMs = 10
const timeoutMs = 180_000

/** Starts `cosell run` in a process of its own, its sessions named `child`. */
function startRun({ sandbox, url, home }: Nights, changes: Record<string, string> = {}) {
  const env = {
    ...demoSettings(sandbox.url),
    COSELL_DATABASE_URL: `${url}?application_name=child`,
    COSELL_HOME: home,
    ...changes,
  }
  return startCli(['run', '--json'], { env, cwd: home })
}

async function isTrue(condition: () => Promise<boolean> | boolean) {
  while (!(await condition())) await sleep(pollMs)
}

/** Sessions of children in this database; those that wait for a lock alone when asked for. */
async function sessions(db: Kysely<Database>, waiting = false): Promise<number> {
  const found = await sql<{ sessions: number }>`
    select count(*) as sessions from pg_stat_activity
    where datname = current_database() and application_name = 'child'
      and (not ${waiting} or wait_event_type = 'Lock')`.execute(db)
  return found.rows[0]?.sessions ?? 0
}

/** Runs `use` while the run waits for a table: in the middle of the step that needs it. */
async function whileItWaitsFor(table: string, { db }: Nights, use: () => Promise<void>) {
  await db.transaction().execute(async (holder) => {
    await sql`lock table ${sql.table(table)} in access exclusive mode`.execute(holder)
    await isTrue(async () => (await sessions(db, true)) > 0)
    await use()
  })
}

async function kill({ db }: Nights, run: CliProcess) {
  run.child.kill('SIGKILL')
  expect(await run.ended).toMatchObject({ signal: 'SIGKILL' })
  return db
}

/** A dead run leaves its lease, which the next one may take over after a minute; tests do not wait. */
async function expireLease({ db }: Nights) {
  await isTrue(async () => (await sessions(db)) === 0)
  await sql`update etl.lease set expires_at = clock_timestamp()`.execute(db)
}

async function killAtTable(nights: Nights, table: string) {
  const run = startRun(nights)
  await whileItWaitsFor(table, nights, async () => {
    await kill(nights, run)
  })
  await expireLease(nights)
}

/** When it was read is not what was read. */
const state = ({ db }: Nights): Promise<Digest> =>
  digestState(db, ['observed_at', 'dw.fact_referral_history.row_hash', 'dw.dim_partner_account'])

/** The same two nights without any accident. */
async function quietNights(): Promise<Digest[]> {
  const digests: Digest[] = []
  await withNights(population, async (nights) => {
    digests.push(await state(nights))
    await nights.run()
    digests.push(await state(nights))
    changeAsKnown(nights)
    await nights.run()
    digests.push(await state(nights))
  })
  return digests
}

/** Changes that tell when they happened; others enter the history at the moment of reading. */
function changeAsKnown({ sandbox }: Nights) {
  for (const kind of ['accept', 'revalue', 'win', 'review'] as const) sandbox.change(8, kind)
}

const steps = [
  'etl.extract_window',
  'raw.payload',
  'stg.dim_referral',
  'dw.dim_customer',
  'dw.fact_acv_schedule',
  'pii.referral_text',
  'etl.run_table',
]

test(
  'a run that is killed leaves nothing visible, and the next one ends as if nothing had been',
  async () => {
    const [empty, first, second] = await quietNights()
    await withNights(population, async (nights) => {
      const { db, sandbox } = nights
      for (const table of steps) {
        await killAtTable(nights, table)
        expect(await state(nights), `killed at ${table}`).toEqual(empty)
      }
      const seen = sandbox.requests.length
      const reading = startRun(nights)
      await isTrue(() => sandbox.requests.length > seen + 4)
      await kill(nights, reading)
      await expireLease(nights)
      expect(await state(nights)).toEqual(empty)

      const done = await startRun(nights).ended
      expect(done.code, done.stderr).toBe(0)
      expect(resultOf(done)).toMatchObject({ seen: 200, changed: 200 })
      expect(await state(nights)).toEqual(first)
      expect(await countRows(db, /^(raw|pii)\.payload$/)).toEqual({
        'raw.payload': 200,
        'pii.payload': 200,
      })

      changeAsKnown(nights)
      for (const table of ['dw.fact_referral', 'etl.quarantine']) {
        await killAtTable(nights, table)
        expect(await state(nights), `killed at ${table}`).toEqual(first)
      }
      expect(await startRun(nights).ended).toMatchObject({ code: 0 })
      expect(await state(nights)).toEqual(second)
      const unfinished = await db
        .selectFrom('etl.run')
        .select('run_id')
        .where('run_status', 'not in', ['published', 'abandoned'])
        .execute()
      expect(unfinished).toEqual([])
    })
  },
  timeoutMs,
)

test(
  'a run that is killed at any moment leaves the old state or the new one',
  async () => {
    const [empty, first] = await quietNights()
    await withNights(population, async (nights) => {
      for (const delayMs of [60, 180, 300, 420]) {
        const run = startRun(nights)
        await run.says('run started')
        await sleep(delayMs)
        run.child.kill('SIGKILL')
        await run.ended
        await expireLease(nights)
        expect([empty, first]).toContainEqual(await state(nights))
      }
      await nights.run()
      expect(await state(nights)).toEqual(first)
    })
  },
  timeoutMs,
)

describe('two runs on one account', () => {
  test('at once: one publishes, the other ends with 4 and says who holds the account', () =>
    withNights(population, async (nights) => {
      const one = startRun(nights)
      await whileItWaitsFor('etl.extract_window', nights, async () => {
        const other = await startRun(nights).ended
        expect(other.code).toBe(4)
        expect(resultOf(other)).toMatchObject({ status: 'failed', code: 'lease.held' })
        expect(other.stderr).toContain(`process ${one.child.pid}`)
      })
      expect(await one.ended).toMatchObject({ code: 0 })
      const runs = await nights.db.selectFrom('etl.run').select('run_status').execute()
      expect(runs).toEqual([{ run_status: 'published' }])
    }))

  test('a lease that ran out is taken over, and its old holder publishes nothing', () =>
    withNights(population, async (nights) => {
      const { db } = nights
      const old = startRun(nights)
      await whileItWaitsFor('etl.extract_window', nights, async () => {
        await sql`update etl.lease set expires_at = clock_timestamp(), epoch = epoch + 1`.execute(
          db,
        )
      })
      expect(await old.ended).toMatchObject({ code: 4 })
      expect(await countRows(db, /^(raw\.payload|dw\.fact_referral)$/)).toEqual({
        'raw.payload': 0,
        'dw.fact_referral': 0,
      })
      expect(await nights.run()).toMatchObject({ changed: 200 })
    }))
})

test.each(['raw.payload', 'stg.dim_referral', 'dw.fact_acv_schedule', 'etl.run_table'])(
  'a database that drops its connections at %s is asked again, and the run goes on',
  (table) =>
    withNights(population, async (nights) => {
      const { db } = nights
      const run = startRun(nights)
      await whileItWaitsFor(table, nights, async () => {
        await sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'child'`.execute(db)
        await isTrue(async () => (await sessions(db, true)) > 0)
      })
      const end = await run.ended
      expect(end.code, end.stderr).toBe(0)
      expect(resultOf(end)).toMatchObject({ changed: 200 })
    }),
)

test('SIGTERM ends a run with 143 at once; what it read is kept, and the account is free', () =>
  withNights({ ...population, pageCap: 5, requestsPerMinute: 60 }, async (nights) => {
    const { db } = nights
    const run = startRun(nights)
    await isTrue(async () => (await countRows(db, /^raw\.payload$/))['raw.payload'] !== 0)
    run.child.kill('SIGTERM')
    const end = await run.ended
    expect(end).toMatchObject({ code: 143, signal: null })
    expect(resultOf(end)).toMatchObject({ status: 'failed', exit_code: 143 })
    const rows = await countRows(db, /^(raw\.payload|dw\.fact_referral)$/)
    expect(rows['raw.payload']).toBeGreaterThan(0)
    expect(rows['dw.fact_referral']).toBe(0)
    const ledger = await db.selectFrom('etl.run').select(['run_status', 'error_message']).execute()
    expect(ledger).toMatchObject([{ run_status: 'failed' }])
    expect(ledger[0]?.error_message).toContain('SIGTERM')
    const free = await db
      .selectFrom('etl.lease')
      .select('epoch')
      .where('expires_at', '<=', sql<string>`clock_timestamp()`)
      .execute()
    expect(free).toHaveLength(1)
  }))
