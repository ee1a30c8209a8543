import type { Referral } from '../../referral.ts'
import type { AcvConvention } from '../cell/annual-value.ts'

/** One referral of a file, and what the sandbox's Microsoft knows beside it. */
export interface Row {
  readonly referral: Referral
  /** Microsoft's own referral of the same deal. */
  readonly microsoft: Referral | undefined
  readonly convention: AcvConvention
}

/** How much of a property a cell shows. */
export type Extent =
  /** All of it. */
  | 'whole'
  /** The day of an instant. */
  | 'day'
  /** That of the first entry of a list. */
  | 'first'
  /** That of some entries, or for some referrals. */
  | 'some'

/** Kind of a cell, by which a spreadsheet shows it: days as YYYY-MM-DD, amounts as plain decimals. */
export type CellKind = 'text' | 'day' | 'amount'

/** A column of a file, or a group of columns `Name 1`, `Name 2`, …. */
export interface Column {
  readonly name: string
  readonly kind: CellKind
  readonly isGroup: boolean
  /** Properties that the cells show, as `customerProfile.team[].email`. */
  readonly shows: Readonly<Record<string, Extent>>
  /** Returns the cell of a row, or for a group its cells in order. */
  cells(row: Row): readonly string[]
}

/** One kind of file that Partner Center lets a person download. */
export interface Layout {
  /** Name of its files, before the number. */
  readonly name: string
  /** Title for people. */
  readonly title: string
  /** Whether days are written with two digits: `01/30/2020` and not `1/30/2020`. */
  readonly isPadded: boolean
  readonly columns: readonly Column[]
  /** Returns true for a referral that is in files of this kind. */
  includes(referral: Referral): boolean
}

/** Returns a column of single cells; with `shows` as text, it shows all of one property. */
export function column(
  name: string,
  shows: string | Column['shows'] | null,
  cell: (row: Row) => string,
  kind: CellKind = 'text',
): Column {
  return {
    name,
    kind,
    isGroup: false,
    shows: typeof shows === 'string' ? { [shows]: 'whole' } : (shows ?? {}),
    cells: (row) => [cell(row)],
  }
}

/** Returns a group of columns, as many as the fullest row of a file needs. */
export function group(
  name: string,
  shows: Column['shows'],
  cells: (row: Row) => readonly string[],
): Column {
  return { name, kind: 'text', isGroup: true, shows, cells }
}
