import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type ImportRequest, importFiles } from '../../src/pipeline/import/import-files.ts'
import type { RunContext } from '../../src/pipeline/run-context.ts'
import {
  type DownloadOptions,
  downloadFolders,
  downloads,
} from '../../src/sandbox/csv/file/downloads.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import type { Kysely } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from './database.ts'
import { contextOf, withHome } from './with-pipeline.ts'

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** A migrated warehouse of an account without an API, and a folder for files. */
export interface ImportTest {
  readonly db: Kysely<Database>
  readonly context: RunContext
  readonly home: string
  readonly logged: readonly string[]
  load(paths: readonly string[], more?: Partial<ImportRequest>): ReturnType<typeof importFiles>
}

export function withImport(use: (test: ImportTest) => Promise<void>): Promise<void> {
  return withHome((home) =>
    withDatabase((db, _, warehouse) => {
      const logged: string[] = []
      const context = contextOf(warehouse, home, logged, {})
      const load = loadWith(context)
      return use({ db, context, home, logged, load })
    }),
  )
}

/** Returns a function that imports files into the warehouse of the context. */
export function loadWith(context: RunContext): ImportTest['load'] {
  return (paths, more = {}) => importFiles(context, { paths, standardInput: nothing(), ...more })
}

/** Writes the files of the population as downloaded into a new folder, and returns their paths by layout. */
export async function writeFiles(
  folder: string,
  referrals: readonly Referral[],
  options: Partial<DownloadOptions> = {},
): Promise<string[]> {
  const paths: string[] = []
  for (const { path: place, bytes } of downloads(referrals, options)) {
    if (!place.startsWith(`${downloadFolders.asDownloaded}/`)) continue
    const file = path.join(folder, place)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, bytes)
    paths.push(file)
  }
  return paths
}
