import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import type { ExportedFile, Manifest } from '../../src/export/manifest.ts'
import type { Kysely } from '../../src/warehouse/connection/database.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import type { Campaign, Stage } from './campaign-type.ts'

/** Type in the reader, number of values, and one fact about all of them. */
type ColumnFacts = readonly [string, number, string | null]

interface ReadBack {
  readonly versions: string
  readonly readers: Readonly<Record<string, Readonly<Record<string, TableFacts>>>>
}

interface TableFacts {
  readonly rows: number
  readonly columns: Readonly<Record<string, ColumnFacts>>
}

const script = fileURLToPath(new URL('python/read_back.py', import.meta.url))

/** Columns of now, which go on between the export and the query. */
const moving = [
  'mart.load_status.age_hours',
  'mart.data_quality.last_seen_at',
  'mart.registration_review.days_in_stage',
]

/** A mart at the limits of each type: the demo has no amount of fifteen digits. */
const edges = `
  create view mart.edge_value as
  select
    amount::numeric(19, 4), wide_amount::numeric(38, 10), whole_number, some_day, some_instant,
    is_set, measured, label
  from (values
    (999999999999999.9999, 9999999999999999999999999999.9999999999, 9223372036854775807, date '9999-12-31', timestamptz '9999-12-31 23:59:59.999999+00', true,
      1e308::double precision, E'a "quoted", cell\nof two lines'),
    (-999999999999999.9998, -9999999999999999999999999999.9999999998, -9223372036854775807,
      '0001-01-01', '0001-01-01 00:00:00.000001+00', false, -1e308, 'Grüße, 株式会社 😀'),
    (-0.0001, 0.0000000001, 0, '1969-12-31', '1969-12-31 23:59:59.999999+00', true, 0.1, ''),
    (0, null, null, null, null, null, null, null)
  ) value (amount, wide_amount, whole_number, some_day, some_instant, is_set, measured, label)`

/**
 * Both formats, read back by three programs that share no code with ours, hold what SQL finds: rows,
 * missing values, the sum of every decimal and integer to the last digit, days and instants.
 */
export const campaign: Campaign = {
  name: 'files',
  packages: [['pyarrow', 'duckdb', 'polars']],
  async run(stage) {
    const { query } = stage.warehouse
    await sql.raw(edges).execute(query)
    await sql`grant select on mart.edge_value to cosell_bi`.execute(query)
    try {
      return `${await readBack(stage, 'parquet')}; ${await readBack(stage, 'csv')}`
    } finally {
      await sql`drop view mart.edge_value`.execute(query)
    }
  },
}

async function readBack(stage: Stage, format: Manifest['format']): Promise<string> {
  const folder = path.join(stage.folder, format)
  await stage.cosell('export', folder, '--format', format)
  const manifest: Manifest = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8'))
  const answer = await stage.execute(stage.program('python'), [script, folder])
  const { versions, readers }: ReadBack = JSON.parse(answer)
  const problems: string[] = []
  let facts = 0
  for (const file of manifest.files) {
    const bytes = await readFile(path.join(folder, file.file))
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (hash !== file.sha256) problems.push(`${file.file}: another hash than in the manifest`)
    const expected = await factsOf(stage.warehouse.query, file)
    if (expected.rows !== file.rows)
      problems.push(`${file.table}: ${file.rows} rows in the manifest`)
    for (const [reader, tables] of Object.entries(readers)) {
      const read = tables[file.table]
      if (read?.rows !== expected.rows) problems.push(`${reader} ${file.table}: ${read?.rows} rows`)
      for (const { name, type } of file.columns) {
        const [count, fact] = expected.columns[name] ?? []
        const [readType = '', readCount, readFact] = read?.columns[name] ?? []
        facts += 1
        const place = `${reader} ${file.table}.${name} (${type}, read as ${readType})`
        if (readCount !== count) problems.push(`${place}: ${count} values, read ${readCount}`)
        if (moving.includes(`${file.table}.${name}`)) continue
        if (readFact !== fact) problems.push(`${place}: ${fact}, read ${readFact}`)
        if (name in file.sums && file.sums[name] !== fact) {
          problems.push(`${file.table}.${name}: ${fact}, in the manifest ${file.sums[name]}`)
        }
        // An empty column of DuckDB has no type to ask for.
        if (format === 'parquet' && readCount !== 0) {
          const size = /^numeric(\(.*\))$/.exec(type)?.[1]
          if (
            size !== undefined &&
            !readType.replaceAll(/ |precision=|scale=/g, '').includes(size)
          ) {
            problems.push(`${place}: another size`)
          }
        }
      }
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return `${format}: ${facts} columns of ${manifest.files.length} files as in SQL (${versions})`
}

/** Asks PostgreSQL for the facts that the readers give. */
async function factsOf(query: Kysely<Database>, { table, columns }: ExportedFile) {
  const iso = (of: ReturnType<typeof sql>) =>
    sql`to_char(${of} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
  const factOf = ({ name, type }: ExportedFile['columns'][number]) => {
    const column = sql.ref(name)
    if (/^numeric|^(bigint|integer|smallint)$/.test(type)) return sql`sum(${column})::text`
    if (type === 'boolean') return sql`sum(${column}::integer)::text`
    if (type === 'date') return sql`min(${column}) || ' ' || max(${column})`
    if (type === 'timestamp with time zone') {
      return sql`${iso(sql`min(${column})`)} || ' ' || ${iso(sql`max(${column})`)}`
    }
    if (type === 'double precision') return sql`min(${column}) || ' ' || max(${column})`
    return sql`sum(char_length(${column}))::text`
  }
  const facts = columns.map(
    (column) => sql`json_build_array(count(${sql.ref(column.name)}), ${factOf(column)})`,
  )
  const { rows } = await sql<{ rows: number; facts: [number, string | null][] }>`
    select count(*) as rows, json_build_array(${sql.join(facts)}) as facts
    from ${sql.table(table)}`.execute(query)
  const row = rows[0] ?? { rows: -1, facts: [] }
  return {
    rows: row.rows,
    columns: Object.fromEntries(columns.map(({ name }, index) => [name, row.facts[index] ?? []])),
  }
}
