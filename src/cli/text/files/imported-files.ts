import type { ImportResult } from '../../../pipeline/import/import-files.ts'
import { formatCount } from '../grid.ts'
import { renderRun } from '../run-summary.ts'

const counted = (count: number, one: string, many: string) =>
  `${formatCount(count)} ${count === 1 ? one : many}`

/** Renders what each file was taken for, what could not be read, and the run. */
export function renderImport(result: ImportResult): string {
  const { files, bad_cells, quarantined_rows, waiting } = result
  const lines = files.map(({ file, title, rows, new_rows }) => {
    const news = new_rows === 0 ? 'none new' : `${formatCount(new_rows)} new`
    return `${file}: ${title}, ${counted(rows, 'row', 'rows')}, ${news}`
  })
  if (quarantined_rows > 0) {
    const rows = counted(quarantined_rows, 'row is', 'rows are')
    lines.push(`${rows} in quarantine: see \`cosell quarantine list\`.`)
  }
  if (bad_cells > 0) {
    const cells = counted(bad_cells, 'cell was', 'cells were')
    lines.push(`${cells} left out: see rule cell_not_loaded in mart.data_quality.`)
  }
  if (waiting > 0) {
    const referrals = counted(waiting, 'referral waits', 'referrals wait')
    lines.push(`${referrals} for a file, or the API, that shows more than a registration.`)
  }
  return [...lines, renderRun(result)].join('\n')
}
