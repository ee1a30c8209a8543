/** Folders of measures in tools, in the order in which they are shown. */
export const measureFolders = [
  'Pipeline',
  'Pipeline over time',
  'Won',
  'Conversion',
  'Annual contract value',
  'Registrations',
  'Expiring',
  'By tag',
  'Data quality',
] as const

/** How a tool shows the value: `weight` counts in parts, `share` is from 0 to 1, `moment` an instant. */
export const measureFormats = [
  'count',
  'weight',
  'amount',
  'share',
  'days',
  'hours',
  'moment',
] as const

/** A column that has any value. */
export const given = { isGiven: true } as const

/**
 * Condition on one column: true, equal to a text or one of several, within two numbers (both
 * included), or given. There is none for false, zero or the empty text, for which DAX takes a
 * missing value.
 */
export type Test =
  | true
  | string
  | readonly string[]
  | { readonly from: number; readonly to: number }
  | typeof given

/** Conditions that hold together, by column. */
export type Where = Readonly<Record<string, Test>>

/** Rows whose span has the day in it: `until` is the first day after the span. */
export interface Span {
  readonly from: string
  readonly until: string
}

/** What a measure computes over the rows of its mart that are in view. */
export type Formula =
  | { readonly kind: 'rows'; readonly where?: Where }
  | {
      readonly kind: 'sum'
      readonly column: string
      readonly where?: Where
      /** Only rows whose span has the day: today by UTC, or the last day in view if it is earlier. */
      readonly span?: Span
    }
  | { readonly kind: 'distinct'; readonly column: string; readonly where?: Where }
  | { readonly kind: 'median'; readonly column: string; readonly where?: Where }
  | { readonly kind: 'min' | 'max'; readonly column: string; readonly where?: Where }
  /** Sum of weight × column, where the other columns are those of the mart that `key` leads to. */
  | {
      readonly kind: 'weighted'
      readonly weight: string
      readonly column: string
      readonly of: string
      readonly key: string
      readonly where?: Where
    }
  /** Two measures of one mart, by name. */
  | { readonly kind: 'ratio'; readonly above: string; readonly below: string }

/** One figure, defined once for every tool. SQL and DAX are generated from it. */
export interface Measure {
  readonly name: string
  readonly folder: (typeof measureFolders)[number]
  readonly description: string
  /** Example of a question that it answers. */
  readonly question: string
  /** Mart without its schema; the measure has the grain of its rows. */
  readonly mart: string
  readonly formula: Formula
  readonly format: (typeof measureFormats)[number]
  /** Day by which calendars cut it; none where the mart has no such day. */
  readonly day?: string
  /** Currency of the amounts. The measure is empty when several are in view. */
  readonly currency?: string
  /** Day of the snapshot. Days do not add up: SQL is empty over several, DAX takes the last. */
  readonly snapshot?: string
}

/** Mart whose columns conditions, day and currency name: that of the amounts. */
export function columnsMartOf({ mart, formula }: Measure): string {
  return formula.kind === 'weighted' ? formula.of : mart
}

export function whereOf({ formula }: Measure): Where {
  return formula.kind === 'ratio' ? {} : (formula.where ?? {})
}

/** Columns that have the day of a snapshot: itself, its fiscal year and its fiscal quarter. */
export function snapshotColumns(snapshot: string): string[] {
  return ['date', 'fiscal_year', 'fiscal_quarter'].map((part) => snapshot.replace(/date$/, part))
}

/**
 * Returns the measure of a name.
 *
 * @throws Error when there is none.
 */
export function measureNamed(name: string, all: readonly Measure[]): Measure {
  const found = all.find((measure) => measure.name === name)
  if (found === undefined) throw new Error(`${name}: expected the name of a measure`)
  return found
}

/** Returns the upper and the lower measure of a ratio; of another measure, itself. */
export function partsOf(measure: Measure, all: readonly Measure[]): readonly Measure[] {
  const { formula } = measure
  if (formula.kind !== 'ratio') return [measure]
  return [formula.above, formula.below].map((name) => measureNamed(name, all))
}

/**
 * Says whether a ratio is 0 where its upper measure has no rows: a quarter that lost deals and won
 * none has a win rate. Not where that measure alone is empty over several currencies.
 */
export function isZeroWithoutUpper(measure: Measure, all: readonly Measure[]): boolean {
  const [above, below] = partsOf(measure, all)
  return above?.currency === below?.currency
}

/** Says over what the values of a measure may be added up. */
export function additivityOf({ formula, currency, snapshot }: Measure): string {
  if (formula.kind !== 'sum' && formula.kind !== 'rows' && formula.kind !== 'weighted') {
    return 'nothing'
  }
  const but = [
    ...(currency === undefined ? [] : ['currencies']),
    ...(snapshot === undefined && !('span' in formula) ? [] : ['days']),
  ]
  return but.length === 0 ? 'everything' : `everything but ${but.join(' and ')}`
}
