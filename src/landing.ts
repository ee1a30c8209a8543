import { createHmac } from 'node:crypto'
import type { Kysely } from './load/database.ts'
import { type Landing, landPage } from './load/land.ts'
import type { Lease } from './load/lease.ts'
import type { Log } from './log.ts'
import { cutPeople } from './transform/cut.ts'
import type { Database } from './warehouse.ts'

/** What one answer of the API brought. */
export interface FetchedPage {
  readonly referrals: readonly unknown[]
  readonly requestId: string
  readonly fetchedAt: string
  readonly nextLink?: unknown
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

/** Lands pages as they come, people cut out, and counts what they bring. */
export function startLanding({ query, lease, runId, secret, signal, log }: Destination) {
  const digest = keyedDigest(secret)
  let rows = 0
  let versions = 0
  let latest: string | null = null
  const land = async (page: FetchedPage) => {
    signal.throwIfAborted()
    const landings = page.referrals.map((referral) => toLanding(referral, digest))
    const { changed } = await landPage(query, lease, {
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
  return { land, counts: () => ({ rows, versions, latest }) }
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

export function keyedDigest(secret: string): (text: string) => string {
  return (text) => createHmac('sha256', secret).update(text).digest('hex')
}
