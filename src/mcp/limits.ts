import type { Explanation } from '../explain/explanation.ts'
import type { JsonValue } from '../warehouse/reader/answer-rows.ts'

// A client closes the session at a message of 10 MiB. A result travels twice in its message, as an
// object and as text, where each quotation mark takes a backslash.

/** Bytes of a result as JSON. */
export const resultBytesMax = 2 ** 20
/** Rows of an answer, where its asker gives no number; a model reads them all. */
export const defaultRows = 200
export const rowsMax = 2_000
export const statementMsMax = 30_000
/** Statements under way at once. */
export const statementsMax = 2
/** Names of people in the BI tool, and what they may see; everything else of people is out of reach. */
export const refusedViews = ['mart.bi_access']

type Row = Readonly<Record<string, JsonValue>>

/** Rows that fit into a result, and a sentence on what was left out; null for nothing. */
export interface FittingRows {
  readonly rows: readonly Row[]
  readonly left_out: string | null
}

/** Leaves out the last rows, until the others fit into `bytesMax` as JSON. */
export function fittingRows(
  rows: readonly Row[],
  cutBy: 'rows' | 'bytes' | null,
  bytesMax = resultBytesMax,
): FittingRows {
  let bytes = 0
  let fit = 0
  for (const row of rows) {
    bytes += Buffer.byteLength(JSON.stringify(row)) + 1
    if (bytes > bytesMax) break
    fit += 1
  }
  const kept = rows.slice(0, fit)
  if (kept.length === rows.length && cutBy === null) return { rows, left_out: null }
  const why =
    kept.length < rows.length || cutBy === 'bytes'
      ? `more are larger than ${bytesMax} bytes together`
      : 'there are more rows than were asked for'
  const left_out =
    `Only the first ${kept.length} rows are here: ${why}. Aggregate in SQL, ask for fewer columns, or ` +
    'go on with where, order by and limit.'
  return { rows: kept, left_out }
}

/** Leaves out details of an explanation, the finest first, until it fits into `bytesMax` as JSON. */
export function fittingExplanation(
  explanation: Explanation,
  bytesMax = resultBytesMax,
): Explanation {
  const withoutSchedules = (given: Explanation) => ({
    ...given,
    registrations: given.registrations.map((registration) => ({
      ...registration,
      lines: registration.lines.map((line) => ({ ...line, schedule: [] })),
    })),
  })
  const withoutLines = (given: Explanation) => ({
    ...given,
    registrations: given.registrations.map((registration) => ({ ...registration, lines: [] })),
  })
  const withoutRest = (given: Explanation) => ({
    ...given,
    values: [],
    versions: given.versions.slice(-20),
    registrations: given.registrations.slice(0, 20),
    findings: given.findings.slice(0, 20),
    comparison: {
      ...given.comparison,
      differences: given.comparison.differences.slice(0, 20),
    },
  })
  const steps = [
    { leave: withoutSchedules, what: 'contract years' },
    { leave: withoutLines, what: 'lines' },
    { leave: withoutRest, what: 'received values, and all but 20 of each list' },
  ]
  let fitting = explanation
  const left: string[] = []
  for (const { leave, what } of steps) {
    if (Buffer.byteLength(JSON.stringify(fitting)) <= bytesMax) break
    fitting = leave(fitting)
    left.push(what)
  }
  if (left.length === 0) return explanation
  const note = `Left out, since the explanation is larger than ${bytesMax} bytes: ${left.join('; ')}.`
  return { ...fitting, notes: [...fitting.notes, note] }
}
