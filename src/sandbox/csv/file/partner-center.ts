import type { Layout } from '../layout/column.ts'
import { record } from './lines.ts'
import type { PhysicalColumn, Table } from './table.ts'

/** Mark at the start of a file in UTF-8, by which spreadsheets recognise it. */
export const byteOrderMark = '\ufeff'

/**
 * Returns a table as Partner Center lets it be downloaded: UTF-8 with a byte order mark, commas,
 * CRLF, days as MM/DD/YYYY. The documented examples of the bulk downloads have no zeros: `1/30/2020`.
 */
export function asDownloaded(table: Table, { isPadded }: Layout): string {
  const names = table.columns.map(({ name }) => name)
  const rows = table.rows.map((row) => downloadedRow(row, table.columns, isPadded))
  return [byteOrderMark, record(names, ','), ...rows].join('')
}

export function downloadedRow(
  row: readonly string[],
  columns: readonly PhysicalColumn[],
  isPadded: boolean,
): string {
  const cells = row.map((cell, index) =>
    columns[index]?.kind === 'day' ? monthDayYear(cell, isPadded) : cell,
  )
  return record(cells, ',')
}

/** Returns `2020-01-30` as `1/30/2020` or `01/30/2020`; anything else stays as it is. */
function monthDayYear(day: string, isPadded: boolean): string {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day)
  if (match === null) return day
  const [, year, month = '', date = ''] = match
  return isPadded ? `${month}/${date}/${year}` : `${Number(month)}/${Number(date)}/${year}`
}
