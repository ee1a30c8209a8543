import type { ColumnType } from './column-type.ts'

export interface ExportColumn {
  readonly name: string
  /** Type of PostgreSQL, as `format_type` writes it. */
  readonly type: string
  readonly stored: ColumnType
}

/** A row in the text of PostgreSQL, by the order of the columns. */
export type TextRow = readonly (string | null)[]

/** Writes the rows of one table into one file of a format. */
export interface TableWriter {
  /** @throws ValueNotStored */
  add(rows: readonly TextRow[]): Promise<void>
  /** Writes what is left, and what the format ends with. */
  finish(): Promise<void>
}

/** A value that the files cannot hold, such as an infinite day. */
export class ValueNotStored extends Error {
  override readonly name = 'ValueNotStored'
  constructor(
    readonly column: string,
    /** What was expected instead. */
    readonly expected: string,
    readonly value: string,
  ) {
    super(`${column}: expected ${expected}, got ${value}`)
  }
}

/** Returns a converter of one column, whose failures name the column and the value. */
export function storing<T>(
  { name }: ExportColumn,
  expected: string,
  convert: (text: string) => T,
): (text: string) => T {
  return (text) => {
    try {
      return convert(text)
    } catch {
      throw new ValueNotStored(name, expected, text)
    }
  }
}
