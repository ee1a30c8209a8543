import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { demoSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { countRows } from '../support/digest.ts'
import { resultOf, startCli } from '../support/run-cli.ts'
import { type TestPipeline, withPipeline } from '../support/with-pipeline.ts'

const population = { referrals: 200, seed: 5, pageCap: 20 }
const pollMs = 10

/** Starts `cosell run` in a process of its own, its sessions named `child`. */
function startRun({ sandbox, url, home }: TestPipeline, changes: Record<string, string> = {}) {
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

/** Sessions of child processes in this database, or only those that wait for a lock. */
async function sessions(db: Kysely<Database>, waiting = false): Promise<number> {
  const found = await sql<{ sessions: number }>`
    select count(*) as sessions from pg_stat_activity
    where datname = current_database() and application_name = 'child'
      and (not ${waiting} or wait_event_type = 'Lock')`.execute(db)
  return found.rows[0]?.sessions ?? 0
}

/** Runs `use` while the run waits for a table: in the middle of the step that needs it. */
async function whileItWaitsFor(table: string, { db }: TestPipeline, use: () => Promise<void>) {
  await db.transaction().execute(async (holder) => {
    await sql`lock table ${sql.table(table)} in access exclusive mode`.execute(holder)
    await isTrue(async () => (await sessions(db, true)) > 0)
    await use()
  })
}

describe('two runs on one account', () => {
  test('two runs at once: one publishes, the other ends with 4 and names the holder', () =>
    withPipeline(population, async (nights) => {
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

  test('an expired lease is taken by the next run, and its old holder publishes nothing', () =>
    withPipeline(population, async (nights) => {
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

test('SIGTERM ends a run with 143 at once, keeps the landed pages and frees the account', () =>
  withPipeline({ ...population, pageCap: 5, requestsPerMinute: 60 }, async (nights) => {
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
