import { CosellError } from '../errors.ts'
import { isOlder } from '../node-version.ts'
import type { QueueLibrary } from './library.ts'

/** Least version of Node.js that pg-boss runs on, as its package says under `engines`. */
export const leastQueueNode = '22.12'

// Not written as a literal in the import: the bundle must leave the package outside, and the sources
// compile where npm has left it out.
const packageName: string = 'pg-boss'

/**
 * Loads pg-boss, which `enqueue` and `worker` alone need.
 *
 * @throws CosellError `queue.node` when `version` of Node.js is too old for it, `queue.package` when it is
 * not installed.
 */
export async function loadQueueLibrary(
  version: string = process.versions.node,
): Promise<QueueLibrary> {
  if (isOlder(version, leastQueueNode)) throw tooOld(version)
  try {
    return await import(packageName)
  } catch (error) {
    if (!isMissing(error)) throw error
    const text =
      '`cosell enqueue` and `cosell worker` need the package pg-boss, which npm has left out, as it does ' +
      'with --omit=optional and under an older Node.js. Install cosell again with its optional packages.'
    throw new CosellError('queue.package', text, { cause: error })
  }
}

function tooOld(version: string): CosellError {
  const text =
    `\`cosell enqueue\` and \`cosell worker\` need Node.js ${leastQueueNode} or newer, got ${version}; every ` +
    'other command runs on it. Install Node.js 24 and cosell with its npm, or use `cosell run --workers`.'
  return new CosellError('queue.node', text)
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}
