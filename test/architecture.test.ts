import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const source = fileURLToPath(new URL('../src/', import.meta.url))

/** The arrows of README: what each part may import beside itself and what is for all. */
const mayImport: Record<string, readonly string[]> = {
  cli: [
    'config',
    'run-environment',
    'demo',
    'fx',
    'docs',
    'login',
    'doctor',
    'backfill',
    'backfill-plan',
    'pipeline',
    'quarantine',
    'extract',
    'load',
    'report',
    'sandbox',
  ],
  demo: ['load', 'sandbox'],
  fx: ['run-environment', 'extract', 'load'],
  docs: ['load', 'report', 'transform', 'warehouse'],
  login: ['config', 'extract'],
  doctor: ['config', 'run-environment', 'contact', 'extract', 'load'],
  backfill: [
    'config',
    'run-environment',
    'account-turn',
    'backfill-plan',
    'contact',
    'extraction',
    'landing',
    'staging',
    'run-summary',
    'extract',
    'load',
  ],
  'backfill-plan': ['config', 'run-environment', 'contact', 'extract', 'load'],
  contact: ['config', 'run-environment', 'extract', 'load'],
  pipeline: [
    'config',
    'run-environment',
    'account-turn',
    'extraction',
    'staging',
    'run-summary',
    'extract',
    'load',
  ],
  'account-turn': ['run-environment', 'run-summary', 'extract', 'transform', 'load'],
  extraction: ['config', 'run-environment', 'contact', 'landing', 'extract', 'load'],
  staging: ['run-environment', 'run-summary', 'landing', 'transform', 'load'],
  'run-environment': ['config', 'load'],
  landing: ['transform', 'load', 'warehouse'],
  quarantine: ['load', 'report', 'warehouse'],
  'run-summary': ['load'],
  config: [],
  extract: ['referral'],
  transform: ['referral', 'warehouse'],
  load: ['figures', 'warehouse'],
  report: ['figures', 'warehouse'],
  sandbox: ['referral'],
  referral: [],
  warehouse: [],
  figures: [],
  errors: [],
  io: [],
  log: [],
  version: [],
}
const everywhere = ['errors', 'io', 'log', 'version']

interface SourceFile {
  readonly name: string
  readonly part: string
  readonly text: string
  readonly imports: readonly string[]
}

const files: readonly SourceFile[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => {
    const text = readFileSync(join(source, name), 'utf8')
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
      ([, path]) => path ?? '',
    )
    return { name, part: partOf(name), text, imports }
  })

function partOf(name: string): string {
  return (name.split('/')[0] ?? '').replace(/\.ts$/, '')
}

function offenders(isOffence: (file: SourceFile) => boolean): string[] {
  return files.filter(isOffence).map(({ name }) => name)
}

describe('imports follow the arrows', () => {
  test.each(files.map((file) => [file.name, file] as const))('%s', (name, file) => {
    const allowed = mayImport[file.part]
    expect(allowed, `${file.part} is not on the map of parts`).toBeDefined()
    const reached = file.imports
      .filter((path) => path.startsWith('.'))
      .map((path) => partOf(normalize(join(dirname(name), path))))
    const forbidden = reached.filter(
      (part) => part !== file.part && !everywhere.includes(part) && !allowed?.includes(part),
    )
    expect(forbidden).toEqual([])
  })
})

test('transform is pure: no promises, clock, randomness, environment or node: modules', () => {
  const impure = /\basync\b|\bawait\b|Date\.now|new Date\(\)|Math\.random|process\.|performance\./
  expect(
    offenders(
      ({ part, text, imports }) =>
        part === 'transform' &&
        (impure.test(withoutComments(text)) || imports.some((path) => path.startsWith('node:'))),
    ),
  ).toEqual([])
})

test('only config reads the environment', () => {
  expect(offenders(({ text }) => /process\.env/.test(withoutComments(text)))).toEqual(['config.ts'])
})

test('only cli writes to standard output or exits', () => {
  const outward = /process\.(stdout|exit|exitCode)|console\./
  expect(
    offenders(({ part, text }) => part !== 'cli' && outward.test(withoutComments(text))),
  ).toEqual([])
})

test('only extract/api and extract/ping make HTTP requests', () => {
  const http = /import (?!type)[^;]*? from '(undici|node:https?|node:http2)'|\bfetch\(/
  expect(
    offenders(({ part, text }) => part !== 'sandbox' && http.test(withoutComments(text))),
  ).toEqual(['extract/api.ts', 'extract/ping.ts'])
})

test('only load/database opens connections to PostgreSQL', () => {
  expect(offenders(({ text }) => /new pg\.(Pool|Client)\(/.test(text))).toEqual([
    'load/database.ts',
  ])
})

test('no file has outgrown its purpose', () => {
  const long = files
    .filter(({ name, text }) => name !== 'warehouse.ts' && text.split('\n').length > 400)
    .map(({ name }) => name)
  expect(long).toEqual([])
})

test('the tests are where the sources are', () => {
  const tests = fileURLToPath(new URL('.', import.meta.url))
  const known = new Set([
    'extract',
    'transform',
    'load',
    'sandbox',
    'pipeline',
    'report',
    'pages',
    'sql',
    'support',
    'bench',
    'fixtures',
    'simulation',
    'campaign',
    'docs',
  ])
  const folders = readdirSync(tests, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(
    folders.map((entry) => relative(tests, join(tests, entry.name))).filter((f) => !known.has(f)),
  ).toEqual([])
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}
