import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Kysely } from 'kysely'
import type { Connection } from '../src/dictionary/render/power-bi-connection.ts'
import { type DocFiles, pageName, renderDocs, writeDocs } from '../src/dictionary/write-docs.ts'
import { openDatabase } from '../src/warehouse/connection/database.ts'
import { migrate } from '../src/warehouse/migrate/migrate.ts'
import type { Database } from '../src/warehouse/tables.generated.ts'
import { startThrowaway } from '../test/support/global-setup.ts'
import { referenceFiles } from './reference/pages.ts'

export const rootFolder = fileURLToPath(new URL('../', import.meta.url))
export const docsFolder = path.join(rootFolder, 'docs')
/** Server of an invented installation. */
const example: Connection = { server: 'warehouse.example.com:5432', database: 'cosell' }

/** Returns what the catalog says, for docs/; without the HTML page, which GitHub would not show. */
export async function committedDocs(query: Kysely<Database>): Promise<DocFiles> {
  const { [pageName]: _, ...files } = await renderDocs(query, example)
  return files
}

/** Rewrites all generated files: from the catalog of a migrated server, and from tables in the code. */
async function rewrite(): Promise<void> {
  const reference = referenceFiles()
  await writeDocs(rootFolder, reference)
  const server = await startThrowaway()
  try {
    const warehouse = await openDatabase(server.url)
    await migrate(warehouse.query)
    const files = await committedDocs(warehouse.query)
    await warehouse.close()
    await writeDocs(docsFolder, files)
    const names = [...Object.keys(reference), ...Object.keys(files).map((name) => `docs/${name}`)]
    process.stdout.write(`wrote ${names.join(', ')}\n`)
  } finally {
    await server.stop()
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await rewrite()
