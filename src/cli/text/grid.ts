/** Returns a count with separated thousands, such as 12,345. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** Renders a table with columns as wide as their widest cell. Columns of numbers align right. */
export function renderGrid(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const numeric = heads.map((_, column) =>
    rows.every((row) => /^[\d,.-]+$/.test(row[column] ?? '')),
  )
  return [heads, ...rows]
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0
          return numeric[column] && rows.length > 0 ? cell.padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
