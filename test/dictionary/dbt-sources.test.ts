import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { docsFolder } from '../../scripts/generate-docs.ts'
import { readCatalog } from '../../src/dictionary/read-catalog.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { withPipeline } from '../support/with-pipeline.ts'

const relation = z.object({ arguments: z.object({ to: z.string(), field: z.string() }) })
const accepted = z.object({ arguments: z.object({ values: z.array(z.string()) }) })
const columnTest = z.union([
  z.enum(['unique', 'not_null']),
  z.strictObject({ relationships: relation }),
  z.strictObject({ accepted_values: accepted }),
])
const span = z.object({ count: z.number(), period: z.literal('hour') })
const sourcesFile = z.strictObject({
  version: z.literal(2),
  sources: z.array(
    z.strictObject({
      name: z.string(),
      schema: z.string(),
      description: z.string().min(1),
      tables: z.array(
        z.strictObject({
          name: z.string(),
          description: z.string().min(1),
          config: z
            .strictObject({
              freshness: z.strictObject({ warn_after: span, error_after: span }),
              loaded_at_field: z.string(),
            })
            .optional(),
          columns: z.array(
            z.strictObject({
              name: z.string(),
              description: z.string().min(1),
              data_type: z.string(),
              data_tests: z.array(columnTest).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
})

const { sources } = sourcesFile.parse(
  parse(await readFile(path.join(docsFolder, 'dbt/sources.yml'), 'utf8')),
)
const tables = sources.flatMap(({ schema, tables: listed }) =>
  listed.map((table) => ({ ...table, full: `${schema}.${table.name}` })),
)

test('dbtSources lists the tables and columns of dw and mart, with their types and meanings', () =>
  withDatabase(async (db) => {
    const { relations } = await readCatalog(db)
    const expected = relations
      .filter(({ schema }) => ['dw', 'mart'].includes(schema))
      .map(({ name, columns }) => ({
        name,
        columns: columns.map((column) => ({
          name: column.name,
          description: column.comment,
          data_type: column.type.replace('timestamp with time zone', 'timestamptz'),
        })),
      }))
    const listed = tables.map(({ full, columns }) => ({
      name: full,
      columns: columns.map(({ data_tests: _, ...column }) => column),
    }))
    expect(listed).toEqual(expected)
  }))

/** Counts the rows that fail one test of one column, as dbt does. */
async function failures(
  db: Kysely<Database>,
  table: string,
  column: string,
  one: z.infer<typeof columnTest>,
): Promise<number> {
  const from = sql.table(table)
  const value = sql.ref(column)
  const counted = (query: ReturnType<typeof sql>) =>
    sql<{ failing: number }>`select count(*)::int as failing from (${query}) as failed`
      .execute(db)
      .then(({ rows }) => rows[0]?.failing ?? -1)
  if (one === 'not_null') return counted(sql`select 1 from ${from} where ${value} is null`)
  if (one === 'unique') {
    return counted(
      sql`select 1 from ${from} where ${value} is not null group by ${value} having count(*) > 1`,
    )
  }
  if ('accepted_values' in one) {
    const { values } = one.accepted_values.arguments
    return counted(sql`select 1 from ${from} where ${value}::text <> all(${values})`)
  }
  const { to, field } = one.relationships.arguments
  const target = /^source\('(\w+)', '(\w+)'\)$/.exec(to)
  return counted(sql`
    select 1 from ${from} where ${value} is not null and ${value} not in (
      select ${sql.ref(field)} from ${sql.table(`${target?.[1]}.${target?.[2]}`)}
    )`)
}

test('each test of dbtSources passes in a loaded warehouse, and the freshness is that of the load', () =>
  withPipeline({ referrals: 300 }, async ({ db, run }) => {
    await run()
    const broken: string[] = []
    let tested = 0
    for (const { full, columns } of tables) {
      for (const { name, data_tests = [] } of columns) {
        for (const one of data_tests) {
          tested += 1
          const failing = await failures(db, full, name, one)
          if (failing !== 0) broken.push(`${full}.${name} ${JSON.stringify(one)}: ${failing}`)
        }
      }
    }
    expect(broken).toEqual([])
    expect(tested).toBeGreaterThan(90)

    const fresh = tables.filter(({ config }) => config !== undefined)
    expect(fresh.map(({ full }) => full)).toEqual(['mart.load_status'])
    const { config, full } = fresh[0] ?? {}
    const { rows } = await sql<{ age_hours: number }>`
      select extract(epoch from now() - max(${sql.raw(config?.loaded_at_field ?? '')})) / 3600
        as age_hours
      from ${sql.table(full ?? '')}`.execute(db)
    expect(Number(rows[0]?.age_hours)).toBeGreaterThanOrEqual(0)
    expect(Number(rows[0]?.age_hours)).toBeLessThan(1)
  }))

test('a dbt test counts a row that violates it', () =>
  withPipeline({ referrals: 20 }, async ({ db, run }) => {
    await run()
    await sql`update dw.fact_acv_schedule set solution_key = 987654321
      where ctid = (select min(ctid) from dw.fact_acv_schedule)`.execute(db)
    const schedule = tables.find(({ full }) => full === 'dw.fact_acv_schedule')
    const column = schedule?.columns.find(({ name }) => name === 'solution_key')
    const [one] = column?.data_tests ?? []
    if (one === undefined) throw new Error('solution_key has no test')
    expect(await failures(db, 'dw.fact_acv_schedule', 'solution_key', one)).toBe(1)
  }))
