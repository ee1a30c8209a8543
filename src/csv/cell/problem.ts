/** Kind of fault of a cell or row. */
export type ProblemCode =
  /** Text that is not of the column's kind. */
  | 'invalid'
  /** No value where a row needs one. */
  | 'missing'
  /** A number in scientific notation, as a spreadsheet shows long ones. */
  | 'scientific_notation'
  /** Zeros at the beginning of an id that a spreadsheet dropped. */
  | 'leading_zeros'
  /** An error of a formula, or a column that was too narrow when it was saved. */
  | 'spreadsheet_error'
  /** More cells than the header has columns. */
  | 'too_many_cells'
  /** Fewer cells than the header has columns, at the end of a file without a line end. */
  | 'cut_off'

/** Fault of a value, without its place. Holds no text that may name a person. */
export interface Fault {
  readonly code: ProblemCode
  readonly expected: string
  readonly got: string
  readonly remedy: string
}

/** Fault of a cell of a file. */
export interface Problem extends Fault {
  readonly file: string
  readonly line: number
  /** Canonical name of the column; empty when the fault is one of the whole row. */
  readonly column: string
  /** What becomes of the row. */
  readonly effect: 'quarantined' | 'loaded_without_value'
}

/** Returns the sentence for people: `file:line column: expected …, got …. What to do`. */
export function describeProblem(problem: Problem): string {
  const { file, line, column, expected, got, remedy, effect } = problem
  const place = column === '' ? `${file}:${line}` : `${file}:${line} ${column}`
  const outcome =
    effect === 'quarantined'
      ? 'The row was quarantined'
      : 'The referral was loaded without the value'
  return `${place}: expected ${expected}, got ${got}. ${outcome}; ${remedy}.`
}

const shownLengthMax = 40

/** The text in quotes if it cannot name a person, which takes letters; its length otherwise. */
export function shown(cell: string, isRestricted = false): string {
  if (cell === '') return 'nothing'
  const isShown = !isRestricted && cell.length <= shownLengthMax && !/[\p{L}@]/u.test(cell)
  return isShown ? JSON.stringify(cell) : `other text of ${cell.length} characters`
}
