/** How a file stores a column. Decimals keep the digits that the catalog declares. */
export type ColumnType =
  | { readonly kind: 'text' | 'boolean' | 'int32' | 'int64' | 'double' | 'date' | 'instant' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

/** Digits that readers of Parquet take for a decimal. */
const precisionMax = 38

const kinds = new Map<string, Exclude<ColumnType['kind'], 'decimal'>>([
  ['boolean', 'boolean'],
  ['smallint', 'int32'],
  ['integer', 'int32'],
  ['bigint', 'int64'],
  ['double precision', 'double'],
  ['date', 'date'],
  ['timestamp with time zone', 'instant'],
])

/**
 * Returns how a column of a type of PostgreSQL, as `format_type` writes it, is stored. What has no
 * counterpart is text as PostgreSQL writes it: arrays, intervals, and a `numeric` without a size,
 * whose digits no decimal could promise to hold.
 */
export function columnTypeOf(type: string): ColumnType {
  const [, precision, scale] = /^numeric\((\d+),(\d+)\)$/.exec(type)?.map(Number) ?? []
  if (precision !== undefined && scale !== undefined) {
    const fits = precision <= precisionMax && scale <= precision
    return fits ? { kind: 'decimal', precision, scale } : { kind: 'text' }
  }
  return { kind: kinds.get(type) ?? 'text' }
}
