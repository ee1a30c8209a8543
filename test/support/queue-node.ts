import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isOlder } from '../../src/node-version.ts'
import { leastQueueNode } from '../../src/queue/load-library.ts'

/** The version of Node.js that npm has as a package; the queue needs 22.12. */
const nodeVersion = '24.22.3'
const root = fileURLToPath(new URL('../../', import.meta.url))
/** The bundled program of the tests is below it, and so finds packages that are installed here. */
const cache = path.join(root, 'node_modules/.cache')

/**
 * Returns the Node.js that runs the queue: this one where it is new enough and npm has installed pg-boss for
 * it. Otherwise both are installed from npm beside the bundled program of the tests, once.
 *
 * @throws Error when npm does not have them.
 */
export async function queueNode(): Promise<string> {
  const { resolve } = createRequire(import.meta.url)
  const isInstalled = existsSync(path.join(root, 'node_modules/pg-boss'))
  if (!isOlder(process.versions.node, leastQueueNode) && isInstalled) return process.execPath
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const found = path.join(cache, 'node_modules', name, 'bin/node')
  if (existsSync(found)) return found
  const manifest = JSON.parse(readFileSync(resolve('../../package.json'), 'utf8'))
  const boss = manifest.optionalDependencies['pg-boss']
  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(path.join(cache, 'queue-'))
  try {
    await writeFile(path.join(draft, 'package.json'), '{ "private": true }')
    const packages = [`${name}@${nodeVersion}`, `pg-boss@${boss}`]
    // pg-boss refuses the Node.js that runs npm here, and is run by the other one.
    const args = ['install', '--force', '--no-audit', '--no-fund', '--ignore-scripts', ...packages]
    await promisify(execFile)('npm', args, { cwd: draft, timeout: 300_000 })
    // Two tests may have come this far; one of them is enough.
    await rename(path.join(draft, 'node_modules'), path.join(cache, 'node_modules')).catch(
      (error: unknown) => {
        if (!existsSync(found)) throw error
      },
    )
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return found
}
