import { afterAll, beforeAll } from 'vitest'
import { createLog } from '../../src/log.ts'
import { readPageFiles } from '../../src/open/http/page-files.ts'
import { servePage } from '../../src/open/http/serve.ts'
import { routesOf } from '../../src/open/routes.ts'
import { openWarehouse } from '../../src/warehouse/open.ts'
import { openReader } from '../../src/warehouse/reader/open-reader.ts'
import type { TestPipeline } from './with-pipeline.ts'

/** Settings of the embedded server, which is not used. */
const elsewhere = {
  home: '/nowhere',
  postgresBinDir: undefined,
  postgresOsUser: undefined,
  path: '',
}

export interface ServedPage {
  /** Address of the page, with its token. */
  readonly url: string
  /** What the server logged, line by line. */
  readonly logged: readonly string[]
  close(): Promise<void>
}

/** Serves the page of `cosell open` over a warehouse, which it reads as `cosell_bi`. */
export async function serveWarehouse({
  db,
  url: databaseUrl,
}: Pick<TestPipeline, 'db' | 'url'>): Promise<ServedPage> {
  const logged: string[] = []
  const { logger } = createLog({ isTerminal: false, write: (line) => logged.push(line) })
  const opened = await openWarehouse({ ...elsewhere, databaseUrl }, logger)
  const reader = await openReader(opened, { databaseUrl, readerDatabaseUrl: undefined })
  const files = await readPageFiles()
  const server = await servePage({ files, routes: routesOf(reader, db), port: 0, logger })
  const close = async () => {
    await server.close()
    await reader.close()
    await opened.close()
  }
  return { url: server.url, logged, close }
}

/** Serves the page for the tests of a file, after `prepare`; the result is a function for use in tests. */
export function servedOnce(
  loaded: () => TestPipeline,
  prepare: (loaded: TestPipeline) => Promise<void> = async () => undefined,
): () => ServedPage {
  let served: ServedPage | undefined
  beforeAll(async () => {
    await prepare(loaded())
    served = await serveWarehouse(loaded())
  })
  afterAll(() => served?.close())
  return () => {
    if (served === undefined) throw new Error('call this in a test: beforeAll serves the page')
    return served
  }
}
