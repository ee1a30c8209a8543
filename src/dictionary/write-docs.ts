import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CosellError } from '../errors.ts'
import { makeFolders } from '../make-folders.ts'
import { hostAndPort, type ServerAddress } from '../warehouse/connection/address.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { describeCatalog } from './describe-catalog.ts'
import { readCatalog } from './read-catalog.ts'
import { dbtSources } from './render/dbt-sources.ts'
import { dictionaryPage } from './render/html-page.ts'
import { dictionaryPages } from './render/markdown.ts'
import { type Connection, pbids } from './render/power-bi-connection.ts'

/** Text of each file, by its name below a folder. */
export type DocFiles = Readonly<Record<string, string>>

/** Name of the page that people open. */
export const pageName = 'dictionary.html'

/**
 * Renders every document of the catalog: the dictionary as a page and as Markdown, the sources for
 * dbt, and the connection file for Power BI.
 */
export async function renderDocs(
  query: Kysely<Database>,
  connection: Connection,
): Promise<DocFiles> {
  const dictionary = describeCatalog(await readCatalog(query))
  const pages = Object.entries(dictionaryPages(dictionary)).map(([name, text]) => [
    `dictionary/${name}`,
    text,
  ])
  return {
    [pageName]: dictionaryPage(dictionary),
    ...Object.fromEntries(pages),
    'dbt/sources.yml': dbtSources(dictionary),
    'cosell.pbids': pbids(connection),
  }
}

/**
 * Writes files below a folder, and creates the folder when absent.
 *
 * @throws CosellError `configuration` when the folder cannot be written.
 */
export async function writeDocs(folder: string, files: DocFiles): Promise<void> {
  try {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(folder, name)
      makeFolders(path.dirname(file))
      await writeFile(file, text)
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const advice = 'Name another folder with --out.'
    const text = `${folder}: expected a folder to write to, got: ${reason}. ${advice}`
    throw new CosellError('docs.not_writable', text, { cause: error })
  }
}

/** Returns a server in the words of a connection file. */
export function connectionOf(server: ServerAddress): Connection {
  return { server: hostAndPort(server), database: server.database }
}
