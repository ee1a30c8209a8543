import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { layouts } from '../../src/csv/layout/layouts.ts'
import { describeCatalog } from '../../src/dictionary/describe-catalog.ts'
import type { ColumnEntry } from '../../src/dictionary/dictionary.ts'
import { joinComment, splitComment } from '../../src/dictionary/lineage.ts'
import { type Catalog, readCatalog } from '../../src/dictionary/read-catalog.ts'
import { propertyPaths } from '../../src/transform/parse/property-paths.ts'
import { migrate } from '../../src/warehouse/migrate/migrate.ts'
import { martsFolder } from '../../src/warehouse/sql-folder.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { migrateUpTo } from '../support/migrate-up-to.ts'

let catalog: Catalog
let columns: { name: string; schema: string; comment: string; entry: ColumnEntry }[]

beforeAll(() =>
  withDatabase(async (db) => {
    catalog = await readCatalog(db)
    const tables = describeCatalog(catalog).schemas.flatMap((schema) => schema.tables)
    columns = tables.flatMap((table) =>
      table.columns.map((entry) => ({
        name: `${table.name}.${entry.name}`,
        schema: table.name.split('.')[0] ?? '',
        comment: commentOf(table.name, entry.name),
        entry,
      })),
    )
  }),
)

function commentOf(relation: string, column: string): string {
  const found = catalog.relations.find(({ name }) => name === relation)
  return found?.columns.find(({ name }) => name === column)?.comment ?? ''
}

/** Columns that break a rule, with the comment that does. */
const breaking = (isBroken: (column: (typeof columns)[number]) => boolean) =>
  columns.filter(isBroken).map(({ name, comment }) => `${name}: ${comment}`)

const properties = propertyPaths()
const fileColumns = layouts.flatMap((layout) => layout.columns.map(({ name }) => `"${name}"`))

test('every schema, table, view and column has a comment', () => {
  const silent = [
    ...Object.entries(catalog.schemas).filter(([, meaning]) => meaning === ''),
    ...catalog.relations.filter(({ comment }) => comment === '').map(({ name }) => name),
    ...breaking(({ comment }) => comment === ''),
  ]
  expect(columns.length).toBeGreaterThan(1000)
  expect(silent).toEqual([])
})

test('every comment of a mart has its grain and a question', () => {
  const { schemas } = describeCatalog(catalog)
  const marts = schemas.find(({ name }) => name === 'mart')?.tables ?? []
  expect(marts.length).toBeGreaterThan(15)
  const without = marts.filter(
    ({ grain, questions }) => !grain.startsWith('One row per ') || questions.length === 0,
  )
  expect(without.map(({ name }) => name)).toEqual([])
})

describe('the meaning of a column', () => {
  test('the meaning of every column begins as a sentence does, and ends with a full stop', () => {
    const isSentence = ({ entry }: (typeof columns)[number]) =>
      /^[A-Z0-9](?:.*\S)?\.$/.test(entry.meaning)
    expect(breaking((column) => !isSentence(column))).toEqual([])
  })

  test('the meaning of no column has a property of the API', () => {
    const isProperty = ({ entry }: (typeof columns)[number]) =>
      /\b[a-z]+[A-Z]\w*|\[\]/.test(entry.meaning)
    expect(breaking(isProperty)).toEqual([])
  })

  test.each([
    ['Day of createdDateTime, by UTC.', ['createdDateTime']],
    ['What target[] says.', ['[]']],
    ['How the customer pays, such as PayAsYouGo.', null],
  ])('a property in %j is %j', (text, found) => {
    expect(text.match(/\b[a-z]+[A-Z]\w*|\[\]/)?.slice() ?? null).toEqual(found)
  })

  test('no comment of a mart names a column that the mart lacks, or a relation that there is not', () => {
    const marts = catalog.relations.filter(({ schema }) => schema === 'mart')
    const comments = marts.flatMap(({ name, comment, columns: own }) => [
      { name, comment },
      ...own.map((column) => ({ name: `${name}.${column.name}`, comment: column.comment })),
    ])
    expect(
      comments.flatMap(({ name, comment }) =>
        strangers(name, splitComment(comment).meaning).map((text) => `${name}: ${text}`),
      ),
    ).toEqual([])
  })

  test('a column of another mart and a relation that is gone are strangers in a comment', () => {
    const text = 'UTC day of created_at and closed_date; dw.dim_referral, mart.gone, win_rate.'
    expect(strangers('mart.deal', text)).toEqual(['created_at', 'mart.gone'])
  })
})

/** Names in a comment of a mart that are columns elsewhere alone, or relations of nowhere. */
function strangers(mart: string, meaning: string): string[] {
  const all = new Set(
    catalog.relations.flatMap((relation) => relation.columns.map(({ name }) => name)),
  )
  const relations = new Set(catalog.relations.map(({ name }) => name))
  const name = mart.split('.', 2).join('.')
  const own = catalog.relations.find((relation) => relation.name === name)?.columns ?? []
  const names = meaning.match(/(?<![\w.])[a-z]\w*(?:\.[a-z]\w*)*/g) ?? []
  return names.filter((text) =>
    /^(?:mart|dw|etl|raw|pii)\./.test(text)
      ? !relations.has(text)
      : text.includes('_') && all.has(text) && !own.some((column) => column.name === text),
  )
}

describe('the source of a column', () => {
  test('every source is a property that is read or a column of a downloaded file', () => {
    const known = new Set([...properties, ...fileColumns])
    const unknown = columns.flatMap(({ name, entry }) =>
      entry.lineage.paths.filter((path) => !known.has(path)).map((path) => `${name} from ${path}`),
    )
    expect(unknown).toEqual([])
  })

  test('every property of the API that is read is the source of a column', () => {
    const named = new Set(
      columns
        .filter(({ schema }) => schema === 'dw' || schema === 'pii')
        .flatMap(({ entry }) => entry.lineage.paths),
    )
    const isPart = (path: string) => properties.some((other) => other.startsWith(`${path}.`))
    expect(properties.filter((path) => !named.has(path) && !isPart(path))).toEqual([])
  })

  test.each([
    ['dw.fact_referral.deal_value_amount', 'sent', ['details.dealValue'], 'a property'],
    ['dw.dim_referral.referral_id', 'sent', ['id'], 'a property of one plain word'],
    ['dw.fact_referral.created_date', 'computed', ['createdDateTime'], 'a day of an instant'],
    ['mart.referral.deal_value_amount', 'sent', ['details.dealValue'], 'a view shows a column'],
    [
      'mart.referral.deal_value_reporting_amount',
      'computed',
      ['details.dealValue'],
      'a view converts it',
    ],
    ['dw.fact_referral.row_hash', 'ours', [], 'of no property'],
    ['dw.dim_date.fiscal_year', 'ours', [], 'of no property either'],
    [
      'dw.fact_microsoft_acv.contract_value_usd_amount',
      'sent',
      ['"Contract Value (USD)"'],
      'a column of a file',
    ],
    [
      'pii.contact.email',
      'sent',
      ['customerProfile.team[].email', 'team[].email'],
      'one column of two properties',
    ],
  ])('the lineage of %s is %s from %j: %s', (name, kind, paths) => {
    const found = columns.find((column) => column.name === name)
    expect(found?.entry.lineage).toEqual({ kind, paths })
  })

  test('a comment that is split and joined again is the same', () => {
    expect(columns.map(({ entry }) => joinComment(entry))).toEqual(
      columns.map(({ comment }) => comment),
    )
  })
})

test('splitComment tells copies, computed columns and our own apart', () => {
  expect(splitComment('Value of the deal. Source: details.dealValue')).toEqual({
    meaning: 'Value of the deal.',
    lineage: { kind: 'sent', paths: ['details.dealValue'] },
  })
  expect(splitComment('Days until then. Source: computed from a, "Deal ID"')).toEqual({
    meaning: 'Days until then.',
    lineage: { kind: 'computed', paths: ['a', '"Deal ID"'] },
  })
  expect(splitComment('Hash of the row.')).toEqual({
    meaning: 'Hash of the row.',
    lineage: { kind: 'ours', paths: [] },
  })
})

test('an upgrade gives views whose files are the same the new comments of the tables they read', () =>
  withEmptyDatabase(async (db) => {
    const commentsOf = async () =>
      (await readCatalog(db)).relations.flatMap(({ name, columns: all }) =>
        all.map((column) => [`${name}.${column.name}`, column.comment] as const),
      )
    // Of the views that this version had, those that read no table of a later migration. Others read
    // documented values, which were elsewhere.
    const folder = await mkdtemp(path.join(tmpdir(), 'cosell-marts-'))
    await cp(martsFolder, folder, {
      recursive: true,
      filter: (file) => !/(referral_change|data_quality|load_status)\.sql$/.test(file),
    })
    const values = path.join(folder, 'documented_value.sql')
    const text = await readFile(values, 'utf8')
    await writeFile(
      values,
      text.replace('from dw.documented_enum_value value', 'from etl.enum_value value'),
    )
    try {
      await migrateUpTo(db, '0033', folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    const before = new Map(await commentsOf())
    expect(before.get('mart.referral.mpn_id')).toMatch(/^mpnId: /)
    await migrate(db)
    expect(await commentsOf()).toEqual(columns.map(({ name, comment }) => [name, comment]))
  }))
