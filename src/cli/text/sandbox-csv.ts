import { join } from 'node:path'
import { downloadFolders } from '../../sandbox/csv/file/downloads.ts'
import type { WrittenFile } from '../../sandbox/csv/file/write-downloads.ts'
import { invocation } from '../invocation.ts'
import { formatCount } from './grid.ts'

/** Says where the CSV files of the sandbox are, and which command loads them. */
export function csvText(folder: string, files: readonly WrittenFile[]): string {
  const { asDownloaded, savedAgain } = downloadFolders
  const place = join(folder, asDownloaded)
  return [
    `The simulated partner's files as Partner Center writes them are in ${place}:`,
    ...lines(files, asDownloaded),
    `The same as a German Excel saves them again are in ${join(folder, savedAgain)}:`,
    ...lines(files, savedAgain),
    `To load them: ${invocation(`import ${place}`)}`,
  ].join('\n')
}

function lines(files: readonly WrittenFile[], folder: string): string[] {
  return files
    .filter(({ path }) => path.startsWith(`${folder}/`))
    .map(({ path, rows, layout }) => {
      const name = path.slice(folder.length + 1)
      return `  ${name}  ${formatCount(rows)} rows, ${layout.title}`
    })
}
