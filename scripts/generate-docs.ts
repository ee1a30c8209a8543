import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Kysely } from 'kysely'
import type { Connection } from '../src/dictionary/connection.ts'
import { problemsOfMeasures } from '../src/dictionary/measures/check-measures.ts'
import { measures } from '../src/dictionary/measures/measures.ts'
import { readCatalog } from '../src/dictionary/read-catalog.ts'
import {
  type DocFiles,
  pageName,
  powerBiFolder,
  renderDocs,
  supersetFolder,
  writeDocs,
} from '../src/dictionary/write-docs.ts'
import { openDatabase } from '../src/warehouse/connection/database.ts'
import { migrate } from '../src/warehouse/migrate/migrate.ts'
import type { Database } from '../src/warehouse/tables.generated.ts'
import { startThrowaway } from '../test/support/global-setup.ts'
import { referenceFiles } from './reference/pages.ts'

export const rootFolder = fileURLToPath(new URL('../', import.meta.url))
export const docsFolder = path.join(rootFolder, 'docs')
/** Server of an invented installation. */
const example: Connection = { server: 'warehouse.example.com:5432', database: 'cosell' }

/** Folders that are not committed. */
const others = [`${powerBiFolder}/`, `${supersetFolder}/`]

/**
 * Returns what the catalog says, for docs/; without the HTML page, which GitHub would not show, and
 * without the Power BI project and the bundle for Superset, whose many files name a server.
 */
export async function committedDocs(query: Kysely<Database>): Promise<DocFiles> {
  const files = Object.entries(await renderDocs(query, example))
  return Object.fromEntries(
    files.filter(([name]) => name !== pageName && !others.some((one) => name.startsWith(one))),
  )
}

/**
 * Holds the measures against the catalog.
 *
 * @throws Error that names the measures at fault.
 */
async function checkMeasures(query: Kysely<Database>): Promise<void> {
  const problems = problemsOfMeasures(measures, await readCatalog(query))
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

/** Rewrites all generated files: from the catalog of a migrated server, and from tables in the code. */
async function rewrite(): Promise<void> {
  const reference = referenceFiles()
  await writeDocs(rootFolder, reference)
  const server = await startThrowaway()
  try {
    const warehouse = await openDatabase(server.url)
    await migrate(warehouse.query)
    await checkMeasures(warehouse.query)
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
