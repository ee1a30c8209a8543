import type { LayoutName } from '../../csv/layout/column.ts'
import type { ImportedRow } from '../../csv/read-rows.ts'
import type { ScannedFile } from '../../csv/scan-file.ts'
import type { LandedCsvRow } from '../../load/landing/land-rows.ts'
import type { CsvRowPayload } from '../../transform/files/evidence.ts'
import type { Eraser } from '../../transform/pii/erased.ts'
import { splitPii } from '../../transform/pii/split-pii.ts'

/** File to land, and the day that its importer says it was downloaded on. */
export interface FileToLand {
  readonly file: ScannedFile
  readonly asOf: string | undefined
}

/** Layouts whose rows have the day of their last update. */
const selfDated: ReadonlySet<LayoutName> = new Set(['insights_leads'])

/**
 * Returns a function that splits rows of a file for the landing zone. The hash is of what a row shows
 * and of its day: name, place and line make no other version.
 */
export function landingOf(
  { file, asOf }: FileToLand,
  digest: (text: string) => string,
  eraser: Eraser,
): (row: ImportedRow, cells: ImportedRow['cells']) => LandedCsvRow {
  const layout = file.layout.name
  const loose = new Set(
    file.columns.filter(({ column }) => column.paths.length === 0).map(({ name }) => name),
  )
  const fileDay = asOf ?? file.latestDay
  return (row, cells) => {
    const split = row.referral === null ? null : splitPii(row.referral)
    const ownDay = split !== null && selfDated.has(layout) ? split.sourceUpdatedText : null
    const kept = Object.entries(cells).filter(([name]) => split === null || loose.has(name))
    const restricted = sorted(row.restricted)
    const problems = row.problems.map((problem) => {
      const { code, column, expected, got, effect } = problem
      return { code, column, expected, got, effect }
    })
    const payload: CsvRowPayload = {
      layout,
      ...(asOf !== undefined && ownDay === null && { asOf }),
      ...(asOf === undefined && ownDay === null && fileDay !== null && { fileDay }),
      referral: (split?.payload ?? null) as CsvRowPayload['referral'],
      cells: Object.fromEntries(kept),
      problems,
    }
    const { referral: _, ...rest } = payload
    const hash = digest(JSON.stringify([rest, split?.canonical, restricted]))
    const resource_id = row.referralId ?? `(no id) ${hash.slice(0, 16)}`
    const people = { referral: split?.people ?? {}, cells: restricted }
    const left = eraser.erase(resource_id, { payload, people })
    return {
      resource_id,
      payload_hash: hash,
      source_ref: `${row.file}:${row.line}`,
      source_digest: row.digest,
      source_updated_text: ownDay ?? asOf ?? null,
      payload: JSON.stringify(left.payload),
      people: JSON.stringify(left.people),
    }
  }
}

function sorted(cells: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(cells).sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)),
  )
}
