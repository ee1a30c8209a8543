import { hash } from 'node:crypto'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { AccountConfig, Config } from './config.ts'
import { CosellError } from './errors.ts'
import { createReferralsApi, type ReferralsApi } from './extract/api.ts'
import { readAll, readById, readChangedSince } from './extract/pages.ts'
import { createTokenStore } from './extract/token-store.ts'
import { advanceWatermark, planRead, type ReadPlan } from './extract/windows.ts'
import { keyedDigest, startLanding } from './landing.ts'
import { enterAccount, listAccounts, refuseUnknownAccount } from './load/accounts.ts'
import { analyzeGrown } from './load/analyze.ts'
import { databaseFailure, type Warehouse } from './load/database.ts'
import { beginWindow } from './load/land.ts'
import { type LandedScope, readLanded } from './load/landed.ts'
import { acquireLease, type Lease } from './load/lease.ts'
import { beginRun, markExtracted, markFailed, readAccountState } from './load/ledger.ts'
import { listOpenRegistrations } from './load/open-registrations.ts'
import { type PublishResult, publish } from './load/publish.ts'
import { listQuarantine } from './load/quarantine.ts'
import { type Reference, readReference, storeReportingCurrency } from './load/reference.ts'
import { landSightings } from './load/sightings.ts'
import { clearSeen, clearStage, countSeen, type StagedBatch, stageRows } from './load/stage.ts'
import type { Log } from './log.ts'
import { addUp, type RunSummary, type Stopwatch, startStopwatch, summarize } from './run-summary.ts'
import { type TransformContext, toRows, transformVersion } from './transform/referral-rows.ts'
import { remember } from './transform/remember.ts'
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
      replay(environment, lease, 'all'),
    ),
  )
}

export interface RetryRequest {
  /** Name of an account; every account when left out. */
  readonly account?: string | undefined
  /** Referrals to try; all that are set aside when empty. */
  readonly referralIds: readonly string[]
}

/**
 * Transforms and publishes again the landed versions of referrals that are set aside, without the
 * API. Those that still cannot be read stay where they are, with one attempt more.
 *
 * @throws CosellError `usage` when the account is not known or a referral is not set aside.
 */
export async function retry(
  environment: RunEnvironment,
  { account, referralIds }: RetryRequest,
): Promise<RunSummary> {
  const { query } = environment.warehouse
  const known = await listAccounts(query)
  refuseUnknownAccount(account, known)
  const held = await listQuarantine(query, { account, openOnly: true })
  const wanted = new Set(referralIds)
  for (const { referral_id } of held) wanted.delete(referral_id)
  if (wanted.size > 0) {
    const text = `Not in quarantine: ${[...wanted].join(', ')}. \`cosell quarantine list\` shows what is.`
    throw new CosellError('usage', 'quarantine.not_held', text)
  }
  const isWanted = (id: string) => referralIds.length === 0 || referralIds.includes(id)
  const accounts = known.flatMap(({ partner_account_key: key, account_code: name }) => {
    const theirs = held.filter((entry) => entry.account === name && isWanted(entry.referral_id))
    const ids = [...new Set(theirs.map((entry) => entry.referral_id))]
    return ids.length === 0 ? [] : [{ key, name, ids }]
  })
  return eachAccount(accounts, environment, ({ key, ids }) =>
    underLease(environment, key, (lease) => replay(environment, lease, { ids })),
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
      scope: 'unpublished',
      rowsRead: read.rows,
      watermark: advanceWatermark(state.watermark, read.latest, startedAt),
    })
    return summarize(runId, read, published, stopwatch.stages)
  })
}

async function replay(
  environment: RunEnvironment,
  lease: Lease,
  scope: Exclude<LandedScope, 'unpublished'>,
): Promise<RunSummary> {
  const { query } = environment.warehouse
  const reference = await readReference(query)
  const { watermark } = await readAccountState(query, lease.partnerAccountKey)
  return inRun(environment, lease, { mode: 'rebuild', since: null, to: null }, async (runId) => {
    const stopwatch = startStopwatch()
    const published = await stageAndPublish(environment, lease, stopwatch, {
      runId,
      reference,
      scope,
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
    const { query } = warehouse
    const { secret } = reference
    const landing = startLanding({ ...environment, query, lease, runId, secret })
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
    const { rows, versions, latest } = landing.counts()
    await analyzeGrown(warehouse.query, [
      ['raw.payload', versions],
      ['pii.payload', versions],
    ])
    const { requests, throttled } = api.counts
    await markExtracted(warehouse.query, runId, { requests, throttled, seen, isCompleteSweep })
    return { seen, latest, requests, throttled, rows, landedRows: 2 * versions + sighted }
  } finally {
    await api.close()
  }
}

interface Staging {
  readonly runId: number
  readonly reference: Reference
  readonly scope: LandedScope
  readonly watermark: string | null
  /** Rows that pages brought; a replay has none and counts the versions that it reads. */
  readonly rowsRead?: number
}

/** What the transform met on its way. */
interface Tally {
  versions: number
  /** Referrals by property without a column, known or not, in the newest version. */
  readonly unmapped: Map<string, number>
}

async function stageAndPublish(
  environment: RunEnvironment,
  lease: Lease,
  stopwatch: Stopwatch,
  staging: Staging,
): Promise<PublishResult> {
  const { warehouse, log } = environment
  const { runId, reference, watermark, scope } = staging
  const tally: Tally = { versions: 0, unmapped: new Map() }
  await clearStage(warehouse.query, lease)
  try {
    const staged = await stageRows(warehouse, transformLanded(environment, lease, staging, tally))
    stopwatch.lap('transform_ms')
    if (tally.unmapped.size > 0) {
      const referrals = Object.fromEntries([...tally.unmapped].sort())
      log.logger.info({ run_id: runId, referrals }, 'properties without a column')
    }
    log.progress('publishing')
    return await publish(warehouse, lease, {
      runId,
      watermark,
      staged,
      scope,
      rowsRead: staging.rowsRead ?? tally.versions,
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
  { reference, scope }: Staging,
  tally: Tally,
): AsyncGenerator<StagedBatch> {
  const context = toContext(reference)
  let batch_no = 0
  for await (const landed of readLanded(warehouse.query, partner_account_key, scope)) {
    batch_no += 1
    if (batch_no % referralsPerProgress === 0) {
      signal.throwIfAborted()
      log.progress(`transforming: ${batch_no} referrals`)
    }
    tally.versions += landed.versions.filter((one) => one.resource_type === 'referral').length
    const transformed = toRows({ partner_account_key, batch_no, ...landed }, context)
    if (transformed.kind === 'rows') {
      for (const path of transformed.unmapped) {
        tally.unmapped.set(path, 1 + (tally.unmapped.get(path) ?? 0))
      }
    }
    yield transformed.rows
  }
}

/** People recur from referral to referral, and each digest takes 2 µs. */
const hmacsRemembered = 2000

/** What the transform needs beside the payloads; its hashes come from outside, so that it stays pure. */
export function toContext(reference: Reference): TransformContext {
  return {
    ...reference,
    calendarDateRule: reference.settings.calendarDateRule,
    thresholds: reference.settings,
    sha256: (text) => hash('sha256', text),
    hmac: remember(keyedDigest(reference.secret), hmacsRemembered),
  }
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
      {
        run_id: runId,
        changed: summary.changed,
        rows: summary.rows_written,
        conservation: summary.conservation,
      },
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
