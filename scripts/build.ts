import { access, chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'
import { buildPage } from './build-page.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Packages from CommonJS call `require` for modules of Node.js; a module has none. */
const requireOfModules =
  "import { createRequire as createModuleRequire } from 'node:module'; " +
  'const require = createModuleRequire(import.meta.url);'

/**
 * Bundles the program, and the packages that it uses, into `folder`: `cli.js`, a chunk for each command,
 * their source maps, the page of `cosell open` in `page`, and the licences of the packages. What was in
 * the folder before is gone.
 */
export async function bundle(folder: string): Promise<void> {
  const draft = `${folder}.new`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/cli.ts'],
    outdir: draft,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    charset: 'utf8',
    // Names stay as they were written; the map leads from a stack trace to the source. Half of a start is
    // reading these files, and white space is a quarter of them.
    minifyWhitespace: true,
    lineLimit: 160,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    banner: { js: requireOfModules },
    metafile: true,
    logLevel: 'warning',
  })
  const page = await buildPage(path.join(draft, 'page'))
  const packages = [...packagesIn(metafile), ...packagesIn(page)]
  await writeFile(path.join(draft, 'licences.txt'), await licencesOf([...new Set(packages)].sort()))
  await chmod(path.join(draft, 'cli.js'), 0o755)
  await rm(folder, { recursive: true, force: true })
  await rename(draft, folder)
}

/** Returns the folders of the packages of which at least a byte is in the bundle. */
function packagesIn({ outputs }: Metafile): string[] {
  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs))
  const folders = files.flatMap((file) => {
    const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)
    return found === null ? [] : [path.join(root, found[0])]
  })
  return folders
}

/** Returns the notices that the licences of the packages ask a copy to carry. */
async function licencesOf(folders: readonly string[]): Promise<string> {
  const notices = await Promise.all(
    folders.map(async (folder) => {
      const { name, version, license } = JSON.parse(
        await readFile(path.join(folder, 'package.json'), 'utf8'),
      )
      const text = await licenceIn(folder)
      if (text === undefined) {
        throw new Error(`${name} ${version}: expected a file with its licence, got none.`)
      }
      return `${name} ${version} (${license})\n\n${text.trim()}\n`
    }),
  )
  const line = `\n${'-'.repeat(80)}\n\n`
  return `Packages in this folder, and their licences.\n${line}${notices.join(line)}`
}

/** Returns the text of the file of the licence, or of the section of the README that has it. */
async function licenceIn(folder: string): Promise<string | undefined> {
  const files = await readdir(folder)
  const read = async (name: RegExp) => {
    const file = files.find((one) => name.test(one))
    return file === undefined ? undefined : readFile(path.join(folder, file), 'utf8')
  }
  const readme = await read(/^readme\.md$/i)
  return (await read(/^licen[cs]e/i)) ?? /^#+ licen[cs]e$(.+)/ims.exec(readme ?? '')?.[1]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await access(path.join(root, 'sql'))
  await bundle(path.join(root, 'dist'))
}
