import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { atSources } from '../../src/cli/source-places.ts'

const source = `export interface Row { readonly id: string }

export function idOf(row: Row | undefined): string {
  return row!.id
}
`

/** Bundles a module of three lines of types above the line that fails, as the program is bundled. */
async function bundled(folder: string, sourcemap: 'linked' | false): Promise<string> {
  const outfile = path.join(folder, `rows-${sourcemap}.js`)
  await build({
    stdin: { contents: source, sourcefile: 'src/rows.ts', loader: 'ts', resolveDir: folder },
    outfile,
    format: 'esm',
    sourcemap,
    bundle: true,
  })
  return outfile
}

/** Returns the stack trace of a Node.js alone: vitest puts the places of sources into its own. */
async function stackOf(file: string): Promise<string> {
  const script = `import { idOf } from ${JSON.stringify(pathToFileURL(file).href)}
    try { idOf(undefined) } catch (error) { process.stdout.write(error.stack) }`
  const words = ['--input-type=module', '--eval', script]
  return (await promisify(execFile)(process.execPath, words)).stdout
}

test('a stack trace of the bundle names the line of the source, and stays without a map', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-source-places-'))
  try {
    const stack = await stackOf(await bundled(folder, 'linked'))
    expect(stack).toMatch(/at idOf \(file:.*rows-linked\.js:\d+:\d+\)/)
    expect(atSources(stack)).toMatch(/at idOf \((.*\/)?src\/rows\.ts:4:15\)/)
    const bare = await stackOf(await bundled(folder, false))
    expect(atSources(bare)).toBe(bare)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
