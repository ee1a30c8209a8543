import { sql } from 'kysely'
import type { Cell, CellKind, Column } from '../answers.ts'
import { all, type Expression, type Query } from '../rows/filters.ts'
import type { Source } from '../rows/source.ts'
import { type Arrangement, orderedRows, type ReadRow, searchOf } from './list.ts'

/** Rows fetched at a time. */
const fetchedRows = 2_000

/**
 * Reads a whole list as CSV text, a part at a time: UTF-8 with the mark that tells spreadsheets so, a
 * header of labels, commas, and lines that end with CR and LF.
 */
export async function* csvOf(
  query: Query,
  source: Source,
  conditions: readonly Expression[],
  arrangement: Arrangement,
): AsyncGenerator<string> {
  const where = all([...conditions, searchOf(source, arrangement.search)])
  yield `\uFEFF${lineOf(source.columns.map(({ label }) => quoted(label)))}`
  // A cursor of SQL: each fetch is a statement of its own, so that the time of a slow browser is not
  // that of a statement.
  await sql`
    declare listed no scroll cursor for ${orderedRows(source, where, arrangement)}`.execute(query)
  for (;;) {
    const { rows } = await sql<ReadRow>`
      fetch ${sql.lit(fetchedRows)} from listed`.execute(query)
    if (rows.length > 0) yield rows.map((row) => lineOf(cellsOf(source.columns, row))).join('')
    if (rows.length < fetchedRows) return
  }
}

function cellsOf(columns: readonly Column[], row: ReadRow): string[] {
  return columns.map(({ name, kind }) => cellText(row[name] ?? null, kind))
}

function lineOf(cells: readonly string[]): string {
  return `${cells.join(',')}\r\n`
}

/**
 * What a spreadsheet would take for a formula: at the beginning of a cell, and where one that divides
 * by semicolons or tabs begins a cell, as quotes do not hold a text together there.
 */
const formula = /(?:^(?=[\t\r\n])|(?<=^|[;\t\r\n])(?="*[=+\-@]))/g

/** Writes a cell; what a spreadsheet would take for a formula is shown as the text that it is. */
export function cellText(cell: Cell, kind: CellKind): string {
  if (cell === null) return ''
  const text = String(cell)
  // Amounts and days are ours, and a negative amount begins with a minus.
  return quoted(kind === 'text' ? text.replace(formula, "'") : text)
}

function quoted(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
