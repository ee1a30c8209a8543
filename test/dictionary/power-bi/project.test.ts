import { beforeAll, describe, expect, test } from 'vitest'
import { describeCatalog } from '../../../src/dictionary/describe-catalog.ts'
import type { Dictionary } from '../../../src/dictionary/dictionary.ts'
import { measures } from '../../../src/dictionary/measures/measures.ts'
import { type Model, measureTable, powerBiModel } from '../../../src/dictionary/power-bi/model.ts'
import { powerBiProject } from '../../../src/dictionary/power-bi/project.ts'
import { reportPages, slicers } from '../../../src/dictionary/power-bi/report-pages.ts'
import { readCatalog } from '../../../src/dictionary/read-catalog.ts'
import { withDatabase } from '../../support/database.ts'

let dictionary: Dictionary
let model: Model
let files: Record<string, string>
beforeAll(() =>
  withDatabase(async (db) => {
    dictionary = describeCatalog(await readCatalog(db))
    model = powerBiModel(dictionary, measures)
    files = powerBiProject(model, { server: 'db.example.com:5432', database: 'sales' })
  }),
)

const wayOf = (from: string, column: string) =>
  model.ways.find((way) => way.from === from && way.fromColumn === column)
const columnOf = (table: string, column: string) =>
  model.tables.find(({ name }) => name === table)?.columns.find(({ name }) => name === column)
const definition = 'cosell.SemanticModel/definition'

describe('the model', () => {
  test('the model has every mart and every table of the star, under a name of its own', () => {
    const expected = dictionary.schemas
      .filter(({ name }) => ['dw', 'mart'].includes(name))
      .flatMap(({ tables }) => tables.map(({ name }) => name.replace(/^\w+\./, '')))
    expect(model.tables.map(({ name }) => name).toSorted()).toEqual(expected.toSorted())
    expect(new Set(expected).size).toBe(expected.length)
  })

  test('every column and measure has a description, and keys are hidden', () => {
    const columns = model.tables.flatMap((table) => table.columns)
    expect(columns.length).toBeGreaterThan(1_000)
    expect(columns.filter(({ description }) => description === '')).toEqual([])
    expect(columns.filter(({ name, isHidden }) => name.endsWith('_key') && !isHidden)).toEqual([])
    expect(model.measures.filter(({ description }) => description === '')).toEqual([])
    expect(model.tables.filter(({ isHidden }) => isHidden).map(({ name }) => name)).toEqual([
      'bi_access',
    ])
  })

  test('amounts are fixed decimals, weights are not', () => {
    expect(columnOf('referral', 'deal_value_amount')).toMatchObject({
      dataType: 'decimal',
      formatString: '#,0.00',
      isHidden: false,
    })
    expect(columnOf('referral_industry', 'weight')?.dataType).toBe('double')
    expect(columnOf('dim_date', 'date_day')).toMatchObject({ dataType: 'dateTime', isKey: true })
  })

  test('stages, days and months are sorted by their numbers', () => {
    const sorted = model.tables.flatMap(({ name, columns }) =>
      columns.flatMap((column) =>
        column.sortByColumn === null ? [] : [`${name}.${column.name} ${column.sortByColumn}`],
      ),
    )
    expect(sorted).toContain('referral.stage_label stage_sort')
    expect(sorted).toContain('dim_date.month_name month_number')
    expect(sorted).toContain('dim_date.day_name day_of_week')
  })

  test('an instant is hidden where its day stands beside it', () => {
    expect(columnOf('registration', 'approved_at')?.isHidden).toBe(true)
    expect(columnOf('load_status', 'published_at')?.isHidden).toBe(false)
  })
})

test('a measure of one currency says so, also a ratio of two', () => {
  const blank = 'Blank while several currencies are in view.'
  const saying = model.measures.filter(({ description }) => description.includes(blank))
  const names = saying.map(({ name }) => name)
  expect(names).toEqual(
    expect.arrayContaining(['Won value', 'Win rate by value', 'Average deal won']),
  )
  expect(names).not.toContain('Win rate')
  expect(names).not.toContain('Won value, converted')
})

test('a measure of tags goes by the day of the measure that it splits', () => {
  const expressionOf = (name: string) => model.measures.find((one) => one.name === name)?.expression
  const way = 'USERELATIONSHIP ( referral[expected_close_date], dim_date[date_day] )'
  expect(expressionOf('Open pipeline')).toContain(way)
  expect(expressionOf('Open pipeline by industry')).toContain(way)
  expect(wayOf('referral', 'expected_close_date')).toMatchObject({
    to: 'dim_date',
    isActive: false,
  })
})

describe('relationships of the model', () => {
  test('the day that most measures are cut by is the active way to the calendar', () => {
    expect(wayOf('registration', 'registered_date')).toMatchObject({
      to: 'dim_date',
      isActive: true,
    })
    expect(wayOf('registration', 'contract_sign_date')?.isActive).toBe(false)
    expect(wayOf('expiring_referral', 'expiration_date')?.isActive).toBe(true)
  })

  test('weights lead to the amounts that they multiply, and through them to everything else', () => {
    expect(wayOf('referral_industry', 'referral_key')).toMatchObject({
      to: 'referral',
      isActive: true,
    })
    expect(wayOf('referral_industry', 'partner_account_key')?.isActive).toBe(false)
  })

  test('every relationship of the star is in the model', () => {
    const kept = new Set(model.ways.map(({ from, fromColumn }) => `dw.${from} ${fromColumn}`))
    const missing = dictionary.relationships.filter(
      ({ from, fromColumn }) => !kept.has(`${from} ${fromColumn}`),
    )
    expect(dictionary.relationships.length).toBeGreaterThan(60)
    expect(missing).toEqual([])
  })
})

describe('the role of readers', () => {
  test('every table with an account is reached from its reader, by a way or by a condition', () => {
    const active = model.ways.filter(({ isActive }) => isActive)
    const reaches = (table: string): boolean =>
      table in model.permissions ||
      active.some(({ from, to }) => from === table && to !== 'dim_date' && reaches(to))
    const open = model.tables
      .filter(({ columns }) => columns.some(({ name }) => name === 'partner_account_key'))
      .filter(({ name }) => !reaches(name))
    expect(open.map(({ name }) => name)).toEqual([])
  })

  test('a reader sees the accounts that bi_access gives to their sign-in name', () => {
    expect(model.permissions.bi_access).toBe('bi_access[role_name] = USERPRINCIPALNAME ()')
    expect(model.permissions.dim_customer).toBe(
      'CONTAINS ( bi_access, bi_access[role_name], USERPRINCIPALNAME (), ' +
        'bi_access[partner_account_key], dim_customer[partner_account_key] )',
    )
    expect(Object.keys(model.permissions)).not.toContain('fact_referral')
  })
})

describe('files of the project', () => {
  test('server and database stand in parameters alone', () => {
    const naming = Object.entries(files).filter(([, text]) => text.includes('db.example.com'))
    expect(naming.map(([name]) => name)).toEqual([`${definition}/expressions.tmdl`])
    expect(files[`${definition}/expressions.tmdl`]).toContain('expression Database = "sales" meta')
    const table = files[`${definition}/tables/referral.tmdl`]
    expect(table).toContain('PostgreSQL.Database(Server, Database, [')
    expect(table).toContain('[Schema = "mart", Item = "referral"]')
  })

  test('server and database are texts of Power Query, whatever signs are in them', () => {
    const named = powerBiProject(model, { server: 'a"b#(c', database: "o'neill\nsales" })
    const text = named[`${definition}/expressions.tmdl`]
    expect(text).toContain('expression Server = "a""b#(#)(c" meta')
    expect(text).toContain('expression Database = "o\'neill#(lf)sales" meta')
  })

  test('the pipeline by day is imported for one day alone', () => {
    expect(files[`${definition}/tables/pipeline_as_of.tmdl`]).toContain(
      'each [snapshot_date] = Day',
    )
  })

  test('a project written again has the same identities', () => {
    const server = { server: 'other.example.com:5432', database: 'sales' }
    const again = powerBiProject(model, server)
    const tags = (of: Record<string, string>) =>
      Object.values(of).flatMap((text) => text.match(/lineageTag: .*/g) ?? [])
    expect(tags(again)).toEqual(tags(files))
    expect(new Set(tags(files)).size).toBe(tags(files).length)
  })

  test('the report has four pages, and every field in it exists', () => {
    expect(reportPages.map(({ title }) => title)).toEqual([
      'Pipeline',
      'Won and ACV',
      'Registrations',
      'Data quality',
    ])
    const columns = new Set(
      model.tables.flatMap((table) => table.columns.map(({ name }) => `${table.name}.${name}`)),
    )
    const named = [
      ...slicers.map(({ column }) => column),
      ...reportPages.flatMap(({ charts }) => charts.flatMap(({ by }) => by)),
    ]
    expect(named.filter((name) => !columns.has(name))).toEqual([])
    const known = new Set(model.measures.map(({ name }) => name))
    const used = reportPages.flatMap(({ cards, charts }) => [
      ...cards,
      ...charts.flatMap(({ values }) => values),
    ])
    expect(used.filter((name) => !known.has(name))).toEqual([])
    const visual = JSON.parse(
      files['cosell.Report/definition/pages/pipeline/visuals/pipeline_card_1/visual.json'] ?? '',
    )
    expect(visual.visual.query.queryState.Values.projections).toEqual([
      {
        field: {
          Measure: {
            Expression: { SourceRef: { Entity: measureTable } },
            Property: 'Open pipeline, converted',
          },
        },
        queryRef: 'Key measures.Open pipeline, converted',
        nativeQueryRef: 'Open pipeline, converted',
      },
    ])
  })
})
