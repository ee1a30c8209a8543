import { plain, type Style } from '../../../terminal/terminal-text.ts'
import type { Answer } from '../../../warehouse/reader/ask.ts'
import { formatCount, oneLine, renderGrid } from '../grid.ts'

/** Renders the rows of a statement as a table, and how many they are. */
export function renderAnswer({ columns, rows }: Answer, style: Style = plain): string {
  const heads = columns.map(({ name }) => oneLine(name))
  const cells = rows.map((row) => row.map((value) => (value === null ? '' : oneLine(value))))
  const count = `${formatCount(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`
  return `${renderGrid(heads, cells, style)}\n\n(${count})`
}
