/** Sources of quotes in order of precedence, for days on which several quote the same currency. */
export const rateSources = ['manual', 'ECB', 'sandbox'] as const
export type RateSource = (typeof rateSources)[number]

/** Published rate: `baseUnits` of the base currency were worth `currencyUnits` of another one. */
export interface Quote {
  readonly currency: string
  /** YYYY-MM-DD. */
  readonly date: string
  /** Plain decimal, as is `currencyUnits`. */
  readonly baseUnits: string
  readonly currencyUnits: string
  /** Line of the file. */
  readonly line?: number
}

/** Quotes of one source in one base currency, at most one a currency and day. */
export interface Quotes {
  readonly source: RateSource
  readonly base: string
  /** Days for which each quote may be carried; `fx_rate_days_max` of `etl.setting` when left out. */
  readonly daysCarriedMax?: number | undefined
  readonly quotes: readonly Quote[]
}
