import path from 'node:path'
import { loadConfig } from '../../../config.ts'
import { connectionOf, pageName, renderDocs, writeDocs } from '../../../dictionary/write-docs.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { type JsonFlag, printResult } from '../../output.ts'
import { withWarehouse } from '../../with-warehouse.ts'

export type DocsFlags = JsonFlag & { readonly out?: string }

/** Writes the data dictionary and what tools derive from it. */
export function writeDictionary({ json, out }: DocsFlags) {
  const config = loadConfig()
  const folder = path.resolve(out ?? path.join(config.home, 'docs'))
  const write = async ({ query, server }: OpenWarehouse) => {
    const files = await renderDocs(query, connectionOf(server))
    const names = await writeDocs(folder, files)
    printResult(json, { status: 'written', folder, files: names }, () =>
      [
        `Wrote ${names.length} files to ${folder}. The dictionary to open in a browser:`,
        `  ${path.join(folder, pageName)}`,
      ].join('\n'),
    )
  }
  return withWarehouse(config, write, { isWriting: false })
}
