import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { committedDocs, docsFolder } from '../../scripts/generate-docs.ts'
import { describeCatalog, partsOf } from '../../src/dictionary/describe-catalog.ts'
import type { Dictionary } from '../../src/dictionary/dictionary.ts'
import { type Catalog, readCatalog } from '../../src/dictionary/read-catalog.ts'
import { pathFinder } from '../../src/dictionary/source-paths.ts'
import { type DocFiles, pageName, renderDocs } from '../../src/dictionary/write-docs.ts'
import { propertyPaths } from '../../src/transform/parse/property-paths.ts'
import { withDatabase } from '../support/database.ts'

let catalog: Catalog
let dictionary: Dictionary
let committed: DocFiles
let page: string

beforeAll(() =>
  withDatabase(async (db) => {
    catalog = await readCatalog(db)
    dictionary = describeCatalog(catalog)
    committed = await committedDocs(db)
    page = (await renderDocs(db, { server: 'localhost:5432', database: 'cosell' }))[pageName] ?? ''
  }),
)

const known = propertyPaths()

function columnsOf(schemas: readonly string[]) {
  return dictionary.schemas
    .filter(({ name }) => schemas.includes(name))
    .flatMap(({ tables }) => tables)
    .flatMap((table) => table.columns.map((column) => ({ table, column })))
}

function lineageOf(name: string) {
  const found = columnsOf(['mart', 'dw', 'pii']).find(
    ({ table, column }) => `${table.name}.${column.name}` === name,
  )
  return found?.column.lineage
}

test('the committed dictionary equals the one rendered from the database', async () => {
  for (const [name, text] of Object.entries(committed)) {
    const file = path.join(docsFolder, name)
    const stored = await readFile(file, 'utf8').catch(() => 'missing')
    expect(stored === text, `docs/${name} is stale: run npm run docs`).toBe(true)
  }
})

test('every schema, table, view and column has a comment', () => {
  const silent = [
    ...dictionary.schemas.filter(({ meaning }) => meaning === '').map(({ name }) => name),
    ...dictionary.schemas.flatMap(({ tables }) =>
      tables.filter(({ grain }) => grain === '').map(({ name }) => name),
    ),
    ...columnsOf(['mart', 'dw', 'etl', 'raw', 'pii'])
      .filter(({ column }) => column.meaning === '')
      .map(({ table, column }) => `${table.name}.${column.name}`),
  ]
  expect(silent).toEqual([])
})

test('every comment of a mart has its grain and a question', () => {
  const marts = dictionary.schemas.find(({ name }) => name === 'mart')?.tables ?? []
  expect(marts.length).toBeGreaterThan(15)
  const without = marts.filter(
    ({ grain, questions }) => !grain.startsWith('One row per ') || questions.length === 0,
  )
  expect(without.map(({ name }) => name)).toEqual([])
})

describe('lineage', () => {
  test('every property of the API that is read is named by a column', () => {
    const named = new Set(
      columnsOf(['dw', 'pii']).flatMap(({ column }) => column.lineage.paths as string[]),
    )
    // Parts name a list or object, and the people name these two.
    const isPart = (path: string) => known.some((other) => other.startsWith(`${path}.`))
    const missing = known.filter((path) => !named.has(path) && !isPart(path))
    expect(missing).toEqual([])
  })

  test('no comment names an unknown property of the API', () => {
    const find = pathFinder(known)
    const wrong = catalog.relations.flatMap((relation) =>
      relation.columns.flatMap(({ name, comment }) =>
        find(comment).unknown.map((text) => `${relation.name}.${name}: ${text}`),
      ),
    )
    expect(wrong).toEqual([])
  })

  test.each([
    ['dw.fact_referral.deal_value_amount', 'sent', ['details.dealValue'], 'a property'],
    ['dw.dim_referral.referral_id', 'sent', ['id'], 'a property of one plain word'],
    ['dw.fact_referral.created_date', 'computed', ['createdDateTime'], 'a day of an instant'],
    [
      'dw.fact_registration.contract_acv_amount',
      'computed',
      ['registrations[].contract.value'],
      'an amount of another, but not of the currency it is in',
    ],
    [
      'dw.fact_registration_solution.contract_sign_date',
      'computed',
      ['registrations[].contract.signDateTime'],
      'what another table has',
    ],
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
      'pii.contact.email',
      'sent',
      ['customerProfile.team[].email', 'team[].email'],
      'one column of two properties',
    ],
  ])('the lineage of %s is %s from %j: %s', (name, kind, paths) => {
    expect(lineageOf(name)).toEqual({ kind, paths })
  })

  test('pathFinder reports a text that only looks like a property as unknown', () => {
    const find = pathFinder(known)
    expect(find('details.dealVlaue, as sent.')).toEqual({
      paths: [],
      unknown: ['details.dealVlaue'],
    })
    expect(find('The name of it; dw.dim_date. See contract.value, i.e. the sum.')).toEqual({
      paths: ['registrations[].contract.value'],
      unknown: ['i.e'],
    })
  })
})

test('partsOf splits a comment into grain, question and notes', () => {
  expect(
    partsOf('One row per deal: what it is. Answers: what is due? Filter a day. Mind No. 5.'),
  ).toEqual({
    grain: 'One row per deal: what it is.',
    questions: ['What is due?'],
    notes: 'Filter a day. Mind No. 5.',
  })
})

describe('relationships', () => {
  const way = (from: string, column: string) =>
    dictionary.relationships.find((one) => one.from === from && one.fromColumn === column)

  test('relationships follow foreign keys, equal names, days and currencies', () => {
    expect(way('dw.fact_referral', 'referral_key')).toEqual({
      from: 'dw.fact_referral',
      fromColumn: 'referral_key',
      to: 'dw.dim_referral',
      toColumn: 'referral_key',
      isEnforced: true,
      isOneToOne: true,
      isActive: true,
    })
    expect(way('dw.fact_acv_schedule', 'solution_key')).toMatchObject({
      to: 'dw.dim_solution',
      isEnforced: false,
      isOneToOne: false,
    })
    expect(way('dw.fact_referral', 'closed_date')).toMatchObject({
      to: 'dw.dim_date',
      toColumn: 'date_day',
      isActive: false,
    })
    expect(way('dw.fact_referral_history', 'previous_status_key')).toMatchObject({
      to: 'dw.dim_status',
      toColumn: 'status_key',
      isActive: false,
    })
    expect(way('dw.fact_registration_solution', 'contract_currency_code')).toMatchObject({
      to: 'dw.dim_currency',
      isActive: false,
    })
  })

  test('one relationship between two tables is active', () => {
    const active = dictionary.relationships.filter(({ isActive }) => isActive)
    const pairs = active.map(({ from, to }) => `${from} ${to}`)
    expect(pairs.length).toBe(new Set(pairs).size)
    const all = dictionary.relationships.map(({ from, to }) => `${from} ${to}`)
    expect(new Set(pairs)).toEqual(new Set(all))
  })

  test('every foreign key of a fact or bridge is a relationship', () => {
    const keys = catalog.relations
      .filter(({ schema, name }) => schema === 'dw' && !name.startsWith('dw.dim_'))
      .flatMap(({ name, foreignKeys }) => foreignKeys.map(({ columns }) => `${name} ${columns[0]}`))
    const enforced = dictionary.relationships
      .filter(({ isEnforced }) => isEnforced)
      .map(({ from, fromColumn }) => `${from} ${fromColumn}`)
    expect(keys.length).toBeGreaterThan(15)
    expect(enforced.toSorted()).toEqual(keys.toSorted())
  })
})

describe('the HTML dictionary', () => {
  test('the HTML dictionary is self-contained and runs no script', () => {
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:/)
  })

  test('the HTML dictionary has every table and column, and its links have targets', () => {
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
    const targets = [...page.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id)
    expect(targets.length).toBeGreaterThan(100)
    expect(targets.filter((id) => !ids.has(id))).toEqual([])
    for (const { tables } of dictionary.schemas) {
      for (const { name } of tables) expect(ids).toContain(name)
    }
    const rows = page.match(/<td class="source">/g) ?? []
    expect(rows.length).toBe(columnsOf(['mart', 'dw', 'etl', 'raw', 'pii']).length)
  })

  test('the HTML dictionary draws a line for each related fact and dimension, except the account', () => {
    const pairs = new Set(
      dictionary.relationships
        .filter(({ from, to }) => to !== 'dw.dim_partner_account' && from !== 'dw.fx_rate')
        .map(({ from, to }) => `${from} ${to}`),
    )
    expect((page.match(/class="way /g) ?? []).length).toBe(pairs.size)
  })
})
