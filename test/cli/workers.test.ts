import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonResults } from '../../scripts/reference/json-results.ts'
import { type Sandbox, startSandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { withDatabase } from '../support/database.ts'
import { deadlineOnSignal, shortestDeadline } from '../support/deadline-on-signal.ts'
import { type CliOptions, resultOf, runCli, startCli } from '../support/run-cli.ts'
import { writeAccounts } from '../support/sandbox-accounts.ts'
import { withServer } from '../support/scripted-server.ts'
import { withHome } from '../support/with-pipeline.ts'

interface World {
  readonly home: string
  readonly options: CliOptions
  readonly sandboxes: readonly Sandbox[]
  /** Writes the accounts file: a name, an address, and a refresh token where it is not the right one. */
  configure(accounts: readonly (readonly [string, string, string?])[]): Promise<void>
}

function withWorld(count: number, use: (world: World) => Promise<void>): Promise<void> {
  return withHome((home) =>
    withDatabase(async (_, url) => {
      const seeds = Array.from({ length: count }, (_, index) => 401 + index)
      const sandboxes = await Promise.all(
        seeds.map((seed) => startSandbox({ referrals: 20, seed })),
      )
      const file = path.join(home, 'accounts.json')
      const env = { COSELL_DATABASE_URL: url, COSELL_ACCOUNTS_FILE: file }
      try {
        await use({
          home,
          options: { cwd: home, env: { ...env, COSELL_REQUESTS_PER_MINUTE: '60000' } },
          sandboxes,
          configure: (accounts) =>
            writeAccounts(
              file,
              accounts.map(([name, url, refreshToken]) => ({
                ...{ name, url },
                ...(refreshToken === undefined ? {} : { refreshToken }),
              })),
            ),
        })
      } finally {
        for (const sandbox of sandboxes) await sandbox.close()
      }
    }),
  )
}

/** An account that publishes, and one whose API never answers. */
function withHanging(use: (world: World) => Promise<void>): Promise<void> {
  return withWorld(1, (world) =>
    withServer(
      () => ({ by: () => undefined }),
      async (hanging) => {
        const [good] = world.sandboxes
        await world.configure([
          ['good', good?.url ?? ''],
          ['hanging', hanging.url],
        ])
        await use(world)
      },
    ),
  )
}

describe('cosell run with several accounts', () => {
  test('a failed account gives its exit code, unless it is tolerated; summary, ping and metrics tell of every account', () =>
    withWorld(3, ({ home, options, sandboxes, configure }) =>
      withServer(
        () => ({}),
        async (monitor) => {
          const [north, south, west] = sandboxes.map(({ url }) => url)
          await configure([
            ['north', north ?? ''],
            ['south', south ?? '', 'a-dead-token'],
            ['west', west ?? ''],
          ])
          const metrics = path.join(home, 'cosell.prom')
          const run = (...more: string[]) => {
            const env = { ...options.env, COSELL_PING_URL: `${monitor.url}/job` }
            const args = ['run', '--workers', '3', '--metrics-file', metrics, ...more]
            return runCli(args, { ...options, env })
          }
          const failed = await run('--json')
          expect(failed.code, failed.stderr).toBe(77)
          const result = resultOf(failed)
          const documented = Object.keys(jsonResults.runSummary.keys)
          expect(Object.keys(result).sort()).toEqual(
            [...new Set(documented.map((key) => key.split(/[.[]/)[0]))].sort(),
          )
          const published = { status: 'published', exit_code: 0, code: null, message: null }
          const code = 'auth.refresh_token_expired'
          expect(result).toMatchObject({
            ...{ status: 'partly', exit_code: 77, code, seen: 40, changed: 40 },
            accounts: [
              { account: 'north', ...published, seen: 20, changed: 20, quarantined: 0 },
              {
                ...{ account: 'south', status: 'failed', exit_code: 77, code },
                ...{ message: result.message, run_ids: [], seen: 0, changed: 0, requests: 0 },
              },
              { account: 'west', ...published, seen: 20, changed: 20, quarantined: 0 },
            ],
          })
          const samples = await readFile(metrics, 'utf8')
          expect(samples.match(/^cosell_run_exit_code.*$/gm)?.sort()).toEqual([
            'cosell_run_exit_code{account="north"} 0',
            'cosell_run_exit_code{account="south"} 77',
            'cosell_run_exit_code{account="west"} 0',
          ])
          expect(samples).toContain('cosell_command_exit_code{command="run"} 77')

          const tolerated = await run('--json', '--tolerate', '1')
          expect(tolerated.code, tolerated.stderr).toBe(0)
          expect(resultOf(tolerated)).toMatchObject({ status: 'partly', exit_code: 0, code })
          const again = await readFile(metrics, 'utf8')
          expect(again).toContain('cosell_run_exit_code{account="south"} 77')
          expect(again).toContain('cosell_command_exit_code{command="run"} 0')

          const shown = await run()
          expect(shown.code).toBe(77)
          const lines = shown.stdout.split('\n')
          expect(lines[0]).toMatch(/^Account +Status +Seen +Changed +Quarantined +Time$/)
          expect(lines[1]).toMatch(/^north +published /)
          expect(lines[2]).toMatch(/^south +failed: auth\.refresh_token_expired \(77\) /)
          expect(lines[3]).toMatch(/^west +published /)

          const pings = monitor.requests.map(({ path: to, body }) => ({ to, ...JSON.parse(body) }))
          const counts = { accounts: 3, accounts_failed: 1 }
          expect(pings[0]).toEqual({ to: '/job/fail', code, exitCode: 77, ...counts })
          expect(pings[1]).toMatchObject({ to: '/job', status: 'partly', ...counts })
          expect(pings[2]).toEqual(pings[0])
          expect(monitor.requests.map(({ body }) => body).join()).not.toMatch(/north|south|west/)
        },
      ),
    ))

  test('a deadline that ended tolerated accounts alone leaves the exit code 0, and otherwise gives 75', () =>
    withHanging(async ({ home, options }) => {
      const preload = await deadlineOnSignal(home)
      const env = { ...options.env, ...shortestDeadline }
      const run = async (...more: string[]) => {
        const args = ['run', '--workers', '2', '--json', ...more]
        const started = startCli(args, { ...options, env, preload })
        await started.waitFor('"msg":"published"')
        started.child.kill('SIGUSR2')
        return started.ended
      }
      const tolerated = await run('--tolerate', '1')
      expect(tolerated.code, tolerated.stderr).toBe(0)
      const accounts = [
        { account: 'good', status: 'published', exit_code: 0 },
        { account: 'hanging', status: 'failed', exit_code: 75, code: 'run.deadline' },
      ]
      expect(resultOf(tolerated)).toMatchObject({ status: 'partly', exit_code: 0, accounts })
      const failed = await run()
      expect(failed.code, failed.stderr).toBe(75)
      expect(resultOf(failed)).toMatchObject({ status: 'partly', exit_code: 75, accounts })
    }))

  test('--account loads the named accounts alone, and an unknown name ends with 2 before anything is read', () =>
    withWorld(3, async ({ options, sandboxes, configure }) => {
      const names = ['north', 'south', 'west']
      await configure(names.map((name, index) => [name, sandboxes[index]?.url ?? '']))
      const unknown = await runCli(['run', '--account', 'east', '--json'], options)
      expect(resultOf(unknown)).toMatchObject({ exit_code: 2, code: 'account.not_configured' })
      expect(sandboxes.flatMap(({ requests }) => requests)).toEqual([])
      const some = await runCli(['run', '--account', 'west', 'north', '--json'], options)
      expect(resultOf(some)).toMatchObject({
        accounts: [
          { account: 'north', status: 'published' },
          { account: 'west', status: 'published' },
        ],
      })
      expect(sandboxes[1]?.requests).toEqual([])
    }))

  test('a signal is not tolerated, and the last line tells of the accounts that had published', () =>
    withHanging(async ({ options }) => {
      const args = ['run', '--workers', '2', '--tolerate', '1', '--json']
      const started = startCli(args, options)
      await started.waitFor('"msg":"published"')
      started.child.kill('SIGTERM')
      const ended = await started.ended
      expect(ended.code, ended.stderr).toBe(143)
      expect(resultOf(ended)).toMatchObject({
        ...{ status: 'partly', exit_code: 143, code: 'signal.terminated', seen: 20 },
        accounts: [{ status: 'published' }, { status: 'failed', exit_code: 143 }],
      })
    }))

  test.each([
    [['run', '--workers', '0']],
    [['run', '--workers', '65']],
    [['backfill', '--from', '2026-01-01', '--workers', 'all']],
    [['rebuild', '--tolerate', '-1']],
  ])('%j is wrong usage', (args) =>
    withHome(async (home) => {
      const ended = await runCli(args, { cwd: home })
      expect(ended).toMatchObject({ code: 2, stdout: '' })
      expect(ended.stderr).toContain('Expected a whole number')
    }),
  )
})
