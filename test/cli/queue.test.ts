import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { jsonResults } from '../../scripts/reference/json-results.ts'
import { isOlder } from '../../src/node-version.ts'
import { leastQueueNode } from '../../src/queue/load-library.ts'
import { startSandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { asLogin } from '../support/database-logins.ts'
import { queueNode } from '../support/queue-node.ts'
import { type CliOptions, resultOf, runCli, startCli } from '../support/run-cli.ts'
import { type SandboxAccount, writeAccounts } from '../support/sandbox-accounts.ts'
import { withServer } from '../support/scripted-server.ts'
import { withHome } from '../support/with-pipeline.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

let node = ''
beforeAll(async () => {
  node = await queueNode()
}, 300_000)

interface World {
  readonly db: Kysely<Database>
  readonly url: string
  readonly home: string
  readonly options: CliOptions
  /** Addresses of simulated APIs. */
  readonly sandboxes: readonly string[]
  configure(accounts: readonly SandboxAccount[]): Promise<void>
}

function withWorld(count: number, use: (world: World) => Promise<void>): Promise<void> {
  return withHome((home) =>
    withDatabase(async (db, url) => {
      const seeds = Array.from({ length: count }, (_, index) => 701 + index)
      const sandboxes = await Promise.all(
        seeds.map((seed) => startSandbox({ referrals: 20, seed })),
      )
      const file = path.join(home, 'accounts.json')
      const env = {
        COSELL_DATABASE_URL: url,
        COSELL_ACCOUNTS_FILE: file,
        COSELL_REQUESTS_PER_MINUTE: '60000',
      }
      const configure = (accounts: readonly SandboxAccount[]) => writeAccounts(file, accounts)
      const urls = sandboxes.map((sandbox) => sandbox.url)
      try {
        const options = { cwd: home, env, node }
        await use({ db, url, home, options, sandboxes: urls, configure })
      } finally {
        for (const sandbox of sandboxes) await sandbox.close()
      }
    }),
  )
}

interface JobLine {
  readonly job: string
  readonly kind: string
  readonly tries: number
  readonly next: string
  readonly retry_seconds: number | null
  readonly status: string
  readonly exit_code?: number
  readonly code?: string
  readonly accounts?: readonly { readonly account: string; readonly exit_code: number }[]
}

/**
 * Starts a worker, lets `meanwhile` happen once it waits, until it has told of `count` jobs, and stops it;
 * returns the lines of these.
 */
async function work(
  options: CliOptions,
  count: number,
  { workers = 4, meanwhile = async () => {} } = {},
): Promise<JobLine[]> {
  const started = startCli(['worker', '--json', '--workers', String(workers)], options)
  const end = await started.waitFor('waiting for jobs')
  await meanwhile()
  while (end.stdout.split('\n').length <= count) {
    if (started.child.exitCode !== null) throw new Error(`the worker ended: ${end.stderr}`)
    await new Promise((done) => setTimeout(done, 20))
  }
  started.child.kill('SIGTERM')
  const { code, stdout, stderr } = await started.ended
  expect(code, stderr).toBe(143)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function jobs(db: Kysely<Database>) {
  const { rows } = await sql<{
    account: string
    state: string
    output: { exit_code: number; code: string | null } | null
    wait_seconds: number
  }>`
    select data ->> 'account' as account, state::text as state, output,
      greatest(0, round(extract(epoch from start_after - now())))::integer as wait_seconds
    from cosell_queue.job order by data ->> 'account', created_on`.execute(db)
  return rows
}

describe('cosell enqueue and cosell worker', () => {
  test('every account gets one job, a worker loads it, and a second job is left out until then', () =>
    withWorld(3, async ({ db, options, sandboxes, configure }) => {
      const names = ['north', 'south', 'west']
      await configure(names.map((name, index) => ({ name, url: sandboxes[index] ?? '' })))
      const first = await runCli(['enqueue', '--json'], options)
      expect(first.code, first.stderr).toBe(0)
      const documented = Object.keys(jsonResults.enqueue.keys).map((key) => key.split(/[.[]/)[0])
      expect(Object.keys(resultOf(first)).sort()).toEqual([...new Set(documented)].sort())
      expect(resultOf(first)).toMatchObject({
        ...{ status: 'enqueued', kind: 'run', enqueued: 3, present: 0 },
        accounts: names.map((account) => ({ account, status: 'enqueued' })),
      })
      const second = await runCli(['enqueue', '--json'], options)
      expect(resultOf(second)).toMatchObject({
        ...{ enqueued: 0, present: 3 },
        accounts: names.map((account) => ({ account, status: 'present', job: null })),
      })
      const lines = await work(options, 3, { workers: 2 })
      expect(lines.map(({ accounts }) => accounts?.[0]?.account).sort()).toEqual(names)
      for (const line of lines) {
        expect(line).toMatchObject({ next: 'none', tries: 1, kind: 'run', status: 'published' })
        const keys = Object.keys(jsonResults.worker.keys).map((key) => key.split(/[.[]/)[0] ?? '')
        expect(keys).toEqual(expect.arrayContaining(Object.keys(line)))
      }
      expect((await jobs(db)).map(({ state }) => state)).toEqual(names.map(() => 'completed'))
      const { rows } = await sql<{ published: number }>`
        select count(*) filter (where run_status = 'published') as published from etl.run
        group by partner_account_key`.execute(db)
      expect(rows.map(({ published }) => published)).toEqual([1, 1, 1])

      const shown = await runCli(['enqueue', '--account', 'west'], options)
      expect(shown.code, shown.stderr).toBe(0)
      expect(shown.stdout).toMatch(/^Account +Job\nwest +enqueued\n\n1 enqueued, 0 on the queue/)
    }))

  test('a job is tried again after 75 and 4, given up after 77, and says when', () =>
    withWorld(2, async ({ db, options, sandboxes, configure }) => {
      const [north = '', south = ''] = sandboxes
      const away = 'http://127.0.0.1:9'
      await configure([
        { name: 'away', url: away },
        { name: 'dead', url: south, refreshToken: 'a-dead-token' },
        { name: 'held', url: north },
      ])
      // A run of the account has the lease, of another machine.
      expect((await runCli(['run', '--json', '--tolerate', '2'], options)).code).toBe(0)
      await sql`update etl.lease set holder = 'elsewhere', expires_at = now() + interval '5 minutes'`.execute(
        db,
      )
      expect((await runCli(['enqueue', '--json'], options)).code).toBe(0)
      const lines = await work(options, 3)
      const byCode = new Map(lines.map((line) => [line.exit_code, line]))
      expect(byCode.get(75)).toMatchObject({ next: 'again', retry_seconds: 60, tries: 1 })
      expect(byCode.get(4)).toMatchObject({ next: 'again', retry_seconds: 60, tries: 1 })
      expect(byCode.get(77)).toMatchObject({ next: 'given_up', retry_seconds: null, tries: 1 })
      const found = await jobs(db)
      expect(found).toMatchObject([
        { account: 'away', state: 'retry', output: { exit_code: 75 } },
        { account: 'dead', state: 'failed', output: { code: 'auth.refresh_token_expired' } },
        { account: 'held', state: 'retry', output: { exit_code: 4, code: 'lease.held' } },
      ])
      for (const { account, wait_seconds: seconds } of found) {
        if (account !== 'dead') expect(seconds).toBeGreaterThan(40)
      }
      // What waits for its next try is there already; what was given up gets a new job.
      const again = await runCli(['enqueue', '--json'], options)
      expect(resultOf(again)).toMatchObject({
        accounts: [{ status: 'present' }, { status: 'enqueued' }, { status: 'present' }],
      })
    }))

  test('a worker that is stopped puts its job back, and another one takes it at once', () =>
    withWorld(1, ({ db, options, sandboxes, configure }) =>
      withServer(
        () => ({ by: () => undefined }),
        async (hanging) => {
          await configure([{ name: 'north', url: hanging.url }])
          await runCli(['enqueue', '--json'], options)
          const started = startCli(['worker', '--json'], options)
          await started.waitFor('account begins')
          const stoppedAt = performance.now()
          started.child.kill('SIGTERM')
          const ended = await started.ended
          expect(ended.code, ended.stderr).toBe(143)
          expect(performance.now() - stoppedAt).toBeLessThan(20_000)
          expect(JSON.parse(ended.stdout)).toMatchObject({
            ...{ next: 'again', retry_seconds: 0, exit_code: 143, code: 'signal.terminated' },
          })
          expect(await jobs(db)).toMatchObject([{ state: 'retry', wait_seconds: 0 }])
          await configure([{ name: 'north', url: sandboxes[0] ?? '' }])
          const [line] = await work(options, 1)
          expect(line).toMatchObject({ next: 'none', job: JSON.parse(ended.stdout).job })
          // The one that was stopped may have been given its job again, which it puts back unread.
          expect(line?.tries).toBeGreaterThan(1)
        },
      ),
    ))

  test('a job of history is beside that of the night, one a span', () =>
    withWorld(1, async ({ options, sandboxes, configure }) => {
      await configure([{ name: 'north', url: sandboxes[0] ?? '' }])
      const enqueue = async (...more: string[]) =>
        resultOf(await runCli(['enqueue', '--json', ...more], options))
      const span = ['--backfill', '--from', '2026-01-01', '--to', '2026-02-01']
      expect(await enqueue()).toMatchObject({ enqueued: 1 })
      expect(await enqueue(...span)).toMatchObject({ kind: 'backfill', enqueued: 1 })
      expect(await enqueue(...span)).toMatchObject({ enqueued: 0, present: 1 })
      const lines = await work(options, 2, { workers: 1 })
      expect(lines).toMatchObject([
        { kind: 'run', next: 'none' },
        { kind: 'backfill', next: 'none' },
      ])
    }))

  test('a job for an account that the settings do not name is given up with 78', () =>
    withWorld(1, async ({ options, sandboxes, configure }) => {
      const url = sandboxes[0] ?? ''
      await configure([{ name: 'gone', url }])
      await runCli(['enqueue', '--json'], options)
      await configure([{ name: 'other', url }])
      const [line] = await work(options, 1)
      expect(line).toMatchObject({
        ...{ next: 'given_up', exit_code: 78, code: 'queue.unknown_account', status: 'failed' },
      })
    }))
})

describe('accounts of the warehouse on the queue', () => {
  test('one that is added while a worker waits is loaded, and the job of one that is disabled is given up', () =>
    withWorld(2, async ({ options: { cwd, env }, sandboxes }) => {
      const [east = '', north = ''] = sandboxes
      const token = sandboxSettings('').COSELL_REFRESH_TOKEN ?? ''
      const options = { cwd, node, env: { ...env, COSELL_ACCOUNTS_FILE: '', VAULTED: token } }
      const cli = async (...args: string[]) => {
        const ended = await runCli([...args, '--json'], options)
        expect(ended.code, ended.stderr).toBe(0)
        return resultOf(ended)
      }
      const add = (name: string, url: string) =>
        cli(
          ...['account', 'add', name, '--refresh-token', 'env:VAULTED', '--api-url', url],
          ...['--authority-url', url, '--tenant-id', 'sandbox', '--client-id', 'sandbox'],
        )
      await add('east', east)
      const meanwhile = async () => {
        await add('north', north)
        expect(await cli('enqueue')).toMatchObject({ enqueued: 2 })
      }
      const lines = await work(options, 2, { meanwhile })
      expect(lines).toMatchObject([{ next: 'none' }, { next: 'none' }])
      const loaded = lines.map(({ accounts }) => accounts?.[0]?.account)
      expect(loaded.sort()).toEqual(['east', 'north'])

      await cli('enqueue')
      await cli('account', 'disable', 'north')
      const after = await work(options, 2)
      expect(new Map(after.map(({ next, code }) => [next, code]))).toEqual(
        new Map([
          ['given_up', 'queue.unknown_account'],
          ['none', undefined],
        ]),
      )
    }))
})

describe('the schema of the queue', () => {
  test('an owner makes it; a login of cosell_loader puts jobs on it and takes them, and readers see nothing', () =>
    withWorld(1, async ({ db, url, options, sandboxes, configure }) => {
      await configure([{ name: 'north', url: sandboxes[0] ?? '' }])
      const as = (address: string) => ({
        ...options,
        env: { ...options.env, COSELL_DATABASE_URL: address },
      })
      await asLogin(url, ['cosell_loader'], async (loader) => {
        const refused = await runCli(['enqueue', '--json'], as(loader.url))
        expect(refused.code, refused.stderr).toBe(78)
        expect(resultOf(refused)).toMatchObject({ code: 'queue.not_prepared' })
        expect(refused.stderr).toContain('enqueue --prepare` once')
        await asLogin(url, ['cosell_owner'], async (owner) => {
          const prepared = await runCli(['enqueue', '--prepare', '--json'], as(owner.url))
          expect(prepared.code, prepared.stderr).toBe(0)
          expect(resultOf(prepared)).toMatchObject({ status: 'prepared' })
        })
        const { rows } = await sql<{ owner: string }>`
          select distinct pg_get_userbyid(relowner)::text as owner from pg_class
          where relnamespace = 'cosell_queue'::regnamespace
          union
          select pg_get_userbyid(nspowner)::text from pg_namespace where nspname = 'cosell_queue'
          union
          select pg_get_userbyid(proowner)::text from pg_proc
          where pronamespace = 'cosell_queue'::regnamespace`.execute(db)
        expect(rows).toEqual([{ owner: 'cosell_owner' }])
        const put = await runCli(['enqueue', '--json'], as(loader.url))
        expect(resultOf(put), put.stderr).toMatchObject({ enqueued: 1 })
        const [line] = await work(as(loader.url), 1)
        expect(line).toMatchObject({ next: 'none', status: 'published' })
        const doctor = await runCli(['doctor', '--json'], as(loader.url))
        expect(doctor.stdout).not.toContain('cosell_queue')
      })
      for (const group of ['cosell_bi', 'cosell_pii']) {
        await asLogin(url, [group], async (reader) => {
          await expect(
            sql`select count(*) from cosell_queue.job`.execute(reader.db),
          ).rejects.toThrow('permission denied for schema cosell_queue')
        })
      }
    }))
})

describe('the package of the queue', () => {
  const isOld = isOlder(process.versions.node, leastQueueNode)

  test.skipIf(!isOld).each(['enqueue', 'worker'])(
    '%s ends with 78 under an older Node.js, which runs every other command',
    (command) =>
      withHome(async (home) => {
        const ended = await runCli([command, '--json'], { cwd: home })
        expect(ended.code, ended.stderr).toBe(78)
        expect(resultOf(ended)).toMatchObject({ code: 'queue.node', exit_code: 78 })
        expect(ended.stderr).toContain(`got ${process.versions.node}`)
      }),
  )

  test.each(['enqueue', 'worker'])('%s ends with 78 where npm has left it out', (command) =>
    withHome(async (home) => {
      const program = await mkdtemp(path.join(tmpdir(), 'cosell-bare-'))
      try {
        await cp(path.dirname(inject('programDoor')), path.join(program, 'dist'), {
          recursive: true,
        })
        for (const name of ['package.json', 'sql']) {
          await symlink(path.join(root, name), path.join(program, name))
        }
        const door = path.join(program, 'dist/cli.js')
        const ended = await runCli([command, '--json'], { cwd: home, node, door })
        expect(ended.code, ended.stderr).toBe(78)
        expect(resultOf(ended)).toMatchObject({ code: 'queue.package', exit_code: 78 })
      } finally {
        await rm(program, { recursive: true, force: true })
      }
    }),
  )
})
