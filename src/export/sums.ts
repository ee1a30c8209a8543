import type { ExportColumn, TextRow } from './table-writer.ts'
import { unscaled, withPoint } from './values.ts'

/** Adds up each decimal column, every digit. */
export function decimalSums(columns: readonly ExportColumn[]) {
  const sums = columns.flatMap(({ name, stored }, index) =>
    stored.kind === 'decimal' ? [{ name, index, scale: stored.scale, sum: 0n, isNull: true }] : [],
  )
  return {
    /** @throws SyntaxError for a value without digits. */
    add(rows: readonly TextRow[]) {
      for (const total of sums) {
        for (const row of rows) {
          const text = row[total.index] ?? null
          if (text === null) continue
          total.sum += unscaled(text)
          total.isNull = false
        }
      }
    },
    /** Null for a column without a value, as `sum` of SQL. */
    total: (): Record<string, string | null> =>
      Object.fromEntries(
        sums.map(({ name, sum, scale, isNull }) => [name, isNull ? null : withPoint(sum, scale)]),
      ),
  }
}
