/**
 * Looks for statements of a load that are planned badly: `npm run test:plans [-- referrals...]
 * [--statistics fresh|none|stale]`, 3,000 with fresh ones by default. A star has an account of that
 * size and one of a hundredth of it. Each has a first load, a night, a night in which everything
 * changed, a retry and a rebuild. The referrals are multiplied in the landing zone, so 300,000 take
 * minutes. COSELL_PG_BINDIR names the binaries of another version of PostgreSQL.
 *
 * `none` suppresses every ANALYZE, `stale` leaves the statistics of empty tables. Ends with 1 when a
 * statement takes longer than its referrals justify.
 */
import { parseArgs } from 'node:util'
import { sql } from 'kysely'
import { countKnown, expectKnown, listMissedOnce, listUnlisted } from '../src/load/landing/looks.ts'
import {
  countOpenRegistrations,
  listOpenRegistrations,
} from '../src/load/landing/open-registrations.ts'
import { landPresence } from '../src/load/landing/presence.ts'
import { listReviewChanges } from '../src/load/landing/review-changes.ts'
import { enterAccount } from '../src/load/runs/accounts.ts'
import { acquireLease } from '../src/load/runs/lease.ts'
import { beginRun } from '../src/load/runs/ledger.ts'
import { readReference } from '../src/load/runs/reference.ts'
import { countListed } from '../src/load/staging/stage.ts'
import type { Run } from '../src/pipeline/run-context.ts'
import { notAsked, startStopwatch } from '../src/pipeline/run-summary.ts'
import { transformAndPublish } from '../src/pipeline/transform-and-publish.ts'
import { analyzeGrown } from '../src/warehouse/connection/analyze.ts'
import { openDatabase, type Warehouse } from '../src/warehouse/connection/database.ts'
import { migrate } from '../src/warehouse/migrate/migrate.ts'
import { startThrowaway } from '../test/support/global-setup.ts'
import { silent, unnamedSource } from '../test/support/load-referrals.ts'
import { type PlannedStatement, recordPlans } from '../test/support/statement-plans.ts'
import { contextOf } from '../test/support/with-pipeline.ts'
import { landChanges, landCopies, landTemplate } from './multiply.ts'
import { say } from './say.ts'

const loads = ['first load', 'night', 'outage', 'retry', 'rebuild'] as const
type Load = (typeof loads)[number]

/** On a busy machine of two cores the slowest statement takes 0.15 ms a referral, if planned well. */
const msPerReferral = 0.4
const msMax = 1_500
const retried = 20
const shownLength = 160

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { statistics: { type: 'string', default: 'fresh' } },
})
const { statistics } = values
for (const size of positionals.length === 0 ? [3_000] : positionals.map(Number)) {
  for (const order of [
    ['big', 'small'],
    ['small', 'big'],
  ]) {
    await measure(size, order)
  }
}

async function measure(size: number, order: readonly string[]) {
  const server = await startThrowaway()
  const warehouse = await openDatabase(server.url)
  try {
    const { query } = warehouse
    await sql`alter system set autovacuum = off`.execute(query)
    await sql`select pg_reload_conf()`.execute(query)
    await migrate(query)
    if (statistics === 'stale') await sql`analyze`.execute(query)
    await landTemplate(query)
    const version = await sql<{ version: string }>`
      select current_setting('server_version') as version`.execute(query)
    say(`PostgreSQL ${version.rows[0]?.version}, ${statistics}`, size)
    for (const load of loads) {
      for (const name of order) {
        await measureLoad(warehouse, load, name, name === 'big' ? size : Math.ceil(size / 100))
      }
    }
  } finally {
    await warehouse.close()
    await server.stop()
  }
}

async function measureLoad(warehouse: Warehouse, load: Load, name: string, size: number) {
  const { query } = warehouse
  const account = { name, tenantId: undefined }
  const partnerAccountKey = await enterAccount(query, account, unnamedSource)
  const lease = await acquireLease(query, partnerAccountKey, 'bench', silent)
  const runId = await beginRun(query, {
    partnerAccountKey,
    mode: load === 'first load' ? 'full' : 'incremental',
    from: null,
    to: null,
    appVersion: '0',
    transformVersion: 1,
  })
  const context = contextOf(warehouse, '/nowhere', [], {
    COSELL_API_URL: 'http://127.0.0.1:1',
    COSELL_ACCESS_TOKEN: 'none',
  })
  const run = {
    ...context,
    lease,
    runId,
    startedAt: new Date().toISOString(),
    reference: await readReference(query),
    stopwatch: startStopwatch(),
    asked: () => notAsked,
    tell: () => undefined,
  }
  const read = await land(run, load, size)
  const statements = await recordPlans(() => publish(run, load, read), {
    isAnalyzeIgnored: statistics !== 'fresh',
  })
  await lease.release()
  const touched = load === 'retry' ? retried : (read ?? size)
  report(`${name}: ${load}`, touched, size, statements)
}

/** Lands the referrals of a run; returns how many it read, or undefined when it reads none. */
async function land({ warehouse: { query }, lease, runId }: Run, load: Load, size: number) {
  const { partnerAccountKey } = lease
  if (load === 'retry' || load === 'rebuild') return undefined
  if (load === 'first load') {
    await landCopies(query, partnerAccountKey, runId, size)
    return size
  }
  const isFullRead = load === 'outage'
  const everyNth = isFullRead ? 1 : 100
  return landChanges(query, partnerAccountKey, runId, { everyNth, isFullRead })
}

/** All of a run but its requests and pages. */
async function publish(run: Run, load: Load, read: number | undefined) {
  const { warehouse, lease, runId, reference } = run
  const { query } = warehouse
  if (read === undefined) {
    const scope = load === 'rebuild' ? 'all' : { ids: await someIds(run) }
    await transformAndPublish(run, { scope, watermark: null })
    return
  }
  const open = {
    account: lease.partnerAccountKey,
    changesSince: run.startedAt,
    settledBefore: run.startedAt,
  }
  await countOpenRegistrations(query, open)
  await listOpenRegistrations(query, runId, open, ['Approved'])
  await listReviewChanges(query, lease.partnerAccountKey, runId)
  await countListed(query, lease.partnerAccountKey, runId)
  const look = {
    account: lease.partnerAccountKey,
    runId,
    principal: 'someone',
    observedAt: run.startedAt,
  }
  if (load === 'night') {
    await listMissedOnce(query, look, 500)
    await expectKnown(query, look, [])
  } else {
    await listUnlisted(query, look, 500)
  }
  await landPresence(query, lease, {
    ...reference.settings,
    ...look,
    isComplete: load !== 'night',
    notFound: [],
  })
  await countKnown(query, look)
  await analyzeGrown(query, [
    ['raw.payload', read],
    ['pii.payload', read],
  ])
  await transformAndPublish(run, { scope: 'unpublished', watermark: null, rowsRead: read })
}

async function someIds({ warehouse, lease }: Run): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct referral_id as id from dw.dim_referral
    where partner_account_key = ${lease.partnerAccountKey}
    order by id
    limit ${retried}`.execute(warehouse.query)
  return rows.map((row) => row.id)
}

function report(
  what: string,
  referrals: number,
  size: number,
  statements: readonly PlannedStatement[],
) {
  const ms = statements.reduce((sum, statement) => sum + statement.ms, 0)
  const slowest = Math.max(...statements.map((statement) => statement.ms))
  say(what, `slowest of ${statements.length}: ${(slowest / 1000).toFixed(2)} s`, ms)
  const allowed = msMax + msPerReferral * Math.max(referrals, size)
  for (const { text, ms: taken } of statements.filter((statement) => statement.ms > allowed)) {
    process.exitCode = 1
    const seconds = `${(taken / 1000).toFixed(1)} s instead of ${(allowed / 1000).toFixed(1)} s`
    say(`  ${seconds}`, text.replace(/\s+/g, ' ').slice(0, shownLength))
  }
}
