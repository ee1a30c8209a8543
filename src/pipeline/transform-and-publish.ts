import { hash } from 'node:crypto'
import type { EarlyLoad } from '../load/initial/initial-load.ts'
import { countLanded, type LandedRow, type LandedScope } from '../load/landing/landed-pages.ts'
import { type LandedResource, readLanded } from '../load/landing/read-landed.ts'
import { loadReferrals } from '../load/load-referrals.ts'
import type { LoadEnd, LoadTask, PublishResult } from '../load/publish/publish-task.ts'
import type { Reference } from '../load/runs/reference.ts'
import type { StagedBatch } from '../load/staging/stage-tables.ts'
import { Eraser } from '../transform/pii/erased.ts'
import { type TransformContext, toRows } from '../transform/to-rows.ts'
import { memoize } from '../transform/values/memoize.ts'
import { keyedDigest } from './land-pages.ts'
import type { Run } from './run-context.ts'

/** The landed versions to publish, and what is published with them. */
export interface PublishRequest {
  readonly scope: LandedScope
  readonly watermark: string | null
  /** Rows that pages brought; left out by a rebuild, which counts the versions that it reads. */
  readonly rowsRead?: number
}

/** Counts of one pass of the transform. */
interface Tally {
  versions: number
  /** Referrals by unmapped property, in their newest version. */
  readonly unmapped: Map<string, number>
}

/** Brings landed versions to the readers: transforms them, loads the rows and publishes them. */
export async function transformAndPublish(
  run: Run,
  request: PublishRequest,
  early?: EarlyLoad,
): Promise<PublishResult> {
  const result = await loadReferrals(run, landedTask(run, request), early)
  run.stopwatch.lap('publish_ms')
  return result
}

/** Transformed rows of landed versions, with the terms of their publish. */
export function landedTask(run: Run, { scope, watermark, rowsRead }: PublishRequest): LoadTask {
  const atEnd = (versions: number) => ({ watermark, rowsRead: rowsRead ?? versions })
  return loadTask(run, { scope, atEnd, source: () => readWithProgress(run, scope) })
}

/** Referrals to transform, and what is known after the last one. */
interface Transformable {
  readonly scope: LandedScope
  readonly source: () => AsyncIterable<LandedResource>
  /** `versions` is the number of payloads that were transformed. */
  readonly atEnd: (versions: number) => LoadEnd
}

/** Transformed rows in batches, with the terms of their publish. */
export function loadTask(run: Run, { scope, source, atEnd }: Transformable): LoadTask {
  const { runId, reference, log, stopwatch } = run
  let tally: Tally = { versions: 0, unmapped: new Map() }
  return {
    ...reference.settings,
    runId,
    scope,
    atEnd: () => atEnd(tally.versions),
    batches: async function* () {
      tally = { versions: 0, unmapped: new Map() }
      yield* transformAll(run, source(), tally)
      stopwatch.lap('transform_ms')
      if (tally.unmapped.size > 0) {
        const referrals = Object.fromEntries([...tally.unmapped].sort())
        // Nothing to act on: what is new to cosell is a finding as well.
        log.logger.debug({ run_id: runId, referrals }, 'properties without a column')
      }
      log.progress({ phase: 'publishing' })
    },
    onStep: ({ step, of, name }) =>
      log.progress({ phase: 'publishing', part: `step ${step} of ${of}, ${name}` }),
  }
}

const referralsPerProgress = 200

/** Reads the landed referrals of a scope, and shows how many of all have been read. */
async function* readWithProgress(
  { warehouse, log, lease, reference }: Run,
  scope: LandedScope,
): AsyncGenerator<LandedResource> {
  const { partnerAccountKey } = lease
  let done = 0
  const total = log.isTerminal
    ? await countLanded(warehouse.query, partnerAccountKey, scope)
    : undefined
  const showProgress = () => log.progress({ phase: 'transforming', done, total, unit: 'referrals' })
  showProgress()
  const hasPolicies = reference.settings.eligibilityTemplate !== null
  for await (const landed of readLanded(warehouse.query, partnerAccountKey, scope, hasPolicies)) {
    done += 1
    if (done % referralsPerProgress === 0) showProgress()
    yield landed
  }
}

async function* transformAll(
  { signal, lease, reference }: Run,
  referrals: AsyncIterable<LandedResource>,
  tally: Tally,
): AsyncGenerator<StagedBatch> {
  const { partnerAccountKey: partner_account_key } = lease
  const context = toContext(reference)
  const eraser = new Eraser(reference.erasedDue, keyedDigest(reference.secret))
  let referral_no = 0
  for await (const landed of referrals) {
    referral_no += 1
    if (referral_no % referralsPerProgress === 0) signal.throwIfAborted()
    tally.versions += landed.versions.filter(isPayload).length
    const versions = landed.versions.map((one) => eraser.erase(landed.resource_id, one))
    const referral = { partner_account_key, referral_no, ...landed, versions }
    const transformed = toRows(referral, context)
    if (transformed.kind === 'rows') {
      for (const path of transformed.unmapped) {
        tally.unmapped.set(path, 1 + (tally.unmapped.get(path) ?? 0))
      }
    }
    yield transformed.rows
  }
}

/** Versions of the API and rows of files; absences and returns are no payloads. */
function isPayload({ resource_type }: LandedRow): boolean {
  return resource_type === 'referral' || resource_type === 'csv_row'
}

/** Digests kept: people recur from referral to referral, and each digest takes 2 µs. */
const memoizedDigestsMax = 2000

/** Everything that the transform needs beside the payloads; hashing comes from outside to keep it pure. */
export function toContext(reference: Reference): TransformContext {
  return {
    ...reference,
    calendarDateRule: reference.settings.calendarDateRule,
    eligibilityProperty: reference.settings.eligibilityProperty,
    thresholds: reference.settings,
    sha256: (text) => hash('sha256', text),
    hmac: memoize(keyedDigest(reference.secret), memoizedDigestsMax),
  }
}
