import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { style } from '../src/open/page/style.ts'

const source = fileURLToPath(new URL('../src/open/page/', import.meta.url))

/** Browsers of 2023 and newer; older ones lack parts of the language and of its library. */
const browsers = ['chrome120', 'edge120', 'firefox121', 'safari17.2']

/**
 * Builds the page of `cosell open` into `folder`, which is made if needed: `index.html`, `page.js`,
 * `page.css` and `icon.svg`. They name one another by relative addresses, and nothing else.
 */
export async function buildPage(folder: string): Promise<Metafile> {
  await mkdir(folder, { recursive: true })
  const { metafile } = await build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: { page: path.join(source, 'main.tsx') },
    outdir: folder,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: browsers,
    charset: 'utf8',
    minify: true,
    legalComments: 'none',
    tsconfig: path.join(source, 'tsconfig.json'),
    metafile: true,
    logLevel: 'warning',
  })
  await writeFile(path.join(folder, 'page.css'), style)
  for (const name of ['index.html', 'icon.svg']) {
    await copyFile(path.join(source, name), path.join(folder, name))
  }
  return metafile
}
