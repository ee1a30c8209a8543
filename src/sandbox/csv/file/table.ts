import type { CellKind, Layout, Row } from '../layout/column.ts'

/** Rows of one file, with days as YYYY-MM-DD and amounts as plain decimals. */
export interface Table {
  readonly columns: readonly PhysicalColumn[]
  readonly rows: readonly (readonly string[])[]
}

export interface PhysicalColumn {
  readonly name: string
  readonly kind: CellKind
}

/** Lays out rows; each group of columns is as wide as its fullest row, and at least one column wide. */
export function toTable(layout: Layout, rows: readonly Row[]): Table {
  const drawn = rows.map((row) => layout.columns.map((column) => column.cells(row)))
  const widths = layout.columns.map((column, index) =>
    drawn.reduce(
      (most, cells) => Math.max(most, cells[index]?.length ?? 0),
      column.isGroup ? 1 : 0,
    ),
  )
  return { columns: header(layout, widths), rows: drawn.map((cells) => flat(cells, widths)) }
}

/** Returns the columns of a file whose groups have the given widths. */
function header(layout: Layout, widths: readonly number[]): PhysicalColumn[] {
  return layout.columns.flatMap(({ name, kind, isGroup }, index) =>
    isGroup
      ? Array.from({ length: widths[index] ?? 1 }, (_, no) => ({ name: `${name} ${no + 1}`, kind }))
      : [{ name, kind }],
  )
}

function flat(cells: readonly (readonly string[])[], widths: readonly number[]): string[] {
  return cells.flatMap((column, index) =>
    Array.from({ length: Math.max(1, widths[index] ?? 1) }, (_, no) => column[no] ?? ''),
  )
}
