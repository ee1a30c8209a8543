/** Words for what a figure counts: `deals`, `contracts`. */
export interface Words {
  readonly title: string
  readonly note?: string | undefined
  /** Heading of the first column. */
  readonly head: string
  /** Plural noun of what is counted. */
  readonly many: string
  /** Heading of the amounts. */
  readonly amount: string
}

/** Singular of a plural noun in -s. */
export const oneOf = (many: string) => many.replace(/s$/, '')

export const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)
