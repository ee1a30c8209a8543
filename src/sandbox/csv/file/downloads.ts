import type { Referral } from '../../referral.ts'
import { type AcvConvention, usualConvention } from '../cell/annual-value.ts'
import type { Layout, Row } from '../layout/column.ts'
import { layouts as allLayouts } from '../layout/layouts.ts'
import { isMicrosofts } from '../layout/parts.ts'
import { savedByGermanExcel } from './german-excel.ts'
import { asDownloaded } from './partner-center.ts'
import { spoil } from './spoil.ts'
import { type Table, toTable } from './table.ts'

/** Most rows that Partner Center puts into one file; a person filters, and downloads the rest again. */
const rowsMax = 5_000

export interface DownloadOptions {
  readonly convention: AcvConvention
  /** Rows of each file that cannot be loaded, or not in full. */
  readonly broken: number
  readonly rowsMax: number
  readonly layouts: readonly Layout[]
}

const usualOptions: DownloadOptions = {
  convention: usualConvention,
  broken: 0,
  rowsMax,
  layouts: allLayouts,
}

/** One file of the downloads, not written yet. */
export interface DownloadFile {
  /** Place below the folder of the downloads, with `/`. */
  readonly path: string
  readonly layout: Layout
  readonly rows: number
  readonly bytes: Buffer
}

/** Folders of the files as downloaded, and of the same saved again. */
export const downloadFolders = { asDownloaded: 'partner-center', savedAgain: 'german-excel' }

/**
 * Yields the population as files of each layout, and after each of them what a German Excel makes of
 * it. A pure function: the same population and options give the same bytes.
 */
export function* downloads(
  referrals: readonly Referral[],
  given: Partial<DownloadOptions> = {},
): Generator<DownloadFile> {
  const options = { ...usualOptions, ...given }
  const rows = toRows(referrals, options.convention)
  for (const layout of options.layouts) {
    const included = rows.filter(({ referral }) => layout.includes(referral))
    for (let start = 0, no = 1; start < included.length; start += options.rowsMax, no += 1) {
      const slice = included.slice(start, start + options.rowsMax)
      const table = spoil(toTable(layout, slice), options.broken)
      yield* filesOf(table, layout, `${layout.name}-${String(no).padStart(2, '0')}`)
    }
  }
}

/** Returns the referrals with Microsoft's own of the same engagement. */
export function toRows(referrals: readonly Referral[], convention: AcvConvention): Row[] {
  const microsofts = new Map(
    referrals.filter(isMicrosofts).map((referral) => [referral.engagementId, referral]),
  )
  return referrals.map((referral) => ({
    referral,
    microsoft: microsofts.get(referral.engagementId),
    convention,
  }))
}

function* filesOf(table: Table, layout: Layout, name: string): Generator<DownloadFile> {
  const { asDownloaded: first, savedAgain } = downloadFolders
  const bytes = Buffer.from(asDownloaded(table, layout))
  yield { path: `${first}/${name}.csv`, layout, rows: table.rows.length, bytes }
  for (const { encoding, rows, bytes: saved } of savedByGermanExcel(table)) {
    const ending = encoding === 'utf-8' ? '-utf-8.csv' : '.csv'
    yield { path: `${savedAgain}/${name}${ending}`, layout, rows, bytes: saved }
  }
}
