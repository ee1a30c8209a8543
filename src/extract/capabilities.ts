/** How `$filter` wants instants: `2025-01-01T00:00:00Z`, or the same in quotes. */
export type DateLiteral = 'bare' | 'quoted'

/** What the API of one account was found to do; nothing of it is documented beyond doubt. */
export interface Capabilities {
  /** Null where `$filter` on the property is refused, ignored or could not be tried. */
  readonly createdFilter: DateLiteral | null
  readonly updatedFilter: DateLiteral | null
  /** Whether pages link to the next one. */
  readonly nextLink: boolean
  /** Whether `$skip` is honoured. */
  readonly skip: boolean
  /** Longest page that was served when more was asked for; null when that was not seen. */
  readonly pageCap: number | null
  /** What `@odata.count` counts. */
  readonly count: 'page' | 'total' | 'unknown'
}
