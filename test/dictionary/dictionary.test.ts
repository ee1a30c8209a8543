import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { committedDocs, docsFolder } from '../../scripts/generate-docs.ts'
import { describeCatalog, partsOf } from '../../src/dictionary/describe-catalog.ts'
import type { Dictionary } from '../../src/dictionary/dictionary.ts'
import { type Catalog, readCatalog } from '../../src/dictionary/read-catalog.ts'
import { type DocFiles, pageName, renderDocs } from '../../src/dictionary/write-docs.ts'
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

function columnsOf(schemas: readonly string[]) {
  return dictionary.schemas
    .filter(({ name }) => schemas.includes(name))
    .flatMap(({ tables }) => tables)
    .flatMap((table) => table.columns.map((column) => ({ table, column })))
}

test('the committed dictionary equals the one rendered from the database', async () => {
  for (const [name, text] of Object.entries(committed)) {
    const file = path.join(docsFolder, name)
    const stored = await readFile(file, 'utf8').catch(() => 'missing')
    expect(stored === text, `docs/${name} is stale: run npm run docs`).toBe(true)
  }
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

test('functions are described with their question, arguments and columns, on both kinds of page', () => {
  const functions = dictionary.schemas.flatMap((schema) => schema.functions)
  const [deals, groups] = functions
  expect(functions.map(({ name }) => name)).toEqual([
    'mart.deal_movement_between',
    'mart.pipeline_movement_between',
  ])
  expect(deals?.grain).toMatch(/^One row per deal that is in the open pipeline/)
  expect(deals?.questions).toEqual(['Which deals are behind a figure of mart.pipeline_movement?'])
  expect(groups?.questions).toEqual(['What moved the pipeline since Monday?'])
  for (const one of functions) {
    expect(one.arguments).toEqual([
      { name: 'from_day', type: 'date' },
      { name: 'to_day', type: 'date' },
    ])
    expect(committed['dictionary/marts.md']).toContain(`\n### ${one.name}\n`)
    expect(page).toContain(`<dl class="about" id="${one.name}">`)
  }
  expect(deals?.columns.slice(0, 4)).toEqual([
    { name: 'partner_account_key', type: 'integer' },
    { name: 'engagement_key', type: 'bigint' },
    { name: 'movement', type: 'text' },
    { name: 'has_moved', type: 'boolean' },
  ])
  expect(committed['dictionary/marts.md']).toContain('| `closing_expected_close_date` | date |')
  expect(committed['dictionary/marts.md']).toContain(
    '**Arguments:** `from_day` date, `to_day` date',
  )
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
      isDeclared: true,
      isEnforced: false,
      isOneToOne: true,
      isActive: true,
    })
    expect(way('dw.fact_referral', 'customer_key')).toMatchObject({
      isDeclared: true,
      isEnforced: true,
    })
    expect(way('dw.fact_acv_schedule', 'solution_key')).toMatchObject({
      to: 'dw.dim_solution',
      isDeclared: true,
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
    const declared = dictionary.relationships
      .filter(({ isDeclared }) => isDeclared)
      .map(({ from, fromColumn }) => `${from} ${fromColumn}`)
    expect(keys.length).toBeGreaterThan(15)
    expect(declared.toSorted()).toEqual(keys.toSorted())
  })
})

describe('the HTML dictionary', () => {
  test('the HTML dictionary is self-contained, and runs the script alone whose hash its policy names', () => {
    expect(page).toMatch(/^<!doctype html>/)
    expect(page).not.toMatch(/<script[^>]|<link|<img|@import|url\(|https?:| on[a-z]+="/)
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
      ([, text]) => text ?? '',
    )
    expect(scripts).toHaveLength(1)
    const hash = createHash('sha256').update(scripts.join()).digest('base64')
    expect(page).toContain(
      `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`,
    )
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
