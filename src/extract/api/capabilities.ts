/** Form of an instant in `$filter`: `2025-01-01T00:00:00Z`, or the same in quotes. */
export type DateLiteral = 'bare' | 'quoted'

/** Abilities of the API of one account, as probed: the documentation leaves all of them open. */
export interface Capabilities {
  /** `null` where `$filter` on the property is rejected, ignored or could not be tried. */
  readonly createdFilter: DateLiteral | null
  readonly updatedFilter: DateLiteral | null
  /** Whether `$filter` on `registrationStatus` is obeyed. */
  readonly statusFilter: boolean
  /** Whether pages link to the next one. */
  readonly nextLink: boolean
  /** Whether `$skip` is obeyed. */
  readonly skip: boolean
  /** Longest page that was served when more was asked for; `null` when no page was cut. */
  readonly pageCap: number | null
  /** Meaning of `@odata.count`: the rows of the page, or of the whole list. */
  readonly count: 'page' | 'total' | 'unknown'
}

/** Whether the probe found no way to page through the list, as in an account without referrals. */
export function isNothingKnown(found: Capabilities): boolean {
  const { createdFilter, updatedFilter, nextLink, skip } = found
  return createdFilter === null && updatedFilter === null && !nextLink && !skip
}

/** Returns the form that the ledger keeps: a name and a word for each ability. */
export function describeCapabilities(found: Capabilities): Record<string, string> {
  return {
    created_filter: found.createdFilter ?? 'none',
    updated_filter: found.updatedFilter ?? 'none',
    status_filter: found.statusFilter ? 'yes' : 'no',
    next_link: found.nextLink ? 'yes' : 'no',
    skip: found.skip ? 'yes' : 'no',
    page_cap: String(found.pageCap ?? 'unknown'),
    count: found.count,
  }
}

/** Reads the form that the ledger keeps; `null` when a part is missing or not understood. */
export function parseCapabilities(kept: ReadonlyMap<string, string>): Capabilities | null {
  const [createdFilter, updatedFilter] = [
    literalOf(kept.get('created_filter')),
    literalOf(kept.get('updated_filter')),
  ]
  const [nextLink, skip] = [flagOf(kept.get('next_link')), flagOf(kept.get('skip'))]
  const statusFilter = flagOf(kept.get('status_filter'))
  const pageCap = kept.get('page_cap') ?? ''
  const count = kept.get('count')
  if (createdFilter === undefined || updatedFilter === undefined) return null
  if (nextLink === undefined || skip === undefined || statusFilter === undefined) return null
  if (count !== 'page' && count !== 'total' && count !== 'unknown') return null
  if (!/^(?:unknown|\d{1,9})$/.test(pageCap)) return null
  const cap = pageCap === 'unknown' ? null : Number(pageCap)
  return { createdFilter, updatedFilter, statusFilter, nextLink, skip, pageCap: cap, count }
}

function literalOf(word: string | undefined): DateLiteral | null | undefined {
  if (word === 'none') return null
  return word === 'bare' || word === 'quoted' ? word : undefined
}

function flagOf(word: string | undefined): boolean | undefined {
  return word === 'yes' ? true : word === 'no' ? false : undefined
}
