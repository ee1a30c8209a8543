import { hash } from 'node:crypto'
import { canLoadInitially, initialLoad } from '../load/initial/initial-load.ts'
import { type LandedScope, readLanded } from '../load/landing/read-landed.ts'
import type { PublishResult } from '../load/publish/finish.ts'
import { publish } from '../load/publish/publish.ts'
import type { Lease } from '../load/runs/lease.ts'
import type { Reference } from '../load/runs/reference.ts'
import { isRefusal } from '../load/staging/rejected-rows.ts'
import { clearListed, clearStage, type StagedBatch, stageRows } from '../load/staging/stage.ts'
import { type TransformContext, toRows } from '../transform/to-rows.ts'
import { remember } from '../transform/values/memoize.ts'
import { redo } from '../warehouse/connection/retry-transient.ts'
import { keyedDigest } from './land-pages.ts'
import type { RunEnvironment } from './run-context.ts'
import type { Stopwatch } from './run-summary.ts'

export interface Staging {
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

/**
 * From the landing zone to what readers see. Rows go straight into a star that has none of the
 * account; when PostgreSQL refuses one of them there, and in all other cases, they are staged first.
 */
export async function stageAndPublish(
  environment: RunEnvironment,
  lease: Lease,
  stopwatch: Stopwatch,
  staging: Staging,
): Promise<PublishResult> {
  const { warehouse } = environment
  const attempt = async () => {
    await clearStage(warehouse.query, lease)
    if (await canLoadInitially(warehouse.query, lease)) {
      try {
        return await initialLoad(
          warehouse,
          lease,
          transforming(environment, lease, stopwatch, staging),
        )
      } catch (error) {
        if (!isRefusal(error)) throw error
        environment.log.logger.info({ code: error.code }, 'a row was refused: staging')
      }
    }
    const { batches, rowsRead, ...task } = transforming(environment, lease, stopwatch, staging)
    const staged = await stageRows(warehouse, lease, batches())
    return await publish(warehouse, lease, { ...task, staged, rowsRead: rowsRead() })
  }
  try {
    return await redo(attempt)
  } finally {
    // Staged rows hold people too. When this fails, the lease is lost or the database is gone, and
    // the next run empties them before it begins.
    await clearStage(warehouse.query, lease).catch(() => undefined)
    await clearListed(warehouse.query, lease, staging.runId).catch(() => undefined)
    stopwatch.lap('publish_ms')
  }
}

/** The landed versions as rows, and what their publish is told beside them. */
function transforming(
  environment: RunEnvironment,
  lease: Lease,
  stopwatch: Stopwatch,
  staging: Staging,
) {
  const { runId, reference, watermark, scope } = staging
  const { log } = environment
  let tally: Tally = { versions: 0, unmapped: new Map() }
  return {
    ...reference.settings,
    runId,
    watermark,
    scope,
    rowsRead: () => staging.rowsRead ?? tally.versions,
    batches: async function* () {
      tally = { versions: 0, unmapped: new Map() }
      yield* transformLanded(environment, lease, staging, tally)
      stopwatch.lap('transform_ms')
      if (tally.unmapped.size > 0) {
        const referrals = Object.fromEntries([...tally.unmapped].sort())
        log.logger.info({ run_id: runId, referrals }, 'properties without a column')
      }
      log.progress('publishing')
    },
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
  let referral_no = 0
  for await (const landed of readLanded(warehouse.query, partner_account_key, scope)) {
    referral_no += 1
    if (referral_no % referralsPerProgress === 0) {
      signal.throwIfAborted()
      log.progress(`transforming: ${referral_no} referrals`)
    }
    tally.versions += landed.versions.filter((one) => one.resource_type === 'referral').length
    const transformed = toRows({ partner_account_key, referral_no, ...landed }, context)
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
