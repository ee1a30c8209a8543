import { readFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { docsFolder } from '../../scripts/generate-docs.ts'
import { readCatalog } from '../../src/dictionary/read-catalog.ts'
import { toYaml, type YamlValue } from '../../src/dictionary/render/yaml.ts'
import { withDatabase } from '../support/database.ts'
import { type MartsFixture, openMartsFixture } from '../support/marts-fixture.ts'
import { loadEuroRates } from '../support/report-warehouse.ts'

const property = z.strictObject({
  name: z.string(),
  logicalType: z.enum([
    'string',
    'integer',
    'number',
    'boolean',
    'date',
    'timestamp',
    'array',
    'object',
  ]),
  logicalTypeOptions: z.record(z.string(), z.unknown()).optional(),
  physicalType: z.string(),
  description: z.string().min(1),
  required: z.literal(true).optional(),
  unique: z.literal(true).optional(),
  primaryKey: z.literal(true).optional(),
  primaryKeyPosition: z.int().min(1).optional(),
  transformSourceObjects: z.array(z.string().min(1)).optional(),
  relationships: z.array(z.strictObject({ to: z.string() })).optional(),
})
const contract = z.looseObject({
  apiVersion: z.literal('v3.1.0'),
  kind: z.literal('DataContract'),
  id: z.string(),
  servers: z.array(
    z.strictObject({
      server: z.string(),
      type: z.literal('postgres'),
      host: z.literal('warehouse.example.com'),
      port: z.literal(5432),
      database: z.literal('cosell'),
      schema: z.string(),
    }),
  ),
  schema: z.array(
    z.strictObject({
      name: z.string(),
      physicalType: z.enum(['table', 'view']),
      logicalType: z.literal('object'),
      description: z.string().min(1),
      dataGranularityDescription: z.string().min(1),
      properties: z.array(property),
      quality: z
        .array(
          z.strictObject({
            type: z.literal('sql'),
            description: z.string().endsWith('.'),
            query: z.string().startsWith('select count(*) from '),
            mustBe: z.literal(0),
          }),
        )
        .optional(),
    }),
  ),
})

async function contractIn(name: string) {
  return contract.parse(
    parse(await readFile(path.join(docsFolder, `contracts/${name}.odcs.yaml`), 'utf8')),
  )
}

/** Types of the catalog by what the standard calls them, as its documentation lists them. */
const logicalTypes: Readonly<Record<string, string>> = {
  text: 'string',
  boolean: 'boolean',
  smallint: 'integer',
  integer: 'integer',
  bigint: 'integer',
  numeric: 'number',
  'double precision': 'number',
  date: 'date',
  'timestamp with time zone': 'timestamp',
  'text[]': 'array',
}

describe.each(['mart', 'dw'])('the data contract of %s', (name) => {
  test(`the contract of ${name} has the tables, columns, types and nulls of the catalog`, () =>
    withDatabase(async (db) => {
      const { relations } = await readCatalog(db)
      const expected = relations
        .filter(({ schema }) => schema === name)
        .map((relation) => [
          `${name}.${relation.name.split('.')[1]} ${relation.isView ? 'view' : 'table'}`,
          relation.columns.map((column) => [
            column.name,
            column.type.replace('timestamp with time zone', 'timestamptz'),
            logicalTypes[column.type.replace(/\(.*\)/, '')],
            column.isNullable === false,
          ]),
        ])
      const { schema } = await contractIn(name)
      const written = schema.map((table) => [
        `${name}.${table.name} ${table.physicalType}`,
        table.properties.map((one) => [
          one.name,
          one.physicalType,
          one.logicalType,
          one.required === true,
        ]),
      ])
      expect(written).toEqual(expected)
    }))

  test(`every instant of the contract of ${name} has a zone, and nothing else has`, async () => {
    const { schema } = await contractIn(name)
    const properties = schema.flatMap((table) => table.properties)
    const zoned = properties.filter((one) => one.logicalTypeOptions?.timezone === true)
    expect(zoned.length).toBeGreaterThan(0)
    expect(zoned.every((one) => one.physicalType === 'timestamptz')).toBe(true)
    const instants = properties.filter((one) => one.physicalType.startsWith('timestamp'))
    expect(instants.length).toBe(zoned.length)
  })
})

test('keys and foreign keys of the contract of dw are those of the catalog', () =>
  withDatabase(async (db) => {
    const { relations } = await readCatalog(db)
    const { schema } = await contractIn('dw')
    const columns = new Set(
      schema.flatMap((table) => table.properties.map((one) => `${table.name}.${one.name}`)),
    )
    for (const table of schema) {
      const relation = relations.find((one) => one.name === `dw.${table.name}`)
      const key = table.properties
        .filter((one) => one.primaryKey)
        .sort((a, b) => (a.primaryKeyPosition ?? 0) - (b.primaryKeyPosition ?? 0))
      expect(
        key.map((one) => one.name),
        table.name,
      ).toEqual(relation?.key)
      const targets = table.properties.flatMap((one) => one.relationships ?? [])
      expect(targets.filter(({ to }) => !columns.has(to))).toEqual([])
    }
    const fact = schema.find((table) => table.name === 'fact_referral')
    const status = fact?.properties.find((one) => one.name === 'status_key')
    expect(status?.relationships).toEqual([{ to: 'dim_status.status_key' }])
  }))

test('toYaml writes what a parser of YAML reads as the same value', () => {
  const { value } = fc.letrec<{ value: YamlValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('yes', '- a', 'a: b', '# no', '', '1.0', 'two\nlines'),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.stringMatching(/^k[a-zA-Z_]{0,8}$/), tie('value'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(value, (one) => {
      expect(parse(toYaml(one))).toEqual(one)
    }),
  )
})

describe('over years of business of a simulated partner', () => {
  let world: MartsFixture
  beforeAll(async () => {
    world = await openMartsFixture()
    await loadEuroRates(world.db)
  })
  afterAll(() => world?.close())

  /** What breaks the rules of each mart, one row each time. */
  const faults: Readonly<Record<string, readonly string[]>> = {
    pipeline_movement: [
      'won_amount = won_amount - 0.0001',
      'closing_reporting_amount = closing_reporting_amount + 0.0001',
    ],
  }

  test('every rule of quality in the contract of the marts finds the rows that break it, and no other', async () => {
    const { schema } = contract.parse(await contractIn('mart'))
    const rules = schema.flatMap(({ name, quality = [] }) =>
      quality.map((rule) => ({ ...rule, name })),
    )
    expect(rules.map(({ name }) => name)).toEqual(Object.keys(faults))
    for (const { name, query, mustBe } of rules) {
      const count = async (db: typeof world.db) =>
        (await sql.raw<{ count: number }>(query).execute(db)).rows[0]?.count
      expect(await count(world.db), query).toBe(mustBe)
      for (const fault of faults[name] ?? []) {
        const found = world.db.transaction().execute(async (transaction) => {
          const table = sql.id('mart', name)
          await sql`alter view ${table} rename to as_shipped`.execute(transaction)
          await sql`create table ${table} as table mart.as_shipped`.execute(transaction)
          const planted = await sql`
            update ${table} set ${sql.raw(fault)}
            where ctid = (select ctid from ${table}
              where won_count > 0 and closing_reporting_amount is not null limit 1)
          `.execute(transaction)
          expect(planted.numAffectedRows).toBe(1n)
          throw new Planted((await count(transaction)) ?? -1)
        })
        await expect(found, fault).rejects.toEqual(new Planted(1))
      }
    }
  })
})

/** Takes a count out of a transaction that is undone. */
class Planted extends Error {
  constructor(readonly count: number) {
    super(`${count} rows break the rule`)
  }
}
