import type { Page } from '../extract/api/page.ts'
import { type ReadPlan, shortfallOf } from '../extract/incremental/read-plan.ts'
import { readAll } from '../extract/paging/read-all.ts'
import { readChangedSince } from '../extract/paging/read-changed.ts'
import { beginWindow } from '../load/landing/land-page.ts'
import { countKnown } from '../load/landing/looks.ts'
import { landPresence } from '../load/landing/presence.ts'
import { readAhead } from '../load/landing/read-ahead.ts'
import {
  type Extracted,
  markExtracted,
  markFullRead,
  unknownPrincipal,
} from '../load/runs/ledger.ts'
import { countListed } from '../load/staging/stage.ts'
import { analyzeGrown } from '../warehouse/connection/analyze.ts'
import type { AccountApi } from './account-api.ts'
import { compareTotal, landNewest } from './compare-total.ts'
import { type Landing, type OnLanded, startLanding } from './land-pages.ts'
import { lookUpDue, lookUpUnlisted, type Reading } from './look-up.ts'
import { readPolicies } from './read-policies.ts'
import { learnReviews } from './reviews/learn-reviews.ts'
import { keepSampled, listReviewsDue, planReviewReads } from './reviews/review-reads.ts'
import type { Run } from './run-context.ts'
import { withAskedAt } from './run-events.ts'
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

/** Lands pages, and returns the greatest count that one of them had. */
async function landPages(
  { api, capabilities, landing, run }: Reading,
  pages: AsyncIterable<Page>,
): Promise<number> {
  let greatestCount = 0
  let pageNo = 0
  for await (const [page, startMs] of readAhead(withAskedAt(pages))) {
    greatestCount = Math.max(greatestCount, page.count ?? 0)
    pageNo += 1
    const total = capabilities.count === 'total' ? greatestCount : undefined
    const of = total === undefined ? undefined : Math.ceil(total / api.pageSize)
    landing.expect({ phase: 'reading', part: pageOf(pageNo, of), total })
    await landing.landPage(page)
    const { length: referrals } = page.referrals
    run.tell({ kind: 'page', no: pageNo, referrals, startMs, endMs: Date.now() })
  }
  return greatestCount
}

/** The total is left out where pages overlap, or are shorter than asked for, and there are more. */
function pageOf(no: number, of: number | undefined): string {
  return of === undefined || no > of ? `page ${no}` : `page ${no} of ${of}`
}

/** What a read showed beside its rows. */
interface Evidence extends Pick<Extracted, 'isComplete' | 'listedTotal'> {
  /** Referrals that the API did not have when they were read by id. */
  readonly notFound: readonly string[]
  /** A full read that lacks referrals by the API's own count. */
  readonly isShort: boolean
}

/** Reads the API into the landing zone; `onLanded` is called as by `startLanding`. */
export async function extractAndLand(
  run: Run,
  accountApi: AccountApi,
  plan: ReadPlan,
  onLanded?: OnLanded,
): Promise<Extraction> {
  const { query } = run.warehouse
  const { lease, runId } = run
  const { api } = accountApi
  const from = plan.since ?? beginningOfTime
  await beginWindow(query, { runId, windowNo: 1, from, to: run.startedAt })
  const reading = { ...accountApi, run, landing: startLanding(run, onLanded) }
  const evidence =
    plan.since === null ? await readEverything(reading, []) : await readChanges(reading, plan.since)
  await learnReviews(reading)
  const policies = await readPolicies(reading)
  const finished = await finishExtract(run, reading.landing, {
    ...evidence,
    seen: await countListed(query, lease.partnerAccountKey, runId),
    ...run.asked(),
    principal: api.principal(),
  })
  const extraction = { ...finished, landedRows: finished.landedRows + policies }
  // The watermark does not move past what this run should have read and did not.
  return evidence.isShort ? { ...extraction, latest: null } : extraction
}

/**
 * Reads the pages of what changed, then what no page need show, and asks how many referrals there are.
 * When that number moved for no known reason, everything is read after all; and at once where all
 * pages take fewer requests.
 */
async function readChanges(reading: Reading, since: string): Promise<Evidence> {
  const { api, capabilities } = reading
  const reads = await planReviewReads(reading, since)
  const fewer = 'everything is read: it takes fewer requests than to look at what may have changed'
  if (reads.plan.way === 'everything') return readAfterAll(reading, [], fewer)
  await landPages(reading, readChangedSince(api, since, capabilities))
  const due = await listReviewsDue(reading, reads)
  if (due === null) return readAfterAll(reading, [], fewer)
  const notFound = await lookUpDue(reading, due.ids)
  keepSampled(reading, due)
  const total = await compareTotal(reading, notFound)
  if (total === null || total.listed === total.expected) {
    return { isComplete: false, isShort: false, notFound, listedTotal: total?.listed ?? null }
  }
  const other = 'the API lists another number of referrals than expected: everything is read'
  return readAfterAll(reading, notFound, other, total)
}

/** Reads everything in a run that began as an incremental one, and says why. */
async function readAfterAll(
  reading: Reading,
  notFound: readonly string[],
  why: string,
  facts: object = {},
): Promise<Evidence> {
  const { run } = reading
  run.log.logger.info({ run_id: run.runId, ...facts }, why)
  await markFullRead(run.warehouse.query, run.runId, beginningOfTime)
  return readEverything(reading, notFound)
}

/**
 * Reads all pages, and by id the known referrals that they lack, but for those that were `notFound`
 * a moment ago.
 */
async function readEverything(reading: Reading, notFound: readonly string[]): Promise<Evidence> {
  const { run, api, capabilities } = reading
  const { runId } = run
  const greatestCount = await landPages(reading, readAll(api, capabilities))
  const seen = await countListed(run.warehouse.query, run.lease.partnerAccountKey, runId)
  if (shortfallOf({ seen, greatestCount, count: capabilities.count }) > 0) {
    const text = 'the full read is not complete: it read fewer referrals than the API counts'
    run.log.logger.warn({ run_id: runId, read: seen, counted: greatestCount }, text)
    return { isComplete: false, isShort: true, notFound, listedTotal: null }
  }
  const newest = await landNewest(reading, seen)
  await lookUpUnlisted(reading, notFound)
  return { isComplete: true, isShort: false, notFound, listedTotal: newest?.listed ?? null }
}

/** Figures that the API gives, and the referrals that it did not have. */
type Finished = Omit<Extracted, 'knownTotal'> &
  Pick<Evidence, 'notFound'> &
  Pick<ReadCounts, 'throttledMs'>

/** Records the end of a read: presence and absence, statistics for the planner, the run's figures. */
export async function finishExtract(
  { warehouse: { query }, lease, runId, startedAt, reference }: Run,
  landing: Landing,
  { notFound, ...extracted }: Finished,
): Promise<Extraction> {
  const { seen, requests, throttled, throttledMs, isComplete, listedTotal } = extracted
  const principal = extracted.principal ?? unknownPrincipal
  const look = { account: lease.partnerAccountKey, runId, principal, observedAt: startedAt }
  const presence = { ...reference.settings, ...look, isComplete, notFound }
  const landedPresence = await landPresence(query, lease, presence)
  const { rows, versions, latest } = landing.counts()
  await analyzeGrown(query, [
    ['raw.payload', versions],
    ['pii.payload', versions],
  ])
  const knownTotal = listedTotal === null ? null : await countKnown(query, look)
  await markExtracted(query, runId, { ...extracted, knownTotal })
  return {
    seen,
    requests,
    throttled,
    throttledMs,
    rows,
    latest,
    landedRows: 2 * versions + landedPresence,
  }
}
