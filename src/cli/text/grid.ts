import { plain, type Style, textColumns, wrapWords } from '../../terminal/terminal-text.ts'

const gap = '  '

/** Returns a count with separated thousands, such as 12,345. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** Rows of a table; `notes` are texts below a row, of the same index. */
export interface GridRows {
  readonly rows: readonly (readonly string[])[]
  readonly notes?: readonly (readonly string[])[]
}

/**
 * Renders a table with columns as wide as their widest cell, below emphasized heads. Columns of
 * numbers align right.
 */
export function renderGrid(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style = plain,
): string {
  return renderNotedGrid(heads, { rows }, style)
}

/** `renderGrid` with texts below its rows, indented and broken between words. */
export function renderNotedGrid(
  heads: readonly string[],
  { rows, notes }: GridRows,
  style: Style = plain,
): string {
  const widths = widthsOf(heads, rows)
  const numeric = heads.map((_, column) =>
    rows.every((row) => /^[\d,.-]+$/.test(row[column] ?? '')),
  )
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return numeric[column] && rows.length > 0 ? cell.padStart(width) : cell.padEnd(width)
      })
      .join(gap)
      .trimEnd()
  const below = (index: number) =>
    (notes?.[index] ?? []).map((note) => wrapWords(`${gap}${note}`, textColumns, gap.length))
  return [
    style('heading', line(heads)),
    ...rows.flatMap((row, index) => [line(row), ...below(index)]),
  ].join('\n')
}

/**
 * Renders a table as several, one below the other, each with the first column and as many of the
 * others as fit into 80 columns.
 */
export function renderFoldedGrid(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style = plain,
): string {
  const widths = widthsOf(heads, rows)
  const parts: number[][] = []
  let room = 0
  for (const [column, width] of widths.entries()) {
    if (column === 0) continue
    const taken = gap.length + width
    if (parts.length === 0 || room < taken) {
      parts.push([0])
      room = textColumns - (widths[0] ?? 0)
    }
    parts.at(-1)?.push(column)
    room -= taken
  }
  if (parts.length === 0) parts.push([0])
  return parts
    .map((columns) => {
      const pick = (row: readonly string[]) => columns.map((column) => row[column] ?? '')
      return renderGrid(pick(heads), rows.map(pick), style)
    })
    .join('\n\n')
}

/** Renders a text after its label, with its further lines below its first word. */
export function renderLabelled(label: string, text: string, width: number): string {
  return wrapWords(`${label.padEnd(width)}${text}`, textColumns, width)
}

/** Keeps a text of the source in its line, and from telling the terminal what to do. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}

/** `oneLine` of every text in a plain object. */
export function inLines<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value), (_, inner) =>
    typeof inner === 'string' ? oneLine(inner) : inner,
  )
}

function widthsOf(heads: readonly string[], rows: readonly (readonly string[])[]): number[] {
  // Arguments of one call are limited, and an answer of SQL has any number of rows.
  return heads.map((head, column) =>
    rows.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), head.length),
  )
}
