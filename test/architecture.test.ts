import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const source = fileURLToPath(new URL('../src/', import.meta.url))
const tests = fileURLToPath(new URL('.', import.meta.url))

/** Importable from anywhere. */
const kernel = [
  'error-codes.ts',
  'errors.ts',
  'exit-codes.ts',
  'finding-rules.ts',
  'io-boundary.ts',
  'log.ts',
  'make-folders.ts',
  'node-version.ts',
  'quarantine-reasons.ts',
  'terminal',
  'version.ts',
]

/** The folders of `src` and what each may import beside the kernel, as in ARCHITECTURE.md. */
const mayImport: Record<string, readonly string[]> = {
  cli: [
    'config.ts',
    'pipeline',
    'extract',
    'csv',
    'exchange-rates',
    'quarantine',
    'doctor',
    'report',
    'dictionary',
    'export',
    'explain',
    'mcp',
    'open',
    'queue',
    'sandbox',
    'warehouse',
  ],
  explain: ['pipeline', 'transform', 'load', 'warehouse'],
  mcp: ['dictionary', 'explain', 'warehouse'],
  open: ['explain', 'report', 'warehouse'],
  queue: ['pipeline', 'extract', 'warehouse'],
  doctor: ['config.ts', 'config', 'pipeline', 'extract', 'load', 'report', 'warehouse'],
  pipeline: [
    'config.ts',
    'config',
    'extract',
    'csv',
    'transform',
    'load',
    'exchange-rates',
    'quarantine',
    'warehouse',
  ],
  dictionary: ['transform', 'report', 'warehouse'],
  'exchange-rates': ['load', 'warehouse'],
  export: ['load', 'warehouse'],
  quarantine: ['load', 'warehouse'],
  load: ['warehouse'],
  report: ['warehouse'],
  transform: ['warehouse'],
  csv: ['config'],
  extract: [],
  warehouse: [],
  sandbox: [],
  'config.ts': ['config'],
  config: [],
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
  config:
    'config.ts reads the settings with it, and doctor shows its table; others import config.ts',
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
  .filter((name) => /\.tsx?$/.test(name))
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
    expect(allowed, `src/${room} is not among the folders of ARCHITECTURE.md`).toBeDefined()
    const forbidden = imports
      .filter((path) => roomOf(path) !== room && !kernel.includes(roomOf(path)))
      .filter((path) => !allowed?.includes(roomOf(path)))
      .map(
        (path) =>
          `${name} may not import ${path}: ${advice[roomOf(path)] ?? 'see ARCHITECTURE.md'}`,
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

  test('files import one another without a circle', () => {
    expect(circlesAmong(new Map(files.map(({ name, imports }) => [name, imports])))).toEqual([])
  })

  test('the command line starts without the packages of a load, which each command imports', () => {
    const imported = new Map(
      files.map(({ name, text }) => {
        const paths = [...text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '([^']+)'/gm)]
        return [name, paths.map(([, path = '']) => path)]
      }),
    )
    const reached = new Set<string>()
    const packages = new Set<string>()
    const visit = (name: string) => {
      if (reached.has(name)) return
      reached.add(name)
      for (const path of imported.get(name) ?? []) {
        if (path.startsWith('.')) visit(normalize(join(dirname(name), path)))
        else if (!path.startsWith('node:')) packages.add(path)
      }
    }
    visit('cli/main.ts')
    expect(reached).toContain('cli/program/load.ts')
    expect([...packages].sort()).toEqual(['commander', 'pino', 'zod'])
    expect([...reached].filter((name) => name.startsWith('cli/commands/'))).toEqual([])
  })

  test('folders of a stage import one another without a circle', () => {
    const folders = new Map<string, Set<string>>()
    for (const { name, imports } of files) {
      const own = folders.get(dirname(name)) ?? new Set()
      for (const path of imports) {
        const other = dirname(path)
        if (other !== dirname(name) && roomOf(path) === roomOf(name) && other !== roomOf(name)) {
          own.add(other)
        }
      }
      folders.set(dirname(name), own)
    }
    for (const room of Object.keys(mayImport)) folders.delete(room)
    expect(circlesAmong(folders)).toEqual([])
  })
})

/** Every circle met on a walk from each node, as `a > b > a`. */
function circlesAmong(graph: ReadonlyMap<string, Iterable<string>>): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) {
      circles.push([...path.slice(path.indexOf(node)), node].join(' > '))
      return
    }
    if (done.has(node)) return
    for (const next of graph.get(node) ?? []) visit(next, [...path, node])
    done.add(node)
  }
  for (const node of graph.keys()) visit(node, [])
  return circles
}

describe('what a folder may do', () => {
  test('the page of a browser imports what any browser has: no node: module, no server, no database', () => {
    const page = files.filter(({ name }) => name.startsWith('open/page/'))
    expect(page.length).toBeGreaterThan(10)
    const own =
      /^(open\/page\/|open\/(answers|choice-parameters)\.ts$|explain\/explanation\.ts$|report\/page\/(format|style)\.ts$)/
    const strangers = page.flatMap(({ name, imports, packages }) =>
      [
        ...imports.filter((path) => !own.test(path)),
        ...packages.filter((path) => !/^(preact(\/hooks)?|chart\.js)$/.test(path)),
      ].map((path) => `${name} imports ${path}`),
    )
    expect(strangers).toEqual([])
  })

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

  test('only extract/http and cli/ping.ts send HTTP requests, and the page to its own server', () => {
    const http = /import (?!type)[^;]*? from '(undici|node:https?|node:http2)'|\bfetch\(/
    const senders = offenders(
      ({ room, text }) => room !== 'sandbox' && http.test(withoutComments(text)),
    )
    expect(senders).toContain('cli/ping.ts')
    const others = senders.filter(
      (name) =>
        !['cli/ping.ts', 'open/page/state/ask.ts'].includes(name) &&
        dirname(name) !== 'extract/http',
    )
    expect(others).toEqual([])
  })

  test('only make-folders.ts creates folders', () => {
    expect(offenders(({ text }) => /\bmkdir(Sync)?\(/.test(text))).toEqual(['make-folders.ts'])
  })

  test('only warehouse/connection/database.ts opens connections to PostgreSQL', () => {
    expect(offenders(({ text }) => /new pg\.(Pool|Client)\(/.test(text))).toEqual([
      'warehouse/connection/database.ts',
    ])
  })
})

describe('size', () => {
  /** Whether a file holds nothing but one table, which is read by search. */
  const isTable = (name: string) => name.endsWith('.generated.ts') || name === 'error-codes.ts'

  test('no file of src has outgrown its purpose', () => {
    expect(offenders(({ name, text }) => !isTable(name) && text.split('\n').length > 400)).toEqual(
      [],
    )
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
  const apart = ['sql', 'bi', 'browser', 'docs', 'faults', 'simulation', 'support', 'fixtures']
  const strangers = readdirSync(tests, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(tests.length))
    .filter((folder) => !apart.includes(roomOf(folder)) && !existsSync(join(source, folder)))
  expect(strangers).toEqual([])
})

test('ARCHITECTURE.md names every folder of src', () => {
  const page = readFileSync(new URL('../ARCHITECTURE.md', import.meta.url), 'utf8')
  const folders = new Set(files.filter(({ name }) => name.includes('/')).map(({ room }) => room))
  expect([...folders].filter((folder) => !page.includes(`\`src/${folder}\``))).toEqual([])
})

/** First words of a sentence without a subject. */
const noSubject =
  /^(is|are|was|were|has|have|does|do|did|and|or|so|of|that|which|whose|in|on|at|by|with|without|still|never|also|as|for|from|then|when|where|while|what|how|whether|it|they|there|keeps|takes|gives|says|tells|goes|reads|writes|counts|ends|holds|shows|stays|leaves|lets|finds|asks|waits|needs|may|must|can|cannot|nor|not|unless|until|if|because)\b/i

test('names of tests begin with a subject, so that a failed one is understood alone', () => {
  const literal =
    /(?:\btest(?:\.\w+)*\(|\]\s*(?:as const)?\s*,?\s*\)\()\s*(['"`])((?:\\.|(?!\1).)*)\1\s*,/g
  const names = readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) =>
      [...readFileSync(join(tests, name), 'utf8').matchAll(literal)].map(
        ([, , title = '']) => `${name}: ${title}`,
      ),
    )
  expect(names.length).toBeGreaterThan(900)
  expect(names.filter((name) => noSubject.test(name.slice(name.indexOf(': ') + 2)))).toEqual([])
})
