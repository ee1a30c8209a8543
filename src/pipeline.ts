import { createHmac, hash } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { AccountConfig, Config } from './config.ts'
import type { CosellError } from './errors.ts'
import { createReferralsApi, type ReferralsApi } from './extract/api.ts'
import { readAll, readById, readChangedSince } from './extract/pages.ts'
import { createTokenStore } from './extract/token-store.ts'
import { advanceWatermark, planRead, type ReadPlan } from './extract/windows.ts'
import { enterAccount, listAccounts } from './load/accounts.ts'
import { analyzeGrown } from './load/analyze.ts'
import { databaseFailure, type Warehouse } from './load/database.ts'
import { beginWindow, type Landing, landPage } from './load/land.ts'
import { readLanded } from './load/landed.ts'
import { acquireLease, type Lease } from './load/lease.ts'
import { beginRun, markExtracted, markFailed, readAccountState } from './load/ledger.ts'
import { listOpenRegistrations } from './load/open-registrations.ts'
import { type PublishResult, publish } from './load/publish.ts'
import { type Reference, readReference, storeReportingCurrency } from './load/reference.ts'
import { landSightings } from './load/sightings.ts'
import { clearSeen, clearStage, countSeen, type StagedBatch, stageRows } from './load/stage.ts'
import type { Log } from './log.ts'
import { addUp, type RunSummary, type Stopwatch, startStopwatch, summarize } from './run-summary.ts'
import { cutPeople } from './transform/cut.ts'
import { type TransformContext, toRows, transformVersion } from './transform/referral-rows.ts'
import { appVersion } from './version.ts'

export interface RunEnvironment {
  readonly config: Config
  readonly warehouse: Warehouse
  readonly log: Log
  /** Aborted with the CosellError that says why the run must stop. */
  readonly signal: AbortSignal
}

/**
 * The nightly job: reads what changed in every configured account and publishes it. An account that
 * fails does not keep the others from being loaded; its error is thrown at the end.
 */
export async function run(environment: RunEnvironment, full: boolean): Promise<RunSummary> {
  const { config, warehouse } = environment
  if (config.reportingCurrency !== undefined) {
    await storeReportingCurrency(warehouse.query, config.reportingCurrency)
  }
  return eachAccount(config.accounts, environment, async (account) => {
    const key = await enterAccount(warehouse.query, account)
    return underLease(environment, key, (lease) => loadAccount(environment, account, lease, full))
  })
}

/** Transforms and publishes again everything that is in the landing zone, without the API. */
export async function rebuild(environment: RunEnvironment): Promise<RunSummary> {
  const known = await listAccounts(environment.warehouse.query)
  const accounts = known.map((account) => ({ ...account, name: account.account_code }))
  return eachAccount(accounts, environment, (account) =>
    underLease(environment, account.partner_account_key, (lease) =>
      rebuildAccount(environment, lease),
    ),
  )
}

async function loadAccount(
  environment: RunEnvironment,
  account: AccountConfig,
  lease: Lease,
  full: boolean,
): Promise<RunSummary> {
  const { warehouse, config } = environment
  const reference = await readReference(warehouse.query)
  const state = await readAccountState(warehouse.query, lease.partnerAccountKey)
  const now = new Date()
  const startedAt = now.toISOString()
  const plan = planRead({
    watermark: state.watermark,
    lastSweepAt: state.last_sweep_at,
    full,
    now,
    sweepDaysMax: reference.settings.fullSweepDaysMax,
    overlapHours: config.overlapHours,
  })
  return inRun(environment, lease, { ...plan, to: startedAt }, async (runId) => {
    const stopwatch = startStopwatch()
    const read = await extract(environment, { account, lease, runId, reference, plan, startedAt })
    stopwatch.lap('extract_ms')
    const published = await stageAndPublish(environment, lease, stopwatch, {
      runId,
      reference,
      which: 'unpublished',
      watermark: advanceWatermark(state.watermark, read.latest, startedAt),
    })
    return summarize(runId, read, published, stopwatch.stages)
  })
}

async function rebuildAccount(environment: RunEnvironment, lease: Lease): Promise<RunSummary> {
  const { query } = environment.warehouse
  const reference = await readReference(query)
  const { watermark } = await readAccountState(query, lease.partnerAccountKey)
  return inRun(environment, lease, { mode: 'rebuild', since: null, to: null }, async (runId) => {
    const stopwatch = startStopwatch()
    const published = await stageAndPublish(environment, lease, stopwatch, {
      runId,
      reference,
      which: 'all',
      watermark,
    })
    const seen = published.staged + published.quarantined
    const read = { seen, requests: 0, throttled: 0, landedRows: 0 }
    return summarize(runId, read, published, stopwatch.stages)
  })
}

interface Extraction {
  readonly account: AccountConfig
  readonly lease: Lease
  readonly runId: number
  readonly reference: Reference
  readonly plan: ReadPlan
  readonly startedAt: string
}

/** Reads the API into the landing zone: pages first, then what no page shows. */
async function extract(environment: RunEnvironment, extraction: Extraction) {
  const { warehouse, config } = environment
  const { lease, runId, reference, plan, startedAt } = extraction
  const from = plan.since ?? '2000-01-01T00:00:00Z'
  await beginWindow(warehouse.query, { runId, windowNo: 1, from, to: startedAt })
  const api = openApi(environment, extraction.account)
  try {
    const landing = startLanding(environment, lease, runId, reference)
    const pages = plan.since === null ? readAll(api) : readChangedSince(api, plan.since)
    for await (const page of pages) await landing.land(page)
    if (plan.mode === 'incremental') {
      // A review decision may leave updatedDateTime as it was, so no page would show it.
      const ids = await listOpenRegistrations(warehouse.query, lease.partnerAccountKey, runId)
      for await (const found of readById(api, ids, config.concurrency)) {
        if (found.referral !== null) await landing.land({ ...found, referrals: [found.referral] })
      }
    }
    const seen = await countSeen(warehouse.query, lease.partnerAccountKey, runId)
    const isCompleteSweep = plan.mode === 'full'
    const sighted = await landSightings(warehouse.query, lease, {
      runId,
      observedAt: startedAt,
      isCompleteSweep,
      ...reference.settings,
    })
    const { versions, latest } = landing.counts()
    await analyzeGrown(warehouse.query, [
      ['raw.payload', versions],
      ['pii.payload', versions],
    ])
    const { requests, throttled } = api.counts
    await markExtracted(warehouse.query, runId, { requests, throttled, seen, isCompleteSweep })
    return { seen, latest, requests, throttled, landedRows: 2 * versions + sighted }
  } finally {
    await api.close()
  }
}

interface FetchedPage {
  readonly referrals: readonly unknown[]
  readonly requestId: string
  readonly fetchedAt: string
  readonly nextLink?: unknown
}

function startLanding(
  { warehouse, log, signal }: RunEnvironment,
  lease: Lease,
  runId: number,
  reference: Reference,
) {
  const digest = keyedDigest(reference.secret)
  let rows = 0
  let versions = 0
  let latest: string | null = null
  const land = async (page: FetchedPage) => {
    signal.throwIfAborted()
    const landings = page.referrals.map((referral) => toLanding(referral, digest))
    const { changed } = await landPage(warehouse.query, lease, {
      runId,
      windowNo: 1,
      observedAt: page.fetchedAt,
      sourceRef: page.requestId,
      landings,
    })
    versions += changed
    rows += landings.length
    for (const { source_updated_at: updated } of landings) {
      if (updated !== null && (latest === null || updated > latest)) latest = updated
    }
    log.progress(`reading: ${rows} referrals, ${versions} new versions`)
  }
  return { land, counts: () => ({ versions, latest }) }
}

function toLanding(referral: unknown, digest: (text: string) => string): Landing {
  const cut = cutPeople(referral)
  const payload_hash = digest(cut.canonical)
  return {
    resource_type: 'referral',
    // Without an id it cannot be loaded; under its hash it can be landed, and set aside, once.
    resource_id: cut.resourceId ?? `(no id) ${payload_hash.slice(0, 16)}`,
    payload_hash,
    source_updated_at: cut.sourceUpdatedAt,
    source_updated_text: cut.sourceUpdatedText,
    payload: JSON.stringify(cut.payload),
    people: JSON.stringify(cut.people),
  }
}

interface Staging {
  readonly runId: number
  readonly reference: Reference
  readonly which: 'unpublished' | 'all'
  readonly watermark: string | null
}

async function stageAndPublish(
  environment: RunEnvironment,
  lease: Lease,
  stopwatch: Stopwatch,
  staging: Staging,
): Promise<PublishResult> {
  const { warehouse, log } = environment
  const { runId, reference, watermark } = staging
  await clearStage(warehouse.query, lease)
  try {
    const staged = await stageRows(warehouse, transformLanded(environment, lease, staging))
    stopwatch.lap('transform_ms')
    log.progress('publishing')
    return await publish(warehouse, lease, {
      runId,
      watermark,
      staged,
      isRebuild: staging.which === 'all',
      ...reference.settings,
    })
  } finally {
    // Staged rows hold people too. When this fails, the lease is lost or the database is gone, and
    // the next run empties them before it begins.
    await clearStage(warehouse.query, lease).catch(() => undefined)
    await clearSeen(warehouse.query, lease.partnerAccountKey, runId).catch(() => undefined)
    stopwatch.lap('publish_ms')
  }
}

const referralsPerProgress = 500

async function* transformLanded(
  { warehouse, log, signal }: RunEnvironment,
  { partnerAccountKey: partner_account_key }: Lease,
  { reference, which }: Staging,
): AsyncGenerator<StagedBatch> {
  const context = toContext(reference)
  let batch_no = 0
  for await (const landed of readLanded(warehouse.query, partner_account_key, which)) {
    batch_no += 1
    if (batch_no % referralsPerProgress === 0) {
      signal.throwIfAborted()
      log.progress(`transforming: ${batch_no} referrals`)
    }
    yield toRows({ partner_account_key, batch_no, ...landed }, context).rows
  }
}

/** What the transform needs beside the payloads; its hashes come from outside, so that it stays pure. */
export function toContext(reference: Reference): TransformContext {
  return {
    ...reference,
    calendarDateRule: reference.settings.calendarDateRule,
    thresholds: reference.settings,
    sha256: (text) => hash('sha256', text),
    hmac: keyedDigest(reference.secret),
  }
}

function keyedDigest(secret: string): (text: string) => string {
  return (text) => createHmac('sha256', secret).update(text).digest('hex')
}

function openApi({ config, log, signal }: RunEnvironment, account: AccountConfig): ReferralsApi {
  return createReferralsApi({
    ...account,
    tokenStore: createTokenStore(join(config.home, 'tokens', `${account.name}.json`)),
    pageSize: config.pageSize,
    requestsPerMinute: config.requestsPerMinute,
    concurrency: config.concurrency,
    signal,
    log: log.logger,
  })
}

/** Loads accounts one after the other; the first failure is thrown once all had their turn. */
async function eachAccount<A extends { readonly name: string }>(
  accounts: readonly A[],
  { log, signal }: RunEnvironment,
  load: (account: A) => Promise<RunSummary>,
): Promise<RunSummary> {
  const done: RunSummary[] = []
  const failures: CosellError[] = []
  for (const account of accounts) {
    try {
      done.push(await load(account))
    } catch (error) {
      const failure = signal.aborted ? signal.reason : databaseFailure(error)
      log.end()
      log.logger.error({ account: account.name, code: failure.code }, failure.message)
      failures.push(failure)
      if (signal.aborted) break
    }
  }
  const first = failures[0]
  if (first !== undefined) throw first
  return addUp(done)
}

async function underLease(
  { warehouse, log }: RunEnvironment,
  partnerAccountKey: number,
  use: (lease: Lease) => Promise<RunSummary>,
): Promise<RunSummary> {
  const holder = `${hostname()} process ${process.pid}`
  const lease = await acquireLease(warehouse.query, partnerAccountKey, holder, log.logger)
  try {
    return await use(lease)
  } finally {
    await lease.release()
  }
}

/** Enters a run in the ledger before `use` and, when it fails, why. */
async function inRun(
  { warehouse, log }: RunEnvironment,
  lease: Lease,
  span: { mode: ReadPlan['mode'] | 'rebuild'; since: string | null; to: string | null },
  use: (runId: number) => Promise<RunSummary>,
): Promise<RunSummary> {
  const runId = await beginRun(warehouse.query, {
    partnerAccountKey: lease.partnerAccountKey,
    mode: span.mode,
    from: span.since,
    to: span.to,
    appVersion,
    transformVersion,
  })
  log.logger.info({ run_id: runId, mode: span.mode, since: span.since }, 'run started')
  try {
    const summary = await use(runId)
    log.end()
    log.logger.info(
      { run_id: runId, changed: summary.changed, rows: summary.rows_written },
      'published',
    )
    return summary
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // The first error counts: when the database is gone, the ledger cannot be told of it either.
    await markFailed(warehouse.query, runId, message).catch(() => undefined)
    throw error
  }
}
