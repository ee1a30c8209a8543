import type { DraftFile } from './draft-file.ts'
import { type ExportColumn, storing, type TableWriter, type TextRow } from './table-writer.ts'
import { dayNumber, isoInstant, unscaled } from './values.ts'

/**
 * Writes CSV: UTF-8 with a header, commas, lines that end with LF, and quotes where a value needs
 * them. A missing value is nothing, an empty text is a pair of quotes, as COPY of PostgreSQL has it.
 */
export function csvWriter(file: DraftFile, columns: readonly ExportColumn[]): TableWriter {
  const encoder = new TextEncoder()
  const converters = columns.map(converterOf)
  const line = (cells: readonly string[]) => `${cells.join(',')}\n`
  let header = line(columns.map(({ name }) => quoted(name)))
  const write = async (text: string) => {
    const bytes = encoder.encode(header + text)
    header = ''
    await file.write(bytes)
  }
  return {
    add(rows: readonly TextRow[]) {
      const lines = rows.map((row) =>
        line(converters.map((convert, index) => cellOf(row[index] ?? null, convert))),
      )
      return write(lines.join(''))
    },
    finish: () => write(''),
  }
}

/** Returns a line of CSV without conversion of its values. */
export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map((cell) => cellOf(cell, (text) => text)).join(',')}\n`
}

function cellOf(text: string | null, convert: (text: string) => string): string {
  return text === null ? '' : quoted(convert(text))
}

function quoted(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Refuses the values that Parquet cannot hold, so that both formats export the same. */
function converterOf(column: ExportColumn): (text: string) => string {
  const checked = (expected: string, check: (text: string) => unknown) =>
    storing(column, expected, (text) => {
      check(text)
      return text
    })
  switch (column.stored.kind) {
    case 'decimal':
      return checked('a number', unscaled)
    case 'date':
      return checked('a day of the years 1 to 9999', dayNumber)
    case 'instant':
      return storing(column, 'an instant of the years 1 to 9999', isoInstant)
    default:
      return (text) => text
  }
}
