import { type ReadPlan, shortfallOf } from '../extract/incremental/read-plan.ts'
import { readAll } from '../extract/paging/read-all.ts'
import { readById } from '../extract/paging/read-by-id.ts'
import { readChangedSince } from '../extract/paging/read-changed.ts'
import { beginWindow } from '../load/landing/land-page.ts'
import { listOpenRegistrations } from '../load/landing/open-registrations.ts'
import { landPresence } from '../load/landing/presence.ts'
import { type Extracted, markExtracted } from '../load/runs/ledger.ts'
import { countListed } from '../load/staging/stage.ts'
import { analyzeGrown } from '../warehouse/connection/analyze.ts'
import type { AccountApi } from './account-api.ts'
import { type Landing, startLanding } from './land-pages.ts'
import type { Run } from './run-context.ts'
import type { ReadCounts } from './run-summary.ts'

/** Before the first referral of the service; the start of a full read in the ledger. */
const beginningOfTime = '2000-01-01T00:00:00Z'

/** Figures of a read, and what the watermark and the reconciliation need of it. */
export interface Extraction extends ReadCounts {
  /** Rows of pages and single referrals, repetitions included. */
  readonly rows: number
  /** Latest source time that was read; null when the read is known to be incomplete. */
  readonly latest: string | null
}

/** The total is left out where pages overlap, or are shorter than asked for, and there are more. */
function pageOf(no: number, of: number | undefined): string {
  return of === undefined || no > of ? `page ${no}` : `page ${no} of ${of}`
}

/**
 * Reads the API into the landing zone: first the pages, then the registrations under review, which
 * no page need show.
 */
export async function extractAndLand(
  run: Run,
  { api, capabilities }: AccountApi,
  plan: ReadPlan,
): Promise<Extraction> {
  const { query } = run.warehouse
  const { lease, runId } = run
  const from = plan.since ?? beginningOfTime
  await beginWindow(query, { runId, windowNo: 1, from, to: run.startedAt })
  const landing = startLanding(run)
  const pages =
    plan.since === null
      ? readAll(api, capabilities)
      : readChangedSince(api, plan.since, capabilities)
  let greatestCount = 0
  let pageNo = 0
  for await (const page of pages) {
    greatestCount = Math.max(greatestCount, page.count ?? 0)
    pageNo += 1
    const total = capabilities.count === 'total' ? greatestCount : undefined
    const of = total === undefined ? undefined : Math.ceil(total / api.pageSize)
    landing.expect({ phase: 'reading', part: pageOf(pageNo, of), total })
    await landing.landPage(page)
  }
  if (plan.mode === 'incremental') {
    // A review decision may leave updatedDateTime as it was, so no page would show it.
    const ids = await listOpenRegistrations(query, lease.partnerAccountKey, runId)
    landing.expect({ phase: 'reading open reviews', total: ids.length })
    for await (const found of readById(api, ids, run.config.concurrency)) {
      await landing.landOne(found)
    }
    await landing.landRest()
  }
  const seen = await countListed(query, lease.partnerAccountKey, runId)
  const isFullRead = plan.mode === 'full'
  const lacking = isFullRead ? shortfallOf({ seen, greatestCount, count: capabilities.count }) : 0
  if (lacking > 0) {
    const text = 'the full read is not complete: it read fewer referrals than the API counts'
    run.log.logger.warn({ run_id: runId, read: seen, counted: greatestCount }, text)
  }
  const extraction = await finishExtract(run, landing, {
    seen,
    ...api.counts,
    isComplete: isFullRead && lacking === 0,
    principal: api.principal(),
  })
  // The watermark does not move past what this run should have read and did not.
  return lacking === 0 ? extraction : { ...extraction, latest: null }
}

/** Records the end of a read: presence and absence, statistics for the planner, the run's figures. */
export async function finishExtract(
  { warehouse: { query }, lease, runId, startedAt, reference }: Run,
  landing: Landing,
  extracted: Extracted,
): Promise<Extraction> {
  const { seen, requests, throttled, principal, isComplete } = extracted
  const landedPresence = await landPresence(query, lease, {
    ...reference.settings,
    runId,
    principal,
    observedAt: startedAt,
    isComplete,
  })
  const { rows, versions, latest } = landing.counts()
  await analyzeGrown(query, [
    ['raw.payload', versions],
    ['pii.payload', versions],
  ])
  await markExtracted(query, runId, extracted)
  return { seen, requests, throttled, rows, latest, landedRows: 2 * versions + landedPresence }
}
