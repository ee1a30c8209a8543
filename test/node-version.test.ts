import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { leastNodeVersion, oldNodeFailure } from '../src/node-version.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

describe('the least version of Node.js', () => {
  test('package.json gives the same one', () => {
    const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(engines).toEqual({ node: `>=${leastNodeVersion}` })
  })

  test.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0', '100.0.0', '26.0.0-nightly2026'])(
    'Node.js %s starts the program',
    (version) => {
      expect(oldNodeFailure(version)).toBeUndefined()
    },
  )

  test.each(['14.21.3', '16.20.2', '18.20.8', '20.9.0', '20.18.3', '9.11.2'])(
    'Node.js %s gets one sentence with what to do, and 78',
    (version) => {
      expect(oldNodeFailure(version)).toMatchObject({
        code: 'node.too_old',
        exitCode: 78,
        message: expect.stringMatching(
          new RegExp(
            `^needs Node.js 20.19 or newer, got ${version.replaceAll('.', '\\.')}\\. Install `,
          ),
        ),
      })
    },
  )
})

describe('the entry', () => {
  test('cli.ts reads nothing but plain modules of its own before it knows the version', () => {
    expect([...staticImports('cli.ts')].sort()).toEqual([
      'cli.ts',
      'error-codes.ts',
      'errors.ts',
      'exit-codes.ts',
      'node-version.ts',
    ])
  })

  test('the modules that an old Node.js reads hold no top-level await', () => {
    for (const name of staticImports('cli.ts')) expect(sourceOf(name)).not.toMatch(/\bawait\b.*\(/)
  })
})

/** Returns a file of src and everything that it loads before its first line runs. */
function staticImports(name: string, known = new Set<string>()): Set<string> {
  if (known.has(name)) return known
  known.add(name)
  for (const [, path = ''] of sourceOf(name).matchAll(/^import (?!type).*? from '([^']+)'/gms)) {
    if (path.startsWith('.')) staticImports(join(dirname(name), path), known)
    else known.add(path)
  }
  return known
}

function sourceOf(name: string): string {
  return readFileSync(join(root, 'src', name), 'utf8')
}
