import { createHmac } from 'node:crypto'
import type { FetchedReferral, Page } from '../extract/api/page.ts'
import type { WindowPage } from '../extract/paging/read-window.ts'
import { type LandedPayload, landPage, type NewVersion } from '../load/landing/land-page.ts'
import type { LandedResource } from '../load/landing/read-landed.ts'
import type { Step } from '../terminal/progress.ts'
import { Eraser } from '../transform/pii/erased.ts'
import { splitPii } from '../transform/pii/split-pii.ts'
import { sortableInstant } from '../transform/values/dates.ts'
import type { Run } from './run-context.ts'

/** The landing zone of one run, open for pages. */
export type Landing = ReturnType<typeof startLanding>

/** Single referrals landed in one transaction: one each would take longer than the request. */
const singlesMax = 100

/** What is landed from here on, and how many rows where that is known, for the progress. */
export type Expected = Pick<Step, 'phase' | 'part' | 'total'>

/** Takes on what was landed; resolves when it is ready for more. */
export type OnLanded = (landed: readonly LandedResource[]) => Promise<void>

/**
 * Lands pages and single referrals without their people, and counts them. `onLanded` is called with the
 * new versions of each page, once they are durable.
 */
export function startLanding(
  { warehouse, lease, runId, reference, signal, log }: Run,
  onLanded?: OnLanded,
) {
  const digest = keyedDigest(reference.secret)
  const ways = { digest, eraser: new Eraser(reference.erased, digest) }
  let rows = 0
  let versions = 0
  let latest = ''
  let expected: Expected = { phase: 'reading' }
  let rowsBefore = 0
  const showProgress = () =>
    log.progress({ ...expected, done: rows - rowsBefore, unit: 'referrals' })
  showProgress()
  let singles: LandedPayload[] = []
  const landAll = async (landings: readonly LandedPayload[], resumeAt?: string | null) => {
    signal.throwIfAborted()
    const progress = resumeAt === undefined ? {} : { resumeAt }
    const page = { runId, windowNo: 1, landings, ...progress }
    const landed = await landPage(warehouse.query, lease, page)
    versions += landed.length
    rows += landings.length
    for (const { source_updated_text: text } of landings) latest = latestInstant(latest, text)
    showProgress()
    await onLanded?.(landed.flatMap((version) => resourceOf(landings[version.place], version)))
  }
  const landRest = async () => {
    const rest = singles
    singles = []
    if (rest.length > 0) await landAll(rest)
  }
  return {
    /** Sets what the rows from here on are counted against. */
    expect: (next: Expected) => {
      if (next.phase !== expected.phase) rowsBefore = rows
      expected = next
    },
    /** Resolves once the page is durable. */
    landPage: (page: Page | WindowPage) =>
      landAll(
        page.referrals.map((referral) => toLanding(referral, page, ways)),
        'resumeAt' in page ? page.resumeAt : undefined,
      ),
    /** Lands the referrals of a page whose ids `choose` returns; resolves to their number. */
    landSome: async (
      page: Page,
      choose: (ids: readonly string[]) => Promise<readonly string[]>,
    ) => {
      const all = page.referrals.map((referral) => toLanding(referral, page, ways))
      const chosen = new Set(await choose(all.map((landing) => landing.resource_id)))
      if (chosen.size > 0) await landAll(all.filter((one) => chosen.has(one.resource_id)))
      return chosen.size
    },
    /** Queues one referral, unless the API has it no more; `landRest` makes the last ones durable. */
    landOne: async (found: FetchedReferral) => {
      if (found.referral !== null) singles.push(toLanding(found.referral, found, ways))
      if (singles.length >= singlesMax) await landRest()
    },
    landRest,
    counts: () => ({ rows, versions, latest: latest || null }),
  }
}

/** The later of two source times, in sortable form; empty before the first. */
export function latestInstant(latest: string, text: string | null): string {
  const instant = sortableInstant(text ?? '')
  return instant > latest ? instant : latest
}

function toLanding(
  referral: unknown,
  { requestId, fetchedAt }: Pick<Page, 'requestId' | 'fetchedAt'>,
  { digest, eraser }: { readonly digest: (text: string) => string; readonly eraser: Eraser },
): LandedPayload {
  const split = splitPii(referral)
  // Of what was received, erased people among it: an unchanged referral stays unchanged.
  const payload_hash = digest(split.canonical)
  // A referral without an id cannot be loaded; landed under its hash it is quarantined once.
  const resource_id = split.resourceId ?? `(no id) ${payload_hash.slice(0, 16)}`
  const { payload, people } = eraser.erase(resource_id, split)
  return {
    resource_id,
    payload_hash,
    observed_at: fetchedAt,
    source_ref: requestId,
    source_updated_at: split.sourceUpdatedAt,
    source_updated_text: split.sourceUpdatedText,
    payload,
    people,
  }
}

/** A version as reading it back would return it. */
function resourceOf(
  landing: LandedPayload | undefined,
  { version_no }: NewVersion,
): LandedResource[] {
  if (landing === undefined) return []
  const { resource_id, observed_at, source_updated_text, payload, people } = landing
  const version = { version_no, observed_at, source_updated_text, payload, people }
  return [{ resource_id, versions: [{ resource_type: 'referral', ...version }] }]
}

/** HMAC-SHA-256 in hexadecimal, under the key of this warehouse. */
export function keyedDigest(secret: string): (text: string) => string {
  return (text) => createHmac('sha256', secret).update(text).digest('hex')
}
