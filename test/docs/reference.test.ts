import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseEnv } from 'node:util'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { rootFolder } from '../../scripts/generate-docs.ts'
import { jsonResults } from '../../scripts/reference/json-results.ts'
import { referenceFiles } from '../../scripts/reference/pages.ts'
import { createProgram } from '../../src/cli/program.ts'
import { settingRows } from '../../src/config/settings.ts'
import { loadConfig } from '../../src/config.ts'
import { errorCodes } from '../../src/error-codes.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { withDatabase } from '../support/database.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

const files = referenceFiles()

function pageOf(name: string): string {
  return files[`docs/reference/${name}.md`] ?? ''
}

describe('generated reference', () => {
  test.each(Object.keys(files))('generated file %s is what npm run docs writes', async (name) => {
    const stored = await readFile(path.join(rootFolder, name), 'utf8').catch(() => 'missing')
    expect(stored === files[name], `${name} is stale: run npm run docs`).toBe(true)
  })

  test('docs/reference holds no page that npm run docs does not write', async () => {
    const stored = await readdir(path.join(rootFolder, 'docs/reference'))
    expect(stored.map((name) => `docs/reference/${name}`).sort()).toEqual(
      Object.keys(files)
        .filter((name) => name.startsWith('docs/reference/'))
        .sort(),
    )
  })

  test('reference pages do not depend on the terminal', () => {
    const { columns } = process.stdout
    const { FORCE_COLOR: color } = process.env
    try {
      process.stdout.columns = 30
      process.env.FORCE_COLOR = '1'
      expect(referenceFiles()).toEqual(files)
    } finally {
      process.stdout.columns = columns
      if (color === undefined) delete process.env.FORCE_COLOR
      else process.env.FORCE_COLOR = color
    }
  })

  test.each(createProgram().commands.map((command) => [command.name(), command] as const))(
    'commands.md shows usage, options and examples of cosell %s',
    (name, command) => {
      expect(pageOf('commands')).toContain(`\nUsage: cosell ${name}`)
      expect(pageOf('commands')).toContain(`\n  $ cosell ${name}`)
      for (const { flags } of command.options) expect(pageOf('commands')).toContain(`  ${flags} `)
    },
  )

  test('settings.md and error-codes.md list every variable and every code', () => {
    for (const [name] of settingRows) expect(pageOf('settings')).toContain(`| \`${name}\` |`)
    for (const code of Object.keys(errorCodes)) {
      expect(pageOf('error-codes')).toContain(`| \`${code}\` |`)
    }
  })
})

describe('.env.example', () => {
  const example = files['.env.example'] ?? ''

  test('.env.example sets nothing until a line is uncommented', () => {
    expect(parseEnv(example)).toEqual({})
  })

  test('.env.example names every setting with its default, and no secret has one', () => {
    const variables = parseEnv(example.replace(/^#(?=COSELL_)/gm, ''))
    expect(Object.keys(variables).sort()).toEqual(settingRows.map(([name]) => name).sort())
    const filled = Object.entries(variables).filter(([, value]) => value !== '')
    const config = loadConfig({}, Object.fromEntries(filled), rootFolder)
    // An address of the API that is the default is a setting of an account all the same.
    const given = { accountsPlace: 'COSELL_ACCOUNT (environment)', variable: config.variable }
    expect(config).toEqual({ ...loadConfig({}, {}, rootFolder), ...given })
    for (const [name, { isSecret }] of settingRows) if (isSecret) expect(variables[name]).toBe('')
  })
})

/** A file of Insights with one lead. */
const leads = `${[
  ...['Referral ID', 'Creation Date', 'Updated Date', 'PartnerID', 'Customer Country'],
  ...['Customer City', 'Customer Name', 'Lead Type', 'Lead Source', 'Call to action'],
  ...['Referral program', 'Business profile ID', 'Offer ID', 'Offer name', 'Lead currency'],
  ...['Lead value', 'Lead value (USD)', 'Status', 'Status Reason'],
].join(',')}
f7eaae47-0b84-4ac4-b4ea-5b2587d42cee,1/31/2026,2/28/2026,,,,,,,,,,,,,,,Active,
`

/** Paths of a result, as json.md writes them; a path in `whole` stands for all that is below. */
function pathsOf(value: unknown, whole: ReadonlySet<string>, at = ''): string[] {
  if (whole.has(at) || typeof value !== 'object' || value === null) return [at]
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, whole, `${at}[]`))
  return Object.entries(value).flatMap(([key, item]) =>
    pathsOf(item, whole, at === '' ? key : `${at}.${key}`),
  )
}

/** An explanation with an element in each list that may be empty. */
function withLists({ status, explanation }: Record<string, unknown>): unknown {
  const lists = { notes: ['-'], registrations: ['-'], findings: ['-'] }
  const { comparison, ...rest } = explanation as { comparison: object }
  return {
    status,
    explanation: { ...rest, ...lists, comparison: { ...comparison, differences: ['-'] } },
  }
}

describe('json.md', () => {
  test(
    'json.md names the keys of every result that a command prints',
    () =>
      withHome((home) =>
        withSandbox({ referrals: 60, broken: 3 }, ({ url: api }) =>
          withDatabase(async (db, url) => {
            const settings = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
            const result = async (...args: string[]) =>
              resultOf(await runCli([...args, '--json'], { cwd: home, env: settings }))
            const hasKeysOf = (name: keyof typeof jsonResults) => (found: unknown) => {
              const keys = Object.keys(jsonResults[name].keys)
              // Of a load only one that failed has these; test/cli/workers.test.ts has one.
              const ofFailure = keys.includes('accounts[].exit_code')
                ? ['exit_code', 'code', 'message']
                : []
              const documented = keys.filter((key) => !ofFailure.includes(key))
              const paths = new Set(pathsOf(found, new Set(documented)))
              expect([...paths].sort(), JSON.stringify(found)).toEqual(documented.sort())
            }
            hasKeysOf('failure')(await result('quarantine', 'show', 'no-such-id'))
            // Up to date: its lists are empty and have no elements to look into.
            expect(Object.keys(await result('migrate'))).toEqual(
              Object.keys(jsonResults.migrate.keys).map((key) => key.replace('[]', '')),
            )
            hasKeysOf('runSummary')(await result('run'))
            hasKeysOf('runSummary')(await result('rebuild'))
            hasKeysOf('runSummary')(await result('quarantine', 'retry'))
            // Amounts and rows that a rebuild repairs, and a referral that it holds again.
            await sql`
              update dw.fact_referral set deal_value_amount = 1, row_hash = 0`.execute(db)
            await sql`delete from dw.fact_acv_schedule where contract_year_no = 1`.execute(db)
            await sql`
              update etl.quarantine set resolved_run_id = last_run_id
              where resource_id = (select min(resource_id) from etl.quarantine)`.execute(db)
            hasKeysOf('difference')(await result('rebuild', '--diff'))
            hasKeysOf('runSummary')(await result('rebuild'))
            const { entries } = await result('quarantine', 'list')
            hasKeysOf('quarantineList')({ status: 'ok', entries })
            const [{ referral_id: id }] = entries as [{ referral_id: string }]
            const loaded = await db
              .selectFrom('dw.dim_referral')
              .select('referral_id')
              .executeTakeFirstOrThrow()
            const rates = 'currency,date,rate\nEUR,2026-01-02,1.1\n'
            await writeFile(path.join(home, 'rates.csv'), rates)
            const noSignIn = { COSELL_REFRESH_TOKEN: 'no-such-token', COSELL_HOME: 'other' }
            const doctor = runCli(['doctor', '--json'], {
              cwd: home,
              env: { ...settings, ...noSignIn },
            })
            await Promise.all([
              result('backfill', '--plan', '--from', '2026-01-01').then(hasKeysOf('backfillPlan')),
              result('status').then(hasKeysOf('status')),
              result('findings').then(hasKeysOf('findings')),
              result('explain', loaded.referral_id, '--people')
                .then(withLists)
                .then(hasKeysOf('explained')),
              result('check').then(hasKeysOf('check')),
              result('account', 'list').then(hasKeysOf('accountList')),
              result('quarantine', 'show', id).then(hasKeysOf('quarantineShow')),
              result('report').then(hasKeysOf('report')),
              result('export', 'lake').then(hasKeysOf('exported')),
              result('docs').then(hasKeysOf('docs')),
              result('fx', 'rates.csv').then(hasKeysOf('fx')),
              doctor.then(resultOf).then(hasKeysOf('doctor')),
            ])
            await writeFile(path.join(home, 'leads.csv'), leads)
            hasKeysOf('imported')(await result('import', 'leads.csv', '--account', 'files'))
            hasKeysOf('accountRename')(await result('account', 'rename', 'default', 'renamed'))
            hasKeysOf('erased')(await result('erase', '--email', 'no@example.com', '--yes'))
            hasKeysOf('purgePlan')(await result('purge', '--runs', '400', '--plan'))
            hasKeysOf('purged')(await result('purge', '--runs', '400', '--yes'))
            hasKeysOf('forget')(await result('forget', '--account', 'renamed', '--yes'))
            hasKeysOf('accountKept')(await result('account', 'add', 'kept'))
          }),
        ),
      ),
    180_000,
  )
})
