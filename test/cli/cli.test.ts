import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { jsonResults } from '../../scripts/reference/json-results.ts'
import { settings } from '../../src/config/settings.ts'
import { exitCodes } from '../../src/exit-codes.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { stopEmbedded } from '../../src/warehouse/embedded/embedded.ts'
import { withDatabase } from '../support/database.ts'
import { type CliResult, resultOf, runCli, startCli } from '../support/run-cli.ts'
import { withServer } from '../support/scripted-server.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

const commands = [
  'run',
  'backfill',
  'import',
  'rebuild',
  'fx',
  'enqueue',
  'worker',
  'status',
  'check',
  'doctor',
  'open',
  'report',
  'export',
  'quarantine',
  'docs',
  'explain',
  'findings',
  'sql',
  'mcp',
  'login',
  'account',
  'forget',
  'erase',
  'purge',
  'migrate',
  'warehouse',
  'completion',
  'demo',
  'sandbox',
]
const closed = 'postgres://ada:hidden-word@127.0.0.1:9/nowhere'
const token = 'an-unknown-token'
const population = ['--referrals', '60', '--json']

/** Returns the lines of standard error before the failure message that are not log events. */
function strayLines({ stderr }: CliResult): string[] {
  const [logged = ''] = stderr.split(/^cosell: /m)
  return logged.split('\n').filter((line) => line !== '' && !/^\{"level":\d0,"time":/.test(line))
}

describe('cosell --help', () => {
  test('cosell --help lists every command, every setting and every exit code', () =>
    withHome(async (home) => {
      const { code, stdout, stderr } = await runCli(['--help'], { cwd: home })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const listed = [...stdout.matchAll(/^ {2}([a-z]+) \[[a-z]+\]/gm)].map(([, name]) => name)
      expect(listed.filter((name) => name !== 'help')).toEqual(commands)
      for (const name of Object.keys(settings)) expect(stdout).toContain(`  ${name} `)
      for (const { code: exit } of Object.values(exitCodes)) {
        expect(stdout).toMatch(new RegExp(`^ {2}${exit} +\\w`, 'm'))
      }
    }))

  test.concurrent.each(commands)('cosell %s --help shows usage, options and examples', (command) =>
    withHome(async (home) => {
      const { code, stdout } = await runCli([command, '--help'], { cwd: home })
      expect(code).toBe(0)
      expect(stdout).toContain(`Usage: cosell ${command}`)
      expect(stdout).toContain('--json')
      expect(stdout).toMatch(new RegExp(`Examples:\n {2}\\$ cosell ${command}`))
    }),
  )
})

describe('a failing command', () => {
  test.concurrent.each<{
    args: string[]
    env?: Record<string, string>
    exits: number
    says: string
    why: string
  }>([
    { args: ['rnu'], exits: 2, says: 'Did you mean run?', why: 'no such command' },
    { args: [], exits: 2, says: 'Usage: cosell', why: 'no command at all' },
    { args: ['run', '--fulll'], exits: 2, says: 'Did you mean --full?', why: 'no such option' },
    {
      args: ['quarantine'],
      exits: 2,
      says: "missing required argument 'action'",
      why: 'no action',
    },
    { args: ['quarantine', 'empty'], exits: 2, says: 'list, show, retry', why: 'no such action' },
    { args: ['quarantine', 'list', 'x'], exits: 2, says: 'no referral id', why: 'an extra id' },
    {
      args: ['quarantine', 'list', '--diff'],
      exits: 2,
      says: 'no --diff',
      why: 'a diff of a list',
    },
    { args: ['check', '--max-age', '1.5h'], exits: 2, says: '90m, 26h or 2d', why: 'no such age' },
    { args: ['run', 'now'], exits: 2, says: 'too many arguments', why: 'an extra word' },
    {
      args: ['demo', '--referrals', '-5'],
      exits: 2,
      says: 'Expected a whole number',
      why: 'a negative number',
    },
    {
      args: ['run'],
      env: { COSELL_PAGESIZE: '10' },
      exits: 78,
      says: 'did you mean COSELL_PAGE_SIZE?',
      why: 'no such setting',
    },
    {
      args: ['status'],
      env: { COSELL_DATABASE_URL: 'mysql://127.0.0.1/cosell' },
      exits: 78,
      says: 'COSELL_DATABASE_URL',
      why: 'another kind of database',
    },
    {
      args: ['status', '--json'],
      env: { COSELL_DATABASE_URL: closed },
      exits: 75,
      says: 'PostgreSQL at 127.0.0.1:9/nowhere: cannot connect',
      why: 'the database is down',
    },
    {
      args: ['demo'],
      env: { COSELL_HOME: '/dev/null/home' },
      exits: 78,
      says: 'Set COSELL_HOME to a folder',
      why: 'a file is above the home',
    },
    {
      args: ['demo'],
      env: { COSELL_HOME: '/proc/none/home' },
      exits: 78,
      says: 'Set COSELL_HOME to a folder',
      why: 'the home is where no folder can be made',
    },
    {
      args: ['warehouse', '--stop'],
      env: { COSELL_HOME: '/dev/null' },
      exits: 78,
      says: 'Set COSELL_HOME to a folder',
      why: 'the home is a file',
    },
    {
      args: ['demo'],
      env: { COSELL_HOME: 'missing/home', COSELL_PG_BINDIR: '/nonexistent' },
      exits: 78,
      says: 'Correct it, or unset it',
      why: 'a folder without PostgreSQL',
    },
    {
      args: ['sandbox', '--port', '70000'],
      exits: 2,
      says: 'from 0 to 65535',
      why: 'no such port',
    },
    {
      args: ['warehouse'],
      env: { COSELL_DATABASE_URL: closed },
      exits: 78,
      says: 'Unset it',
      why: 'a server is configured',
    },
  ])('cosell $args ends with $exits and says what to do: $why', ({ args, env = {}, exits, says }) =>
    withHome(async (home) => {
      const end = await runCli(args, { cwd: home, env })
      expect(end.code, end.stderr).toBe(exits)
      expect(end.stderr).toContain(says)
      expect(end.stderr + end.stdout).not.toContain('hidden-word')
      expect(await readdir(home), 'a command that fails leaves no files').toEqual([])
      if (!args.includes('--json')) expect(end.stdout).toBe('')
      else expect(resultOf(end)).toMatchObject({ status: 'failed', exit_code: exits })
    }),
  )
})

describe('cosell run', () => {
  test('cosell run takes its settings from .env, and prints nothing but the result', () =>
    withHome((home) =>
      withSandbox({ referrals: 60 }, ({ url: api }) =>
        withDatabase(async (_, url) => {
          const settings = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
          const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'\n`)
          await writeFile(path.join(home, '.env'), lines.join(''))
          const json = await runCli(['run', '--json'], { cwd: home })
          expect(json.code, json.stderr).toBe(0)
          expect(json.stdout.split('\n')).toHaveLength(2)
          expect(resultOf(json)).toEqual({
            status: 'published',
            accounts: [expect.objectContaining({ account: 'default', status: 'published' })],
            warehouse: `${new URL(url).host}${new URL(url).pathname}`,
            run_ids: [1],
            seen: 60,
            changed: 60,
            unchanged: 0,
            quarantined: 0,
            missing: 0,
            requests: expect.any(Number),
            throttled: 0,
            throttled_ms: 0,
            rows_written: expect.any(Number),
            duration_ms: expect.any(Number),
            stages: expect.any(Object),
            reconciliation: {
              fetched: 60,
              inserted: 60,
              updated: 0,
              unchanged: 0,
              superseded: 0,
              quarantined: 0,
              waiting: 0,
              rows_read: expect.any(Number),
              duplicates: expect.any(Number),
              carried_over: 0,
            },
          })
          expect(strayLines(json)).toEqual([])
          const text = await runCli(['run'], { cwd: home })
          expect(text.stdout).toContain('0 written: nothing changed')
          expect(strayLines(text)).toEqual([])
        }),
      ),
    ))

  test.concurrent.each([
    {
      why: 'the refresh token is rejected',
      settings: { COSELL_REFRESH_TOKEN: token },
      exits: 77,
    },
    {
      why: 'no server answers',
      settings: {
        COSELL_API_URL: 'http://127.0.0.1:9',
        COSELL_AUTHORITY_URL: 'http://127.0.0.1:9',
      },
      exits: 75,
    },
  ])('cosell run ends with $exits when $why, and prints no secret', ({ settings, exits }) =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, ({ url: api }) =>
        withDatabase(async (_, url) => {
          const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url, ...settings }
          const end = await runCli(['run', '--json'], { cwd: home, env })
          expect(end.code, end.stderr).toBe(exits)
          expect(resultOf(end)).toMatchObject({ status: 'failed', exit_code: exits })
          const secrets = [token, 'sandbox-refresh-token']
          expect(secrets.filter((secret) => (end.stdout + end.stderr).includes(secret))).toEqual([])
          expect(strayLines(end)).toEqual([])
        }),
      ),
    ),
  )
})

test('cosell quarantine lists, shows and retries referrals without printing people', () =>
  withHome((home) =>
    withSandbox({ referrals: 60, broken: 5 }, ({ url: api, referrals }) =>
      withDatabase(async (_, url) => {
        const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url, COSELL_ACCOUNT: 'north' }
        const printed: string[] = []
        const quarantine = async (...args: string[]) => {
          const end = await runCli(['quarantine', ...args], { cwd: home, env })
          printed.push(end.stdout, end.stderr)
          return end
        }
        expect(await runCli(['run'], { cwd: home, env })).toMatchObject({ code: 0 })
        const list = await quarantine('list', '--account', 'north', '--json')
        expect({ code: list.code, stray: strayLines(list) }).toEqual({ code: 0, stray: [] })
        const { status, entries } = resultOf(list) as {
          status: string
          entries: { referral_id: string; item_path: string }[]
        }
        expect(status).toBe('ok')
        expect(entries).toHaveLength(5)
        expect(entries[0]).toEqual({
          account: 'north',
          resource_type: 'referral',
          referral_id: expect.any(String),
          version_no: 1,
          reason_code: expect.any(String),
          item_path: expect.any(String),
          detail: expect.stringContaining('expected'),
          attempts: 1,
          first_run_id: 1,
          last_run_id: 1,
          resolved_run_id: null,
        })
        const ids = entries.map((entry) => entry.referral_id)
        const table = await quarantine('list')
        for (const id of ids) expect(table.stdout).toContain(id)
        for (const { referral_id: id, item_path } of entries) {
          const shown = await quarantine('show', id)
          expect(shown).toMatchObject({ code: 0 })
          expect(shown.stdout).toContain(`at ${item_path}: expected`)
        }
        const retried = await quarantine('retry', ids[0] ?? '', '--json')
        expect(retried.code, retried.stderr).toBe(0)
        expect(resultOf(retried)).toMatchObject({ run_ids: [2], seen: 1, quarantined: 1 })
        const one = resultOf(await quarantine('show', ids[0] ?? '', '--json'))
        expect(one).toMatchObject({ entries: [{ attempts: 2, last_run_id: 2, excerpt: {} }] })
        expect((await quarantine('retry')).stdout).toContain('5 quarantined')

        const people = referrals().flatMap(({ team, customerProfile, details }) => [
          ...[...(team ?? []), ...(customerProfile?.team ?? [])].flatMap((person) => [
            person.email,
            person.phoneNumber,
          ]),
          customerProfile?.name,
          details?.notes,
        ])
        const leaked = people.filter((text) => text && printed.join('').includes(text))
        expect(leaked).toEqual([])
        for (const args of [
          ['show', 'unknown'],
          ['retry', 'unknown'],
          ['show'],
          ['list', '--account', 'x'],
        ]) {
          expect(await quarantine(...args), args.join(' ')).toMatchObject({ code: 2, stdout: '' })
        }
      }),
    ),
  ))

test('cosell run reports its end to the dead-man switch, whose answer changes nothing', () =>
  withHome((home) =>
    withSandbox({ referrals: 20 }, ({ url: api }) =>
      withDatabase((_, url) =>
        withServer(
          () => ({ status: 500 }),
          async (monitor) => {
            const settings = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
            const env = { ...settings, COSELL_PING_URL: `${monitor.url}/job/` }
            const rejected = { ...env, COSELL_REFRESH_TOKEN: token }
            expect(await runCli(['run'], { cwd: home, env: rejected })).toMatchObject({ code: 77 })
            expect(await runCli(['run'], { cwd: home, env })).toMatchObject({ code: 0 })
            const [failed, done] = [monitor.requests.at(0), monitor.requests.at(-1)]
            expect(failed).toMatchObject({ method: 'POST', path: '/job/fail' })
            expect(JSON.parse(failed?.body ?? '')).toMatchObject({ exitCode: 77 })
            expect(done).toMatchObject({ method: 'POST', path: '/job/' })
            expect(JSON.parse(done?.body ?? '')).toMatchObject({ status: 'published', changed: 20 })
          },
        ),
      ),
    ),
  ))

test('cosell demo loads everything once, nothing the second time, and only changes the third', () =>
  withHome((home) =>
    withDatabase(async (_, url) => {
      const options = { cwd: home, env: { COSELL_DATABASE_URL: url } }
      const demo = async (...flags: string[]) => {
        const end = await runCli(['demo', ...population, ...flags], options)
        expect(end.code, end.stderr).toBe(0)
        return resultOf(end)
      }
      expect(await demo()).toMatchObject({ status: 'published', seen: 60, changed: 60 })
      expect(await demo()).toMatchObject({ changed: 0, rows_written: 0 })
      const changed = await demo('--change', '7')
      const { host, pathname } = new URL(url)
      const bare = `postgres://${host}${pathname}`
      expect(changed).toMatchObject({ changed: 7, bi_url: bare })
      // Documented keys that a failed account alone brings.
      const ofFailure = { exit_code: 1, code: 1, message: 1 }
      expect(Object.keys({ ...changed, ...ofFailure }).sort()).toEqual(
        [...new Set(Object.keys(jsonResults.demo.keys).map((key) => key.split(/[.[]/)[0]))].sort(),
      )
      const { stdout } = await runCli(['demo', '--referrals', '60'], options)
      expect(stdout).toContain(`\nConnection string for BI tools: ${bare}\n`)
      expect(stdout).toContain('in role cosell_bi;')
      expect(stdout).not.toMatch(/postgres:\/\/\S*@/)

      const status = resultOf(await runCli(['status', '--json'], options))
      expect(status).toMatchObject({
        status: 'ok',
        accounts: [{ account: 'demo', referrals: 60, open_quarantine: 0 }],
      })
      const rebuilt = resultOf(await runCli(['rebuild', '--json'], options))
      expect(rebuilt).toMatchObject({ seen: 60, requests: 0, rows_written: 0 })
      const migrated = resultOf(await runCli(['migrate', '--json'], options))
      expect(migrated).toMatchObject({ status: 'migrated', applied: [], statements: [] })
    }),
  ))

test('cosell demo --from-csv loads the same partner from files once, with the figures of Microsoft', () =>
  withHome((home) =>
    withDatabase(async (db, url) => {
      const options = { cwd: home, env: { COSELL_DATABASE_URL: url, COSELL_HOME: home } }
      const demo = async (...flags: string[]) => {
        const end = await runCli(['demo', '--from-csv', ...population, ...flags], options)
        expect(end.code, end.stderr).toBe(0)
        return end
      }
      expect(resultOf(await demo())).toMatchObject({
        status: 'published',
        seen: 60,
        changed: 60,
        requests: 0,
        bad_cells: 0,
      })
      expect(resultOf(await demo())).toMatchObject({ changed: 0, rows_written: 0 })
      const { rows } = await sql<{ figures: number; registrations: number }>`
        select count(*) filter (where microsoft_acv_amount is not null) as figures,
          count(*) as registrations
        from mart.acv_reconciliation`.execute(db)
      expect(rows[0]?.figures).toBeGreaterThan(0)
      const report = await readFile(path.join(home, 'report.html'), 'utf8')
      expect(report).toContain("Contract ACV beside Microsoft's")
    }),
  ))

test('cosell demo does not touch a warehouse with referrals of another account', () =>
  withHome((home) =>
    withSandbox({ referrals: 5 }, ({ url: api }) =>
      withDatabase(async (db, url) => {
        const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url, COSELL_ACCOUNT: 'real' }
        expect(await runCli(['run'], { cwd: home, env })).toMatchObject({ code: 0 })
        const end = await runCli(['demo', ...population], { cwd: home, env })
        expect(end.code).toBe(78)
        expect(end.stderr).toContain('(real)')
        const accounts = await db
          .selectFrom('dw.dim_partner_account')
          .select('account_code')
          .execute()
        expect(accounts).toEqual([{ account_code: 'real' }])
      }),
    ),
  ))

test('cosell run refuses the warehouse of cosell demo until cosell forget has removed the demo', () =>
  withHome((home) =>
    withSandbox({ referrals: 5 }, ({ url: api }) =>
      withDatabase(async (db, url) => {
        const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
        const cli = async (...args: string[]) =>
          resultOf(await runCli([...args, '--json'], { cwd: home, env }))
        expect(await cli('demo', '--referrals', '20')).toMatchObject({ changed: 20 })
        expect(await cli('run')).toMatchObject({ code: 'account.demo', exit_code: 78 })
        expect(await cli('forget', '--account', 'demo', '--yes')).toMatchObject({
          status: 'forgotten',
          is_configured: false,
        })
        expect(await cli('run')).toMatchObject({ changed: 5, accounts: [{ account: 'default' }] })
        const rates = await db.selectFrom('etl.fx_quote').select('rate_source').execute()
        expect(rates).toEqual([])
      }),
    ),
  ))

test('cosell status ends with 0 when its reader closes the pipe early', () =>
  withHome(async (home) => {
    await withDatabase(async (_, url) => {
      const run = startCli(['status'], { cwd: home, env: { COSELL_DATABASE_URL: url } })
      run.child.stdout?.destroy()
      const { code, stderr } = await run.ended
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    })
  }))

test.each([
  { signal: 'SIGTERM', exits: 143 },
  { signal: 'SIGINT', exits: 130 },
] as const)(
  'cosell sandbox prints its address, and $signal ends it with $exits',
  ({ signal, exits }) =>
    withHome(async (home) => {
      const sandbox = startCli(['sandbox', ...population], { cwd: home })
      const { url, status } = resultOf(await sandbox.waitFor('"url"'))
      expect(status).toBe('running')
      const state = await fetch(`${url}/sandbox/state`)
      expect(await state.json()).toMatchObject({ referrals: 60 })
      sandbox.child.kill(signal)
      const end = await sandbox.ended
      expect(end).toMatchObject({ code: exits, signal: null, stderr: '' })
      await expect(fetch(`${url}/sandbox/state`)).rejects.toThrow()
    }),
)

test('cosell sandbox ends with 78 when another program has its port', () =>
  withHome((home) =>
    withServer(
      () => ({ status: 204 }),
      async (other) => {
        const { port } = new URL(other.url)
        const end = await runCli(['sandbox', ...population, '--port', port], { cwd: home })
        expect(resultOf(end)).toMatchObject({ code: 'sandbox.port', exit_code: 78 })
        expect(end.stderr).toContain(`--port ${port}: expected a port`)
      },
    ),
  ))

test('cosell demo loads nothing while its report has no place', () =>
  withHome((home) =>
    withDatabase(async (db, url) => {
      const env = { COSELL_DATABASE_URL: url, COSELL_HOME: '/dev/null' }
      const end = await runCli(['demo', ...population], { cwd: home, env })
      expect(resultOf(end)).toMatchObject({ code: 'report.not_written', exit_code: 78 })
      expect(await db.selectFrom('etl.run').selectAll().execute()).toEqual([])
    }),
  ))

describe('the embedded warehouse', () => {
  test('cosell warehouse runs from its printed connection string until SIGINT, and ends with 130', () =>
    withEmbeddedHome(async (home) => {
      const keeper = startCli(['warehouse', '--json'], { cwd: home })
      const { url, version } = resultOf(await keeper.waitFor('"url"'))
      expect(new URL(String(url)).username).toBe('cosell_reader')
      const { query, close } = await openDatabase(String(url))
      const found = await sql<{ version: string }>`
        select current_setting('server_version') as version`.execute(query)
      expect(found.rows[0]?.version).toContain(String(version))
      expect(await query.selectFrom('dw.fact_referral').selectAll().execute()).toEqual([])
      await close()
      keeper.child.kill('SIGINT')
      expect(await keeper.ended).toMatchObject({ code: 130, signal: null, stderr: '' })
      await expect(openDatabase(String(url))).rejects.toMatchObject({
        code: 'database.unreachable',
      })
    }))

  test('the embedded warehouse runs after cosell demo until cosell warehouse --stop', () =>
    withEmbeddedHome(async (home) => {
      const options = { cwd: home }
      const demo = await runCli(['demo', '--referrals', '60'], options)
      expect(demo.code, demo.stderr).toBe(0)
      for (const text of [
        '60 changed',
        'dw.fact_referral',
        'Contract ACV',
        'Look around:',
        ' open "?as_of=2026-06-30"\n',
        ' findings\n',
        ' sql\n',
        'report.html',
      ]) {
        expect(demo.stdout).toContain(text)
      }
      const url = /^Connection string for BI tools: (\S+)$/m.exec(demo.stdout)?.[1] ?? ''
      expect(new URL(url).username).toBe('cosell_reader')
      expect(demo.stdout.match(/postgres:\/\//g), 'other addresses').toHaveLength(1)
      const { query, close } = await openDatabase(url)
      expect(await query.selectFrom('dw.fact_referral').selectAll().execute()).toHaveLength(60)
      await close()
      const asked = await runCli(['sql', 'select session_user', '--format', 'csv'], options)
      expect(asked).toMatchObject({ code: 0, stdout: 'session_user\ncosell_reader\n' })
      const stop = async () => resultOf(await runCli(['warehouse', '--stop', '--json'], options))
      const folder = path.join(home, '.cosell/postgres')
      expect(await stop()).toEqual({ status: 'stopped', folder })
      expect(await stop()).toEqual({ status: 'not running', folder })
      const status = await runCli(['status'], options)
      expect(status.stdout).toMatch(/^Account +demo\n(.+\n)*Referrals +60$/m)
      await expect(openDatabase(url)).rejects.toMatchObject({ code: 'database.unreachable' })
      const doctor = await runCli(['doctor', '--json'], options)
      const secret = await readFile(path.join(home, '.cosell/postgres/password'), 'utf8')
      const printed = [demo, status, doctor].map(({ stdout, stderr }) => stdout + stderr).join()
      expect(printed).not.toContain(secret.trim())
    }))
})

/** Provides a home folder whose embedded server is stopped after the test. */
function withEmbeddedHome(use: (home: string) => Promise<void>): Promise<void> {
  return withHome(async (folder) => {
    const { PATH = '', COSELL_PG_BINDIR: binDir } = process.env
    try {
      await use(folder)
    } finally {
      await stopEmbedded({ home: path.join(folder, '.cosell'), path: PATH, binDir })
    }
  })
}
