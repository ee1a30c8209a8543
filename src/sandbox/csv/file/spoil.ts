import type { Table } from './table.ts'

/** Ways to spoil a row, by the cell that they replace; a layout may lack the column. */
const faults: readonly { readonly pick: Pick; readonly cell: string }[] = [
  { pick: (table) => named(table, 'Referral ID'), cell: '' },
  { pick: (table) => firstOf(table, 'day'), cell: '02/30/2024' },
  { pick: (table) => firstOf(table, 'amount'), cell: 'twelve thousand' },
  // Whole in the download; a spreadsheet eats the zero and the last digits.
  { pick: (table) => named(table, 'Customer D-U-N-S ID'), cell: '081466849' },
  { pick: (table) => named(table, 'CRM ID'), cell: '34234324000123' },
]

type Pick = (table: Table) => number

/** Spoils `count` rows, evenly spread and in each way in turn. */
export function spoil(table: Table, count: number): Table {
  const rows = [...table.rows]
  const ways = faults
    .map(({ pick, cell }) => ({ index: pick(table), cell }))
    .filter(({ index }) => index >= 0)
  const spoilt = Math.min(count, rows.length)
  for (let number = 0; number < spoilt; number += 1) {
    const rowNo = Math.floor(((number + 0.5) * rows.length) / spoilt)
    const way = ways[number % ways.length]
    const row = rows[rowNo]
    if (way !== undefined && row !== undefined) rows[rowNo] = row.with(way.index, way.cell)
  }
  return { columns: table.columns, rows }
}

function named({ columns }: Table, wanted: string): number {
  return columns.findIndex(({ name }) => name === wanted)
}

function firstOf({ columns }: Table, wanted: string): number {
  return columns.findIndex(({ kind }) => kind === wanted)
}
