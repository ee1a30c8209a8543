import type { AccountConfig } from '../config.ts'
import { type ReadPlan, shortfallOf } from '../extract/incremental/read-plan.ts'
import { readAll } from '../extract/paging/read-all.ts'
import { readById } from '../extract/paging/read-by-id.ts'
import { readChangedSince } from '../extract/paging/read-changed.ts'
import { beginWindow } from '../load/landing/land-page.ts'
import { listOpenRegistrations } from '../load/landing/open-registrations.ts'
import { landSightings } from '../load/landing/presence.ts'
import type { Lease } from '../load/runs/lease.ts'
import { type Extracted, markExtracted } from '../load/runs/ledger.ts'
import type { Reference } from '../load/runs/reference.ts'
import { countListed } from '../load/staging/stage.ts'
import { analyzeGrown } from '../warehouse/connection/analyze.ts'
import { type Contact, inContact } from './account-api.ts'
import { type Landing, startLanding } from './land-pages.ts'
import type { RunEnvironment } from './run-context.ts'

export interface Extraction {
  readonly account: AccountConfig
  readonly lease: Lease
  readonly runId: number
  readonly reference: Reference
  readonly plan: ReadPlan
  readonly startedAt: string
}

/** Reads the API into the landing zone: pages first, then what no page shows. */
export function extract(environment: RunEnvironment, extraction: Extraction) {
  const { account, lease } = extraction
  return inContact(environment, lease.partnerAccountKey, account, (contact) =>
    read(environment, extraction, contact),
  )
}

async function read(
  environment: RunEnvironment,
  extraction: Extraction,
  { api, capabilities }: Contact,
) {
  const { config, warehouse, log } = environment
  const { query } = warehouse
  const { lease, runId, reference, plan, startedAt } = extraction
  const from = plan.since ?? '2000-01-01T00:00:00Z'
  await beginWindow(query, { runId, windowNo: 1, from, to: startedAt })
  const { secret } = reference
  const landing = startLanding({ ...environment, query, lease, runId, secret })
  const pages =
    plan.since === null
      ? readAll(api, capabilities)
      : readChangedSince(api, plan.since, capabilities)
  let greatestCount = 0
  for await (const page of pages) {
    greatestCount = Math.max(greatestCount, page.count ?? 0)
    await landing.land(page)
  }
  if (plan.mode === 'incremental') {
    // A review decision may leave updatedDateTime as it was, so no page would show it.
    const ids = await listOpenRegistrations(query, lease.partnerAccountKey, runId)
    for await (const found of readById(api, ids, config.concurrency)) await landing.landOne(found)
    await landing.landRest()
  }
  const seen = await countListed(query, lease.partnerAccountKey, runId)
  const isFullRead = plan.mode === 'full'
  const lacking = isFullRead ? shortfallOf({ seen, greatestCount, count: capabilities.count }) : 0
  if (lacking > 0) {
    const text = 'the full read is not complete: it read fewer referrals than the API counts'
    log.logger.warn({ run_id: runId, read: seen, counted: greatestCount }, text)
  }
  const isComplete = isFullRead && lacking === 0
  const { requests, throttled } = api.counts
  const conclusion = { seen, requests, throttled, isComplete, principal: api.principal() }
  const concluded = await conclude(environment, extraction, landing, conclusion)
  // The watermark does not move past what this run should have read and did not.
  return { ...concluded, latest: lacking === 0 ? landing.counts().latest : null }
}

/** Enters what a read has come to: sightings, statistics for the planner, the run's figures. */
export async function conclude(
  { warehouse: { query } }: RunEnvironment,
  reading: Pick<Extraction, 'lease' | 'runId' | 'reference' | 'startedAt'>,
  landing: Landing,
  extracted: Extracted,
) {
  const { lease, runId, reference, startedAt: observedAt } = reading
  const { principal, isComplete } = extracted
  const sightings = { runId, principal, observedAt, isComplete, ...reference.settings }
  const sighted = await landSightings(query, lease, sightings)
  const { rows, versions } = landing.counts()
  await analyzeGrown(query, [
    ['raw.payload', versions],
    ['pii.payload', versions],
  ])
  await markExtracted(query, runId, extracted)
  const { seen, requests, throttled } = extracted
  return { seen, requests, throttled, rows, landedRows: 2 * versions + sighted }
}
