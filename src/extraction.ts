import { join } from 'node:path'
import type { AccountConfig } from './config.ts'
import { createReferralsApi, type ReferralsApi } from './extract/api.ts'
import { readAll, readById, readChangedSince } from './extract/pages.ts'
import { createTokenStore } from './extract/token-store.ts'
import type { ReadPlan } from './extract/windows.ts'
import { startLanding } from './landing.ts'
import { analyzeGrown } from './load/analyze.ts'
import { beginWindow } from './load/land.ts'
import type { Lease } from './load/lease.ts'
import { markExtracted } from './load/ledger.ts'
import { listOpenRegistrations } from './load/open-registrations.ts'
import type { Reference } from './load/reference.ts'
import { landSightings } from './load/sightings.ts'
import { countSeen } from './load/stage.ts'
import type { RunEnvironment } from './run-environment.ts'

export interface Extraction {
  readonly account: AccountConfig
  readonly lease: Lease
  readonly runId: number
  readonly reference: Reference
  readonly plan: ReadPlan
  readonly startedAt: string
}

/** Reads the API into the landing zone: pages first, then what no page shows. */
export async function extract(environment: RunEnvironment, extraction: Extraction) {
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

/** The API of an account as the settings say. */
export function openApi(
  { config, log, signal }: RunEnvironment,
  account: AccountConfig,
): ReferralsApi {
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
