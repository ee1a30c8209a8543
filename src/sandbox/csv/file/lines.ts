/** Returns a record of a CSV file with its CRLF; only cells that need quotes have them. */
export function record(cells: readonly string[], separator: ',' | ';'): string {
  return `${cells.map((cell) => quoted(cell, separator)).join(separator)}\r\n`
}

function quoted(cell: string, separator: string): string {
  const needsQuotes = cell.includes(separator) || /["\r\n]/.test(cell)
  return needsQuotes ? `"${cell.replaceAll('"', '""')}"` : cell
}
