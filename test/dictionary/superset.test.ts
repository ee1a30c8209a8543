import { buffer } from 'node:stream/consumers'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import yauzl from 'yauzl'
import { z } from 'zod'
import { describeCatalog } from '../../src/dictionary/describe-catalog.ts'
import type { Dictionary } from '../../src/dictionary/dictionary.ts'
import { measures } from '../../src/dictionary/measures/measures.ts'
import { type Catalog, readCatalog } from '../../src/dictionary/read-catalog.ts'
import { supersetBundle } from '../../src/dictionary/superset/bundle.ts'
import { zipOf } from '../../src/dictionary/superset/zip.ts'
import { withDatabase } from '../support/database.ts'

const connection = { server: 'warehouse.example.com:5432', database: 'cosell', user: 'a_reader' }

let catalog: Catalog
let dictionary: Dictionary
let bundle: Record<string, string>

beforeAll(() =>
  withDatabase(async (db) => {
    catalog = await readCatalog(db)
    dictionary = describeCatalog(catalog)
    bundle = supersetBundle(dictionary, measures, connection)
  }),
)

const uuid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const dataset = z.strictObject({
  table_name: z.string(),
  schema: z.literal('mart'),
  description: z.string().min(1),
  main_dttm_col: z.string().optional(),
  sql: z.string().optional(),
  filter_select_enabled: z.literal(true),
  uuid,
  metrics: z.array(
    z.strictObject({
      metric_name: z.string(),
      verbose_name: z.string(),
      expression: z.string(),
      description: z.string().min(1),
      d3format: z.string().optional(),
    }),
  ),
  columns: z.array(
    z.strictObject({
      column_name: z.string(),
      is_dttm: z.boolean(),
      is_active: z.literal(true),
      type: z.string(),
      groupby: z.literal(true),
      filterable: z.literal(true),
      description: z.string().min(1),
    }),
  ),
  version: z.literal('1.0.0'),
  database_uuid: uuid,
})
const chart = z.object({
  slice_name: z.string(),
  viz_type: z.string(),
  uuid,
  dataset_uuid: uuid,
  params: z.object({
    metric: z.string().optional(),
    metrics: z.array(z.string()).optional(),
    groupby: z.array(z.string()).optional(),
    x_axis: z.string().optional(),
  }),
})

const filesOf = <T>(folder: string, schema: z.ZodType<T>): T[] =>
  Object.entries(bundle)
    .filter(([name]) => name.startsWith(`${folder}/`))
    .map(([, text]) => schema.parse(parse(text)))

test('the bundle has a dataset for each mart but bi_access, with every column and the comment of each', () => {
  const datasets = filesOf('datasets', dataset)
  const marts = catalog.relations.filter(
    ({ schema, name }) => schema === 'mart' && name !== 'mart.bi_access',
  )
  expect(datasets.map(({ table_name }) => `mart.${table_name}`).sort()).toEqual(
    marts.map(({ name }) => name).sort(),
  )
  for (const { name, columns } of marts) {
    const found = datasets.find(({ table_name }) => `mart.${table_name}` === name)
    // A join has the columns of the other mart behind its own.
    const own = found?.columns.slice(0, columns.length)
    expect(own?.map(({ column_name, description }) => [column_name, description])).toEqual(
      columns.map((column) => [column.name, column.comment]),
    )
    if (found?.main_dttm_col !== undefined) {
      expect(found.columns.map(({ column_name }) => column_name)).toContain(found.main_dttm_col)
    }
  }
})

test('every measure is a metric of one dataset', () => {
  const metrics = filesOf('datasets', dataset).flatMap((one) =>
    one.metrics.map(({ metric_name }) => `${one.table_name}: ${metric_name}`),
  )
  expect(metrics.sort()).toEqual(measures.map(({ mart, name }) => `${mart}: ${name}`).sort())
})

test.each([
  ['Open pipeline', ' Needs one value of currency_code. Answers: '],
  ['Share of value converted', ' Needs one value of currency_code. Answers: '],
  ['Pipeline at month end', ' Needs one value of currency_code and snapshot_date. Answers: '],
])('the description of %s says what it needs', (name, needs) => {
  const metrics = filesOf('datasets', dataset).flatMap((one) => one.metrics)
  const found = metrics.find(({ metric_name }) => metric_name === name)
  expect(found?.description).toContain(needs)
})

test('the description of a converted amount names no need', () => {
  const metrics = filesOf('datasets', dataset).flatMap((one) => one.metrics)
  const found = metrics.find(({ metric_name }) => metric_name === 'Open pipeline, converted')
  expect(found?.description).toMatch(/^(?!.*Needs ).*\. Answers: .*\?$/)
})

test('every chart names columns and metrics that its dataset has, and is in the dashboard', () => {
  const datasets = filesOf('datasets', dataset)
  const charts = filesOf('charts', chart)
  expect(charts.length).toBeGreaterThan(8)
  for (const { slice_name, dataset_uuid, params } of charts) {
    const of = datasets.find((one) => one.uuid === dataset_uuid)
    const columns = of?.columns.map(({ column_name }) => column_name)
    const metrics = of?.metrics.map(({ metric_name }) => metric_name)
    const named = [...(params.metrics ?? []), ...(params.metric ? [params.metric] : [])]
    expect(named.length, slice_name).toBeGreaterThan(0)
    expect(metrics, slice_name).toEqual(expect.arrayContaining(named))
    const cuts = [...(params.groupby ?? []), ...(params.x_axis ? [params.x_axis] : [])]
    expect(columns, slice_name).toEqual(expect.arrayContaining(cuts))
  }
  const [dashboard] = filesOf('dashboards', z.object({ position: z.record(z.string(), z.any()) }))
  const placed = Object.values(dashboard?.position ?? {}).flatMap((one) =>
    one.type === 'CHART' ? [one.meta.uuid] : [],
  )
  expect(placed.sort()).toEqual(charts.map((one) => one.uuid).sort())
  for (const [id, one] of Object.entries(dashboard?.position ?? {})) {
    if (one.type !== 'ROW') continue
    expect(one.id).toBe(id)
    const widths = one.children.map((child: string) => dashboard?.position[child].meta.width)
    expect(widths.reduce((sum: number, width: number) => sum + width, 0)).toBe(12)
  }
})

test('identities are unique, and the same when the bundle is written again', () => {
  const ids = [...filesOf('datasets', dataset), ...filesOf('charts', chart)].map((one) => one.uuid)
  expect(new Set(ids).size).toBe(ids.length)
  expect(supersetBundle(dictionary, measures, connection)).toEqual(bundle)
})

test('the bundle names the server, the database and the login, and has no password', () => {
  const [database] = filesOf('databases', z.object({ sqlalchemy_uri: z.string() }))
  expect(database?.sqlalchemy_uri).toBe(
    'postgresql+psycopg2://a_reader:XXXXXXXXXX@warehouse.example.com:5432/cosell',
  )
})

test('a login and a database with letters that mean something in addresses are encoded', () => {
  const odd = { server: 'localhost:5432', database: 'sales?x#1', user: 'anna@example.com' }
  const text = supersetBundle(dictionary, measures, odd)['databases/cosell.yaml'] ?? ''
  const { sqlalchemy_uri } = z.object({ sqlalchemy_uri: z.string() }).parse(parse(text))
  expect(sqlalchemy_uri).toBe(
    'postgresql+psycopg2://anna%40example.com:XXXXXXXXXX@localhost:5432/?dbname=sales%3Fx%231',
  )
  const read = new URL(sqlalchemy_uri)
  expect(decodeURIComponent(read.username)).toBe(odd.user)
  expect(read.searchParams.get('dbname')).toBe(odd.database)
})

test('zipOf writes an archive that another program reads back, the same for the same files', async () => {
  const files = { ...bundle, 'names/Zürich.txt': 'Grüße', 'empty.txt': '' }
  const bytes = zipOf(files)
  expect(bytes.equals(zipOf(files))).toBe(true)
  const archive = await yauzl.fromBufferPromise(bytes)
  const read: Record<string, string> = {}
  for await (const entry of archive.eachEntry()) {
    read[entry.fileName] = (await buffer(await archive.openReadStreamPromise(entry))).toString()
  }
  expect(read).toEqual(files)
})
