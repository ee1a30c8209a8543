import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { beforeAll, describe, expect, test } from 'vitest'
import { docsFolder } from '../../scripts/generate-docs.ts'
import { measures } from '../../src/dictionary/measures/measures.ts'
import { type Catalog, readCatalog } from '../../src/dictionary/read-catalog.ts'
import { connectionOf } from '../../src/dictionary/write-docs.ts'
import { parseAddress } from '../../src/warehouse/connection/address.ts'
import { withDatabase } from '../support/database.ts'

const clients = ['bi/files.md', 'bi/pandas-and-polars.md', 'bi/duckdb.md', 'bi/spark.md']
const tools = [
  'bi/README.md',
  'bi/power-bi.md',
  'bi/tableau.md',
  'bi/metabase.md',
  'bi/superset.md',
  'bi/excel.md',
]
const texts = new Map(
  await Promise.all(
    [...tools, ...clients].map(
      async (name) => [name, await readFile(path.join(docsFolder, name), 'utf8')] as const,
    ),
  ),
)

let catalog: Catalog
beforeAll(() =>
  withDatabase(async (db) => {
    catalog = await readCatalog(db)
  }),
)

function textOf(page: string): string {
  const text = texts.get(page)
  if (text === undefined) throw new Error(`docs/${page} is missing`)
  return text
}

/** Blocks of one language. */
function blocks(page: string, language: string): string[] {
  return [...textOf(page).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, of]) => of === language)
    .map(([, , text]) => text ?? '')
}

/** Names of tables, and of columns as `table.column`, with and without schema. */
function namesKnown(): Set<string> {
  return new Set([
    ...Object.keys(catalog.schemas),
    ...catalog.relations.flatMap(({ name, columns }) => {
      const bare = name.slice(name.indexOf('.') + 1)
      const both = [name, bare]
      return [...both, ...both.flatMap((of) => columns.map((column) => `${of}.${column.name}`))]
    }),
  ])
}

function columnsKnown(): Set<string> {
  return new Set(catalog.relations.flatMap(({ columns }) => columns.map(({ name }) => name)))
}

/** Tables and columns that a page names in full, without names of files. */
function namedIn(page: string): string[] {
  return [...textOf(page).matchAll(/\b(?:dw|mart|etl|raw|pii)\.\w+(?:\.\w+)*/g)]
    .map(([name]) => name.replace(/\.(?:parquet|csv)$/, ''))
    .filter((name) => !name.endsWith('.odcs.yaml'))
}

describe.each(clients)('docs/%s', (page) => {
  test(`docs/${page} names existing tables and columns`, () => {
    const known = namesKnown()
    const columns = columnsKnown()
    const named = namedIn(page)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((name) => !known.has(name))).toEqual([])
    // Other words with an underscore are options of the client.
    const ours = [
      ...textOf(page).matchAll(/\b[a-z]+(?:_[a-z]+)*_(?:key|amount|date|code|label)\b/g),
    ]
    expect(ours.map(([name]) => name).filter((name) => !columns.has(name))).toEqual([])
  })
})

describe.each(tools)('docs/%s', (page) => {
  test(`docs/${page} names existing tables`, () => {
    const known = namesKnown()
    const named = namedIn(page)
    expect(named.length).toBeGreaterThan(0)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  test(`docs/${page} names existing columns`, () => {
    const columns = columnsKnown()
    const tables = namesKnown()
    // Words in backquotes that are not columns: settings, commands, functions, names of this page.
    const other =
      /^(?:…|COSELL_|cosell|npm|superset|sqlalchemy_uri$|dictionary\/|dbt\/|findings\/|host:port|dw, mart$|= |FY26 |[A-Z])/
    const variables = ['report_day', 'timestamptz']
    const coded = [
      ...textOf(page)
        .replace(/^```[\s\S]*?^```$/gm, '')
        .matchAll(/`([^`]+)`/g),
    ]
      .map(([, text]) => text ?? '')
      .filter((text) => !other.test(text) && !variables.includes(text))
    expect(coded.filter((name) => !columns.has(name) && !tables.has(name))).toEqual([])
  })

  test(`docs/${page} holds statements that PostgreSQL accepts`, () =>
    withDatabase(async (db) => {
      const statements = blocks(page, 'sql').filter((text) => !text.startsWith('create role '))
      for (const statement of statements) {
        const plain = statement.replaceAll('{{report_day}}', "date '2026-06-30'")
        await sql`explain ${sql.raw(plain)}`.execute(db)
      }
    }))
})

test('the pages on BI tools hold as many blocks of each language as expected', () => {
  const counts = tools.map((page) =>
    ['sql', 'dax', 'tableau', 'powerquery'].map((language) => blocks(page, language).length),
  )
  expect(counts).toEqual([
    [1, 0, 0, 0],
    [1, 2, 0, 0],
    [1, 0, 7, 0],
    [8, 0, 0, 0],
    [0, 0, 0, 0],
    [0, 0, 0, 3],
  ])
})

test('the statement of docs/bi/README.md makes a login that reads as a BI tool', () =>
  withDatabase(async (db) => {
    const statement = blocks('bi/README.md', 'sql')[0] ?? ''
    const role = `reader_${process.pid}`
    const rolledBack = db.transaction().execute(async (trx) => {
      await sql`do $$ begin create role cosell_bi; exception when duplicate_object then null; end $$`.execute(
        trx,
      )
      await sql.raw(statement.replace('report_reader', role)).execute(trx)
      const { rows } = await sql`
        select pg_has_role(${role}, 'cosell_bi', 'member') as member`.execute(trx)
      expect(rows).toEqual([{ member: true }])
      throw new Error('rolled back')
    })
    await expect(rolledBack).rejects.toThrow('rolled back')
  }))

test('measures of Power BI name existing tables, columns and measures', () => {
  const known = namesKnown()
  const text = blocks('bi/power-bi.md', 'dax').join('\n')
  const columns = [...text.matchAll(/\b([a-z_]+)\[(\w+)\]/g)].map(
    ([, table, column]) => `${table}.${column}`,
  )
  expect(columns.length).toBeGreaterThan(4)
  expect(columns.filter((name) => !known.has(name))).toEqual([])
  const defined: readonly string[] = measures.map(({ name }) => name)
  const used = [...text.matchAll(/(?<![\w\]])\[([^\]]+)\]/g)].map(([, name]) => name ?? '')
  expect(used.filter((name) => !defined.includes(name))).toEqual([])
  const named = [...textOf('bi/power-bi.md').matchAll(/(?<!\*)\*([A-Z][^*]+)\*(?!\*)/g)]
    .map(([, name]) => name ?? '')
    .filter((name) => /pipeline|value|ACV|Referrals/.test(name) && !/folder/.test(name))
  expect(named.length).toBeGreaterThan(4)
  expect(named.filter((name) => !defined.includes(name) && !name.startsWith('Values of'))).toEqual(
    [],
  )
  for (const [open, close] of ['()', '[]'].map((pair) => pair.split(''))) {
    expect(text.split(open ?? '').length, `${open} and ${close}`).toBe(
      text.split(close ?? '').length,
    )
  }
})

test('fields of Tableau are columns of the marts', () => {
  const columns = columnsKnown()
  const text = blocks('bi/tableau.md', 'tableau')
    .join('\n')
    .replaceAll('[Parameters].[Report day]', '')
  const fields = [...text.matchAll(/\[([^\]]+)\]/g)].map(([, name]) => name ?? '')
  expect(fields.length).toBeGreaterThan(10)
  expect(fields.filter((name) => !columns.has(name))).toEqual([])
})

test('steps of Power Query name existing views and columns', () => {
  const known = namesKnown()
  for (const text of blocks('bi/excel.md', 'powerquery')) {
    const [, schema, item] = /\[Schema = "(\w+)", Item = "(\w+)"\]/.exec(text) ?? []
    expect(known).toContain(`${schema}.${item}`)
    const inBrackets = [...text.matchAll(/\[([a-z_]+)\]/g)].map(([, name]) => name)
    const quoted = [...text.matchAll(/"([a-z]+_[a-z_]+)"/g)].map(([, name]) => name)
    const columns = [...inBrackets, ...quoted].filter((name) => name !== item)
    expect(columns.length).toBeGreaterThan(1)
    expect(columns.filter((name) => !known.has(`${item}.${name}`))).toEqual([])
  }
})

test('docs/cosell.pbids is a connection file of Power BI for PostgreSQL', async () => {
  const file: unknown = JSON.parse(await readFile(path.join(docsFolder, 'cosell.pbids'), 'utf8'))
  expect(file).toEqual({
    version: '0.1',
    connections: [
      {
        details: {
          protocol: 'postgresql',
          address: { server: 'warehouse.example.com:5432', database: 'cosell' },
          authentication: null,
          query: null,
        },
        options: {},
        mode: 'Import',
      },
    ],
  })
})

test.each([
  [
    'postgres://anna:word@db.example.com:6543/sales?sslmode=require',
    'db.example.com:6543',
    'sales',
  ],
  ['postgresql://db.example.com/co%20sell', 'db.example.com:5432', 'co sell'],
])(
  'the connection file for %s holds server and database, and no login',
  (url, server, database) => {
    expect(connectionOf(parseAddress(url))).toEqual({ server, database })
  },
)
