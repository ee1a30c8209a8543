import path from 'node:path'
import type { Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import { connectionOf, pageName, renderDocs, writeDocs } from '../../../dictionary/write-docs.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { addCommand, examples } from '../../help.ts'
import { type JsonFlag, printResult } from '../../output.ts'
import { withWarehouse } from '../../with-warehouse.ts'

/** Adds the command that writes the data dictionary and what tools derive from it. */
export function addDocs(program: Command) {
  addCommand(
    program,
    'docs',
    'Write the data dictionary, sources for dbt and the connection file for Power BI.',
  )
    .option('--out <folder>', 'folder to write to (docs in COSELL_HOME)')
    .addHelpText('after', examples('cosell docs', 'cosell docs --out shared/cosell'))
    .action(({ json, out }: JsonFlag & { out?: string }) => {
      const config = loadConfig()
      const folder = path.resolve(out ?? path.join(config.home, 'docs'))
      const write = async ({ query, server }: OpenWarehouse) => {
        const files = await renderDocs(query, connectionOf(server))
        await writeDocs(folder, files)
        const names = Object.keys(files)
        printResult(json, { status: 'written', folder, files: names }, () =>
          [
            `Wrote ${names.length} files to ${folder}. The dictionary to open in a browser:`,
            `  ${path.join(folder, pageName)}`,
          ].join('\n'),
        )
      }
      return withWarehouse(config, write, { isWriting: false })
    })
}
