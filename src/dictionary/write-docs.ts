import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CosellError } from '../errors.ts'
import { makeFolders } from '../make-folders.ts'
import { biLogin } from '../warehouse/access/roles.ts'
import { hostAndPort, type ServerAddress } from '../warehouse/connection/address.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import type { Connection } from './connection.ts'
import { describeCatalog } from './describe-catalog.ts'
import { readLiveState } from './live-state.ts'
import { describeMeasures } from './measures/describe-measures.ts'
import { measures } from './measures/measures.ts'
import { powerBiModel } from './power-bi/model.ts'
import { powerBiProject } from './power-bi/project.ts'
import { readCatalog } from './read-catalog.ts'
import { contractedSchemas, dataContract } from './render/data-contract.ts'
import { dbtSources } from './render/dbt-sources.ts'
import { dictionaryPage } from './render/html-page.ts'
import { dictionaryPages } from './render/markdown.ts'
import { measuresPage } from './render/measures-page.ts'
import { pbids } from './render/power-bi-connection.ts'
import { supersetBundle } from './superset/bundle.ts'
import { zipOf } from './superset/zip.ts'

/** Text of each file, by its name below a folder. */
export type DocFiles = Readonly<Record<string, string>>

/** Name of the page that people open. */
export const pageName = 'dictionary.html'
/** Folder of the Power BI project. */
export const powerBiFolder = 'power-bi'
/** Folder of the bundle for Superset, which is written as an archive, too. */
export const supersetFolder = 'superset'

/**
 * Renders every document of the catalog: the dictionary as a page and as Markdown, the sources for
 * dbt, the data contracts, the project and the connection file for Power BI, and the bundle for
 * Superset.
 */
export async function renderDocs(
  query: Kysely<Database>,
  connection: Connection,
): Promise<DocFiles> {
  const catalog = await readCatalog(query)
  const dictionary = describeCatalog(catalog)
  const pages = Object.entries(dictionaryPages(dictionary)).map(([name, text]) => [
    `dictionary/${name}`,
    text,
  ])
  const model = powerBiModel(dictionary, measures)
  const dax = new Map(model.measures.map(({ name, expression }) => [name, expression]))
  const bundle = supersetBundle(dictionary, measures, { ...connection, user: biLogin })
  const folders = describeMeasures(measures, dictionary, dax)
  return {
    [pageName]: dictionaryPage(dictionary, folders, await readLiveState(query, catalog)),
    ...Object.fromEntries(pages),
    'dictionary/measures.md': measuresPage(folders),
    'dbt/sources.yml': dbtSources(dictionary),
    'cosell.pbids': pbids(connection),
    ...Object.fromEntries(
      contractedSchemas.map((schema) => [
        `contracts/${schema}.odcs.yaml`,
        dataContract(dictionary, schema, connection),
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(powerBiProject(model, connection)).map(([name, text]) => [
        `${powerBiFolder}/${name}`,
        text,
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(bundle).map(([name, text]) => [`${supersetFolder}/${name}`, text]),
    ),
  }
}

/**
 * Writes files below a folder, which is created when absent, and returns their names. The bundle for
 * Superset becomes an archive as well.
 *
 * @throws CosellError `configuration` when the folder cannot be written.
 */
export async function writeDocs(folder: string, files: DocFiles): Promise<string[]> {
  try {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(folder, name)
      makeFolders(path.dirname(file))
      await writeFile(file, text)
    }
    const bundle = Object.entries(files).filter(([name]) => name.startsWith(`${supersetFolder}/`))
    if (bundle.length === 0) return Object.keys(files)
    const archive = `${supersetFolder}.zip`
    await writeFile(path.join(folder, archive), zipOf(Object.fromEntries(bundle)))
    return [...Object.keys(files), archive]
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
