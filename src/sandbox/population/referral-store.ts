import { sortKey } from '../instants.ts'
import type { Referral } from '../referral.ts'

/** Properties that `$filter` can compare with `eq`. */
export const filterPaths = [
  'id',
  'engagementId',
  'organizationId',
  'externalReferenceId',
  'status',
  'substatus',
  'type',
  'qualification',
  'direction',
  'mpnId',
  'registrationStatus',
  'customerProfile/address/country',
] as const
export type FilterPath = (typeof filterPaths)[number]

/** Properties that `$orderby` can name, and `$filter` where date filters are supported. */
export const timeProperties = ['createdDateTime', 'updatedDateTime'] as const
export type TimeProperty = (typeof timeProperties)[number]

/** A referral as it is served, with the values for filters and orders. */
export interface Entry {
  readonly id: string
  readonly createdDateTime: string
  readonly updatedDateTime: string
  readonly fields: ReadonlyMap<FilterPath, string>
  readonly eTag: string
  readonly isCorrupt: boolean
  readonly json: Buffer
}

/**
 * The referrals as JSON text, in both orders that the API knows. Text and not objects: a page is
 * then a concatenation, copies cannot be shared by accident, and 50,000 take 200 MB and not 500.
 */
export class Store {
  readonly #entries = new Map<string, Entry>()
  readonly #orders = new Map<TimeProperty, readonly Entry[]>()

  get size(): number {
    return this.#entries.size
  }

  entries(): IterableIterator<Entry> {
    return this.#entries.values()
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  /** Adds a referral or replaces it; `served` is the corrupt payload that is sent instead. */
  put(referral: Referral, served?: Record<string, unknown>): void {
    const entry = toEntry(referral, served)
    this.#entries.set(entry.id, entry)
    this.#orders.clear()
  }

  /** Adds an entry that was removed. */
  restore(entry: Entry): void {
    this.#entries.set(entry.id, entry)
    this.#orders.clear()
  }

  remove(id: string): void {
    this.#entries.delete(id)
    this.#orders.clear()
  }

  /** Returns all entries, oldest first, ties by id. */
  inOrder(property: TimeProperty): readonly Entry[] {
    let ordered = this.#orders.get(property)
    if (ordered === undefined) {
      ordered = [...this.#entries.values()].sort(
        (a, b) => compareText(a[property], b[property]) || compareText(a.id, b.id),
      )
      this.#orders.set(property, ordered)
    }
    return ordered
  }
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Parses the referral of an entry into a new object. */
export function readEntry(entry: Entry): Referral {
  return JSON.parse(entry.json.toString())
}

function toEntry(referral: Referral, served?: Record<string, unknown>): Entry {
  const fields = new Map<FilterPath, string>()
  for (const path of filterPaths) {
    const value =
      path === 'customerProfile/address/country'
        ? referral.customerProfile?.address?.country
        : referral[path]
    if (typeof value === 'string') fields.set(path, value)
  }
  return {
    id: referral.id ?? '',
    createdDateTime: sortKey(referral.createdDateTime ?? ''),
    updatedDateTime: sortKey(referral.updatedDateTime ?? ''),
    fields,
    eTag: referral.eTag ?? '',
    isCorrupt: served !== undefined,
    json: Buffer.from(JSON.stringify(served ?? referral)),
  }
}
