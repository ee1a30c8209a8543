import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Document of the page. */
export const documentName = 'index.html'

/** Returns the files of the page by name: those of the package, or built from the sources. */
export function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  return import.meta.url.endsWith('.ts')
    ? buildFromSources()
    : // The bundle has its page beside its chunks.
      readFolder(fileURLToPath(new URL('page/', import.meta.url)))
}

async function buildFromSources(): Promise<ReadonlyMap<string, PageFile>> {
  // An address made at run time keeps the bundler out of the bundle.
  const builder = new URL('../../../scripts/build-page.ts', import.meta.url).href
  const { buildPage } = (await import(builder)) as { buildPage(folder: string): Promise<unknown> }
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-page-'))
  try {
    await buildPage(folder)
    return await readFolder(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function readFolder(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>()
  for (const name of await readdir(folder)) {
    const type = types[path.extname(name)]
    if (type !== undefined)
      files.set(name, { type, bytes: await readFile(path.join(folder, name)) })
  }
  if (!files.has(documentName)) throw new Error(`${folder}: expected the built page, got none`)
  return files
}
