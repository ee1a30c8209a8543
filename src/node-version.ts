import { CosellError } from './errors.ts'

/** Least version of Node.js that cosell runs on, as package.json says under `engines`. */
export const leastNodeVersion = '20.19'

/** Whether a version such as `18.20.8` is older than the `least` one, such as `20.19`. */
export function isOlder(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  return major < leastMajor || (major === leastMajor && minor < leastMinor)
}

/** Returns the failure of a Node.js that is too old, given its version such as `18.20.8`. */
export function oldNodeFailure(version: string): CosellError | undefined {
  if (!isOlder(version, leastNodeVersion)) return undefined
  const text =
    `needs Node.js ${leastNodeVersion} or newer, got ${version}. ` +
    'Install Node.js 24 and cosell with its npm, or start cosell with a newer Node.js.'
  return new CosellError('node.too_old', text)
}
