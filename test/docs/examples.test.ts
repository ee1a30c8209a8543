import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadInventedRates } from '../../src/cli/commands/try/demo.ts'
import { fencedBlocks, pageNamed, root } from '../support/markdown.ts'
import { loadOnce } from '../support/report-warehouse.ts'

const folder = path.join(root, 'examples')
const pipeline = loadOnce({})
const questions = readdirSync(path.join(folder, 'sql')).filter((name) => name.endsWith('.sql'))

/** Answer of a statement: names of the columns, then the values of each row. */
async function answerOf(statement: string): Promise<string[][]> {
  const { db } = pipeline()
  const { rows } = await sql.raw<Record<string, unknown>>(statement).execute(db)
  const [first = {}] = rows
  return [Object.keys(first), ...rows.map((row) => Object.values(row).map(String))]
}

describe('examples/sql', () => {
  test('rates of the demo are loaded before its questions are asked', async () => {
    await loadInventedRates(pipeline().warehouse, undefined, new Date())
    const { rows } = await sql`select 1 from dw.fx_rate limit 1`.execute(pipeline().db)
    expect(rows.length).toBe(1)
  })

  test('the questions are numbered without a gap', () => {
    expect(questions.sort().map((name) => Number.parseInt(name, 10))).toEqual(
      questions.map((_, index) => index + 1),
    )
  })

  test.each(questions)('examples/sql/%s has the answer that it shows', async (name) => {
    const text = readFileSync(path.join(folder, 'sql', name), 'utf8')
    const [statement = '', shown = ''] = text.split('\n-- Answer over the demo:\n')
    const expected = shown
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^-- /, '').split(' | '))
    expect(await answerOf(statement)).toEqual(expected)
  })
})

describe('README.md', () => {
  test('the question of README.md has the answer that README.md shows', async () => {
    const [statement] = fencedBlocks('sql').filter(({ page }) => page === 'README.md')
    const { text } = pageNamed('README.md')
    const table = text.slice(text.indexOf('| fiscal_year_label'))
    const shown = table
      .slice(0, table.indexOf('\n\n'))
      .split('\n')
      .filter((line) => !line.startsWith('|---'))
      .map((line) => line.slice(2, -2).split(' | '))
    expect(await answerOf(statement?.text ?? '')).toEqual(shown)
  })

  test('the output of the demo in README.md has the counts of a loaded warehouse', async () => {
    const [output] = fencedBlocks('text').filter(({ page }) => page === 'README.md')
    const lines = [...(output?.text ?? '').matchAll(/^((?:raw|dw)\.\w+) +([\d,]+)$/gm)]
    expect(lines.length).toBeGreaterThan(4)
    for (const [, table = '', shown = ''] of lines) {
      const counted = await sql<{ rows: number }>`
        select count(*) as rows from ${sql.table(table)}`.execute(pipeline().db)
      expect(counted.rows[0]?.rows.toLocaleString('en-US'), table).toBe(shown)
    }
  })
})

describe('examples', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })

  test.each(files.filter((name) => /\.ya?ml$/.test(name)))('examples/%s is YAML', (name) => {
    const documents = readFileSync(path.join(folder, name), 'utf8').split(/^---$/m)
    for (const document of documents) expect(parse(document)).toBeTypeOf('object')
  })

  test('examples/power-bi/cosell.pbids is the generated connection file', () => {
    const copy = readFileSync(path.join(folder, 'power-bi/cosell.pbids'), 'utf8')
    expect(copy).toBe(readFileSync(path.join(root, 'docs/cosell.pbids'), 'utf8'))
  })

  const models = files.filter((name) => name.startsWith('dbt/models') && name.endsWith('.sql'))

  test('the models of examples/dbt select from tables of the generated sources', () => {
    const sources = parse(readFileSync(path.join(root, 'docs/dbt/sources.yml'), 'utf8'))
    const known = sources.sources.flatMap((source: { name: string; tables: { name: string }[] }) =>
      source.tables.map((table) => `${source.name}.${table.name}`),
    )
    expect(models.length).toBe(6)
    const used = models.flatMap((model) =>
      [
        ...readFileSync(path.join(folder, model), 'utf8').matchAll(/source\('(\w+)', '(\w+)'\)/g),
      ].map(([, source, table]) => `${source}.${table}`),
    )
    expect(used.length).toBe(3)
    expect(used.filter((name) => !known.includes(name))).toEqual([])
  })

  test('PostgreSQL runs the models of examples/dbt with their references filled in', async () => {
    for (const model of models) {
      await sql.raw(filledIn(path.join(folder, model))).execute(pipeline().db)
    }
  })

  /** A model as a statement: sources by their names, other models as subqueries. */
  function filledIn(file: string): string {
    return readFileSync(file, 'utf8')
      .replace(/\{\{ source\('(\w+)', '(\w+)'\) \}\}/g, '$1.$2')
      .replace(/\{\{ ref\('(\w+)'\) \}\}/g, (_, name) => {
        const model = models.find((one) => path.basename(one) === `${name}.sql`)
        if (model === undefined) throw new Error(`${file} refers to ${name}, which is no model`)
        return `(${filledIn(path.join(folder, model))}) as ${name}`
      })
  }
})
