import { randomUUID } from 'node:crypto'
import { cp, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import type { Campaign, Stage } from './campaign-type.ts'

interface RunResults {
  readonly results: readonly { readonly unique_id: string; readonly status: string }[]
}

const example = fileURLToPath(new URL('../../examples/dbt', import.meta.url))
const schema = 'analytics'
const login = 'dbt_example'

/**
 * The project of examples/dbt on the sources that `cosell docs` writes, built by a reader with a schema
 * of its own, as its README says: every model, test, exposure and metric, and the freshness.
 */
export const campaign: Campaign = {
  name: 'dbt',
  packages: [['dbt-core==1.11.16', 'dbt-postgres==1.11.0']],
  async run(stage) {
    const { query } = stage.warehouse
    const password = randomUUID()
    await sql`create role ${sql.id(login)} login password ${sql.lit(password)} in role cosell_bi`.execute(
      query,
    )
    try {
      await sql`create schema ${sql.id(schema)} authorization ${sql.id(login)}`.execute(query)
      return await build(stage, password)
    } finally {
      await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(query)
      await sql`drop role ${sql.id(login)}`.execute(query)
    }
  },
}

async function build({ folder, execute, program, cosell, warehouse }: Stage, password: string) {
  const project = path.join(folder, 'project')
  await cp(example, project, { recursive: true })
  await cosell('docs', '--out', path.join(folder, 'shared'))
  await cp(path.join(folder, 'shared/dbt/sources.yml'), path.join(project, 'models/sources.yml'))
  const { hostname, port, pathname } = new URL(warehouse.readerUrl)
  const env = {
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: login,
    PGPASSWORD: password,
    PGDATABASE: pathname.slice(1),
    DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
  }
  const dbt = (...args: string[]) =>
    execute(program('dbt'), [...args, '--profiles-dir', '.'], { cwd: project, env })
  await dbt('build')
  const { results }: RunResults = JSON.parse(
    await readFile(path.join(project, 'target/run_results.json'), 'utf8'),
  )
  // An exposure has nothing to build.
  const ran = results.filter(({ status }) => status !== 'no-op')
  const notPassed = ran.filter(({ status }) => status !== 'success' && status !== 'pass')
  if (notPassed.length > 0) throw new Error(`not passed: ${JSON.stringify(notPassed)}`)
  await dbt('source', 'freshness')
  const listed = await dbt('ls', '--resource-type', 'metric', '--resource-type', 'exposure')
  const metrics = listed.split('\n').filter((line) => /^(metric|exposure):/.test(line)).length
  if (metrics !== 7) throw new Error(`expected 6 metrics and an exposure, got:\n${listed}`)
  await compare(warehouse.query)
  const tests = ran.filter(({ unique_id }) => unique_id.startsWith('test.')).length
  return `${ran.length - tests} models and ${tests} tests of dbt-core 1.11.16 passed`
}

/** The sums of the built tables are those of SQL over the marts. */
async function compare(query: Stage['warehouse']['query']) {
  const { rows } = await sql<Record<string, string | null>>`
    select
      (select sum(won_value_reporting_amount) from analytics.won_by_quarter) as won_built,
      (select sum(won_value_reporting_amount) from analytics.customer_value) as customers_built,
      (select sum(solution_acv_amount) from analytics.incentive_share) as acv_built,
      (select sum(deal_value_once_reporting_amount) from mart.referral where is_won) as won,
      (select sum(deal_value_once_reporting_amount) from mart.referral
        where is_won and customer_match_id is not null) as customers,
      (select sum(solution_acv_amount) from mart.acv_line
        where is_approved and sign_fiscal_year is not null) as acv`.execute(query)
  const { won_built, customers_built, acv_built, won, customers, acv } = rows[0] ?? {}
  const pairs = [
    [won_built, won],
    [customers_built, customers],
    [acv_built, acv],
  ]
  const differing = pairs.filter(([built, own]) => !built || built !== own)
  if (differing.length > 0) throw new Error(`other sums: ${JSON.stringify(differing)}`)
}
