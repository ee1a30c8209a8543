import { createHmac } from 'node:crypto'
import { type LandedPayload, landPage } from '../load/landing/land-page.ts'
import type { Lease } from '../load/runs/lease.ts'
import type { Log } from '../log.ts'
import { cutPeople } from '../transform/pii/split-pii.ts'
import { sortableInstant } from '../transform/values/dates.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'

interface Answered {
  readonly requestId: string
  readonly fetchedAt: string
}

export interface FetchedSingle extends Answered {
  readonly referral: unknown | null
}

/** What one answer of the API brought. */
export interface FetchedPage extends Answered {
  readonly referrals: readonly unknown[]
  readonly nextLink?: unknown
  /** Where a read that is interrupted goes on after this page; null after the last one. */
  readonly resumeAt?: string | null
}

export interface Destination {
  readonly query: Kysely<Database>
  readonly lease: Lease
  readonly runId: number
  /** Key of the payload hashes. */
  readonly secret: string
  readonly signal: AbortSignal
  readonly log: Log
}

/** What a read brings into the landing zone. */
export type Landing = ReturnType<typeof startLanding>

/** Singles that are landed together: a transaction each would take longer than the request. */
const singlesMax = 100

/** Lands what comes, people cut out, and counts what it brings. */
export function startLanding({ query, lease, runId, secret, signal, log }: Destination) {
  const digest = keyedDigest(secret)
  let rows = 0
  let versions = 0
  let latest = ''
  let singles: LandedPayload[] = []
  const landAll = async (landings: readonly LandedPayload[], resumeAt?: string | null) => {
    signal.throwIfAborted()
    const position = resumeAt === undefined ? {} : { resumeAt }
    const { changed } = await landPage(query, lease, { runId, windowNo: 1, landings, ...position })
    versions += changed
    rows += landings.length
    for (const { source_updated_text: text } of landings) latest = latestInstant(latest, text)
    log.progress(`reading: ${rows} referrals, ${versions} new versions`)
  }
  const landRest = async () => {
    const rest = singles
    singles = []
    if (rest.length > 0) await landAll(rest)
  }
  return {
    /** Resolves once the page is durable. */
    land: (page: FetchedPage) =>
      landAll(
        page.referrals.map((referral) => toLanding(referral, page, digest)),
        page.resumeAt,
      ),
    /** Takes one referral up, or that there is none; `landRest` makes the last ones durable. */
    landOne: async (found: FetchedSingle) => {
      if (found.referral !== null) singles.push(toLanding(found.referral, found, digest))
      if (singles.length >= singlesMax) await landRest()
    },
    landRest,
    counts: () => ({ rows, versions, latest: latest || null }),
  }
}

/** The later one of two source times, the first as this gives it; empty before any. */
export function latestInstant(latest: string, text: string | null): string {
  const instant = sortableInstant(text ?? '')
  return instant > latest ? instant : latest
}

function toLanding(
  referral: unknown,
  { requestId, fetchedAt }: Answered,
  digest: (text: string) => string,
): LandedPayload {
  const cut = cutPeople(referral)
  const payload_hash = digest(cut.canonical)
  return {
    resource_type: 'referral',
    // Without an id it cannot be loaded; under its hash it can be landed, and set aside, once.
    resource_id: cut.resourceId ?? `(no id) ${payload_hash.slice(0, 16)}`,
    payload_hash,
    observed_at: fetchedAt,
    source_ref: requestId,
    source_updated_at: cut.sourceUpdatedAt,
    source_updated_text: cut.sourceUpdatedText,
    payload: JSON.stringify(cut.payload),
    people: JSON.stringify(cut.people),
  }
}

export function keyedDigest(secret: string): (text: string) => string {
  return (text) => createHmac('sha256', secret).update(text).digest('hex')
}
