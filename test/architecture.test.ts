import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const source = fileURLToPath(new URL('../src/', import.meta.url))
const tests = fileURLToPath(new URL('.', import.meta.url))

/** Importable from anywhere. */
const kernel = ['errors.ts', 'io-boundary.ts', 'log.ts', 'version.ts']

/** The folders of `src` and what each may import beside the kernel, as in docs/architecture.md. */
const mayImport: Record<string, readonly string[]> = {
  cli: [
    'config.ts',
    'pipeline',
    'extract',
    'exchange-rates',
    'quarantine',
    'doctor',
    'report',
    'dictionary',
    'sandbox',
    'warehouse',
  ],
  doctor: ['config.ts', 'pipeline', 'extract', 'load', 'report', 'warehouse'],
  pipeline: [
    'config.ts',
    'extract',
    'transform',
    'load',
    'exchange-rates',
    'quarantine',
    'warehouse',
  ],
  dictionary: ['transform', 'report', 'warehouse'],
  'exchange-rates': ['pipeline', 'load', 'warehouse'],
  quarantine: ['load', 'warehouse'],
  load: ['warehouse'],
  report: ['warehouse'],
  transform: ['warehouse'],
  extract: ['config.ts'],
  warehouse: [],
  sandbox: [],
  'config.ts': [],
}

/** Where a forbidden import belongs instead. */
const advice: Record<string, string> = {
  cli: 'nothing imports the command line: move the shared part into the folder of its subject',
  extract: 'only pipeline and doctor know the API: pass what was read, not the reader',
  transform: 'only pipeline transforms: pass rows, not the code that builds them',
  load: 'only pipeline writes: for connections, migrations and rights import warehouse',
  pipeline:
    'the pipeline composes the stages; what they share belongs to the kernel or to warehouse',
  warehouse: 'transform may import the types of warehouse/tables.generated.ts and nothing else',
  report: 'only its command draws the report; dictionary may import report/html.ts',
  sandbox: 'the sandbox shares nothing with what it tests; only its commands start it',
  'config.ts': 'settings are read by cli, pipeline and doctor, and passed down as values',
}

/** Files that a folder may hold before it has to be divided. */
const filesMax = 15

interface SourceFile {
  readonly name: string
  readonly room: string
  readonly text: string
  /** The files of `src` that it imports. */
  readonly imports: readonly string[]
  readonly packages: readonly string[]
}

const files: readonly SourceFile[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => {
    const text = readFileSync(join(source, name), 'utf8')
    const paths = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
      ([, path = '']) => path,
    )
    return {
      name,
      room: roomOf(name),
      text,
      imports: paths
        .filter((path) => path.startsWith('.'))
        .map((path) => normalize(join(dirname(name), path))),
      packages: paths.filter((path) => !path.startsWith('.')),
    }
  })

function roomOf(name: string): string {
  return name.split('/')[0] ?? ''
}

function offenders(isOffence: (file: SourceFile) => boolean): string[] {
  return files.filter(isOffence).map(({ name }) => name)
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

describe('imports', () => {
  test.each(
    files.filter(({ room }) => room !== 'cli.ts').map((file) => [file.name, file] as const),
  )('%s imports only what its folder may', (name, { room, imports }) => {
    const allowed = kernel.includes(room) ? [] : mayImport[room]
    expect(allowed, `src/${room} is not among the folders of docs/architecture.md`).toBeDefined()
    const forbidden = imports
      .filter((path) => roomOf(path) !== room && !kernel.includes(path))
      .filter((path) => !allowed?.includes(roomOf(path)))
      .map(
        (path) =>
          `${name} may not import ${path}: ${advice[roomOf(path)] ?? 'see docs/architecture.md'}`,
      )
    expect(forbidden).toEqual([])
  })

  test.each(
    Object.entries(mayImport).flatMap(([room, others]) => others.map((other) => [room, other])),
  )('%s still uses its right to import %s', (room, other) => {
    const uses = files.some(
      (file) => file.room === room && file.imports.some((path) => roomOf(path) === other),
    )
    expect(uses, `take ${other} out of the list of ${room}`).toBe(true)
  })

  test('transform imports types of the generated tables alone from warehouse', () => {
    const others = files
      .filter(({ room }) => room === 'transform')
      .flatMap(({ name, text }) =>
        [...text.matchAll(/import (type )?[^;]*? from '[./]+\/warehouse\/([^']+)'/g)]
          .filter(([, type, path]) => type === undefined || path !== 'tables.generated.ts')
          .map(([, , path]) => `${name} imports ${path}`),
      )
    expect(others).toEqual([])
  })

  test('the dictionary imports report/html.ts alone from report', () => {
    const others = files
      .filter(({ room }) => room === 'dictionary')
      .flatMap(({ name, imports }) =>
        imports
          .filter((path) => roomOf(path) === 'report' && path !== 'report/html.ts')
          .map((path) => `${name} imports ${path}`),
      )
    expect(others).toEqual([])
  })
})

describe('what a folder may do', () => {
  test('transform has no promise, clock, randomness, environment or node: module', () => {
    const impure = /\basync\b|\bawait\b|Date\.now|new Date\(\)|Math\.random|process\.|performance\./
    expect(
      offenders(
        ({ room, text, packages }) =>
          room === 'transform' &&
          (impure.test(withoutComments(text)) || packages.some((path) => path.startsWith('node:'))),
      ),
    ).toEqual([])
  })

  test('only config.ts reads the environment', () => {
    expect(offenders(({ text }) => /process\.env/.test(withoutComments(text)))).toEqual([
      'config.ts',
    ])
  })

  test('only cli writes to standard output or exits', () => {
    const outward = /process\.(stdout|exit|exitCode)|console\./
    expect(
      offenders(
        ({ room, text }) =>
          !['cli', 'cli.ts'].includes(room) && outward.test(withoutComments(text)),
      ),
    ).toEqual([])
  })

  test('only extract/http and cli/ping.ts send HTTP requests', () => {
    const http = /import (?!type)[^;]*? from '(undici|node:https?|node:http2)'|\bfetch\(/
    expect(
      offenders(({ room, text }) => room !== 'sandbox' && http.test(withoutComments(text))).sort(),
    ).toEqual(['cli/ping.ts', 'extract/api/referrals-api.ts'])
  })

  test('only warehouse/connection/database.ts opens connections to PostgreSQL', () => {
    expect(offenders(({ text }) => /new pg\.(Pool|Client)\(/.test(text))).toEqual([
      'warehouse/connection/database.ts',
    ])
  })
})

describe('size', () => {
  test('no file of src has outgrown its purpose', () => {
    expect(
      offenders(
        ({ name, text }) => !name.endsWith('.generated.ts') && text.split('\n').length > 400,
      ),
    ).toEqual([])
  })

  test(`no folder of src holds more than ${filesMax} files`, () => {
    const counts = new Map<string, number>()
    for (const { name } of files) {
      counts.set(dirname(name), (counts.get(dirname(name)) ?? 0) + 1)
    }
    expect([...counts].filter(([, held]) => held > filesMax)).toEqual([])
  })
})

test('every folder of test mirrors a folder of src, or is one of those named here', () => {
  const apart = ['sql', 'browser', 'docs', 'faults', 'simulation', 'support', 'fixtures']
  const strangers = readdirSync(tests, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(tests.length))
    .filter((folder) => !apart.includes(roomOf(folder)) && !existsSync(join(source, folder)))
  expect(strangers).toEqual([])
})
