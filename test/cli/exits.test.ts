import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import pLimit from 'p-limit'
import { describe, expect, test } from 'vitest'
import { exitCodes } from '../../src/exit-codes.ts'
import type { Sandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withAltered } from '../support/altered-sandbox.ts'
import { withDatabase } from '../support/database.ts'
import { deadlineOnSignal, shortestDeadline } from '../support/deadline-on-signal.ts'
import { type CliProcess, type CliResult, resultOf, startCli } from '../support/run-cli.ts'
import { withHome, withSandbox } from '../support/with-pipeline.ts'

interface World {
  readonly db: Kysely<Database>
  readonly home: string
  readonly sandbox: Sandbox
  /** Starts a command over the simulated API. */
  start(
    args: readonly string[],
    more?: Readonly<Record<string, string>>,
    preload?: string,
  ): CliProcess
}

interface End {
  readonly code: number
  readonly why: string
  play(world: World): Promise<CliResult>
  /** Code of the failure in the result; none where the command prints another result, or nothing. */
  readonly failure?: string
  /** Status of the runs in the ledger. */
  readonly ledger: readonly string[]
  /** Rows of dw.fact_referral. */
  readonly published: number
  /** Pages had landed, and the next run goes on with them. */
  readonly isResumed?: true
  /** Longest time from the signal to the end, in milliseconds. */
  readonly endMsMax?: number
}

const referrals = 60
/** Longest time from a signal to the end; schedulers kill after 30 seconds or more. */
const promisedMs = 20_000
/** More processes at once would wait for one another. */
const limit = pLimit(3)
const population = { referrals, seed: 5, pageCap: 10 }

const run = (world: World, more: Record<string, string> = {}) =>
  world.start(['run', '--json'], more).ended

/** Milliseconds from its signal to the end of a command. */
const endedAt = new WeakMap<CliResult, number>()

/** Starts a command, and calls `meet` while it waits for a table, which is free after its end. */
function stopped(
  world: World,
  table: string,
  args: readonly string[],
  meet: (command: CliProcess) => Promise<void>,
): Promise<CliResult> {
  return world.db.transaction().execute(async (holder) => {
    await sql`lock table ${sql.table(table)} in access exclusive mode`.execute(holder)
    const command = world.start(args)
    await until(async () => (await countWaiting(world.db)) > 0)
    const from = performance.now()
    await meet(command)
    const end = await command.ended
    endedAt.set(end, performance.now() - from)
    return end
  })
}

function kill(...signals: NodeJS.Signals[]) {
  return async ({ child }: CliProcess) => {
    for (const signal of signals) {
      child.kill(signal)
      // Two of a kind that arrive together are one.
      await sleep(100)
    }
  }
}

/** Sessions of the program that wait for a lock. */
async function countWaiting(db: Kysely<Database>): Promise<number> {
  const found = await sql<{ sessions: number }>`
    select count(*) as sessions from pg_stat_activity
    where datname = current_database() and application_name = 'child'
      and wait_event_type = 'Lock'`.execute(db)
  return found.rows[0]?.sessions ?? 0
}

async function until(isTrue: () => Promise<boolean>) {
  while (!(await isTrue())) await sleep(10)
}

/** Runs over an API that takes its time, and ends the run by `end` once a page has landed. */
function whileReading(
  world: World,
  end: (command: CliProcess) => unknown,
  preload?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  return ofAltered(
    world.sandbox,
    () => sleep(300),
    async (url) => {
      const command = world.start(['run', '--json'], { ...at(url), ...more }, preload)
      await until(async () => (await countRows(world.db, 'raw.payload')) > 0)
      const from = performance.now()
      await end(command)
      const result = await command.ended
      endedAt.set(result, performance.now() - from)
      return result
    },
  )
}

/** The result of `use` at the address of an altered sandbox. */
async function ofAltered<T>(
  sandbox: Sandbox,
  alter: Parameters<typeof withAltered>[1],
  use: (url: string) => Promise<T>,
): Promise<T> {
  const results: T[] = []
  await withAltered(sandbox, alter, async (settings) => {
    results.push(await use(settings.COSELL_API_URL ?? ''))
  })
  const [result] = results
  if (result === undefined) throw new Error('nothing was used')
  return result
}

/** Versions by the run that landed them. */
async function landedByRun(db: Kysely<Database>): Promise<number[]> {
  const { rows } = await sql<{ versions: number }>`
    select count(*) as versions from raw.payload group by run_id order by run_id`.execute(db)
  return rows.map(({ versions }) => versions)
}

async function runsOf(db: Kysely<Database>): Promise<string[]> {
  const runs = await db.selectFrom('etl.run').select('run_status').orderBy('run_id').execute()
  return runs.map(({ run_status }) => run_status)
}

const at = (url: string) => ({ COSELL_API_URL: url, COSELL_AUTHORITY_URL: url })

async function countRows(db: Kysely<Database>, table: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(
    db,
  )
  return rows[0]?.n ?? 0
}

/** A file of Insights with one lead, created on `day`. */
const leadOf = (day: string) => `${[
  ...['Referral ID', 'Creation Date', 'Updated Date', 'PartnerID', 'Customer Country'],
  ...['Customer City', 'Customer Name', 'Lead Type', 'Lead Source', 'Call to action'],
  ...['Referral program', 'Business profile ID', 'Offer ID', 'Offer name', 'Lead currency'],
  ...['Lead value', 'Lead value (USD)', 'Status', 'Status Reason'],
].join(',')}
f7eaae47-0b84-4ac4-b4ea-5b2587d42cee,${day},2/28/2026,,,,,,,,,,,,,,,Active,
`

function withWorld(use: (world: World) => Promise<void>): Promise<void> {
  return limit(() =>
    withHome((home) =>
      withSandbox(population, (sandbox) =>
        withDatabase((db, url) => {
          const env = {
            ...sandboxSettings(sandbox.url),
            // The pace of a real API would take most of the time.
            COSELL_REQUESTS_PER_MINUTE: '60000',
            COSELL_DATABASE_URL: `${url}?application_name=child`,
          }
          const start: World['start'] = (args, more = {}, preload) =>
            startCli(args, {
              cwd: home,
              env: { ...env, ...more },
              ...(preload === undefined ? {} : { preload }),
            })
          return use({ db, home, sandbox, start })
        }),
      ),
    ),
  )
}

const nothing = { ledger: [], published: 0 }
const failed = { ledger: ['failed'], published: 0 }
const done = { ledger: ['published'], published: referrals }

const ends: readonly End[] = [
  { code: 0, why: 'everything is published', play: run, ...done },
  {
    code: 1,
    why: 'an account was never published',
    play: ({ start }) => start(['check', '--json']).ended,
    ...nothing,
  },
  {
    code: 2,
    why: 'an option is misspelled',
    play: ({ start }) => start(['run', '--fulll']).ended,
    ...nothing,
  },
  {
    code: 3,
    why: 'a cell of a file cannot be read',
    play: async ({ home, start }) => {
      await writeFile(path.join(home, 'leads.csv'), leadOf('31/31/2026'))
      return start(['import', 'leads.csv', '--json', '--account', 'files']).ended
    },
    ledger: ['published'],
    published: 1,
  },
  {
    code: 4,
    why: 'another run holds the account',
    play: async (world) => {
      const refused: CliResult[] = []
      const first = await whileReading(world, async () => {
        refused.push(await run(world))
      })
      expect(first.code, first.stderr).toBe(0)
      return refused[0] ?? first
    },
    failure: 'lease.held',
    ...done,
  },
  {
    code: 65,
    why: 'too many referrals cannot be loaded',
    play: (world) => withSandbox({ ...population, broken: 20 }, ({ url }) => run(world, at(url))),
    failure: 'quarantine.threshold',
    ...failed,
  },
  {
    code: 69,
    why: 'the API answers with pages that are none',
    play: (world) =>
      ofAltered(
        world.sandbox,
        ({ body }) => {
          body.value = 'none'
        },
        (url) => run(world, at(url)),
      ),
    failure: 'api.unusable_answer',
    ...nothing,
  },
  {
    code: 70,
    why: 'an error is thrown that nothing catches',
    play: async (world) => {
      const preload = path.join(world.home, 'stray.mjs')
      await writeFile(preload, "process.on('SIGUSR2', () => { throw new Error('stray') })")
      return whileReading(world, ({ child }) => child.kill('SIGUSR2'), preload)
    },
    failure: 'unexpected',
    ...failed,
    isResumed: true,
  },
  {
    code: 74,
    why: 'standard output is closed',
    play: ({ start }) => {
      const { child, ended } = start(['run', '--json'])
      child.stdout?.destroy()
      return ended
    },
    ...done,
  },
  {
    code: 75,
    why: 'nobody answers at the address of the API',
    play: (world) => run(world, at('http://127.0.0.1:9')),
    failure: 'api.unreachable',
    ...nothing,
  },
  {
    code: 75,
    why: 'the deadline comes while pages are read',
    play: async (world) => {
      const preload = await deadlineOnSignal(world.home)
      const kill = ({ child }: CliProcess) => child.kill('SIGUSR2')
      return whileReading(world, kill, preload, shortestDeadline)
    },
    failure: 'run.deadline',
    ...failed,
    isResumed: true,
  },
  {
    code: 77,
    why: 'the sign-in is rejected',
    play: (world) => run(world, { COSELL_REFRESH_TOKEN: 'an-unknown-token' }),
    failure: 'auth.refresh_token_expired',
    ...nothing,
  },
  {
    code: 78,
    why: 'a setting is wrong',
    play: (world) => run(world, { COSELL_PAGE_SIZE: 'many' }),
    failure: 'config.invalid',
    ...nothing,
  },
  ...(
    [
      { signal: 'SIGHUP', code: 129, failure: 'signal.hangup' },
      { signal: 'SIGINT', code: 130, failure: 'signal.interrupted' },
      { signal: 'SIGTERM', code: 143, failure: 'signal.terminated' },
    ] as const
  ).flatMap(({ signal, code, failure }): End[] => [
    {
      code,
      why: `${signal} comes while pages are read`,
      play: (world) => whileReading(world, ({ child }) => child.kill(signal)),
      failure,
      ...failed,
      isResumed: true,
      endMsMax: promisedMs,
    },
    {
      code,
      why: `${signal} comes while the publish waits`,
      play: (world) => stopped(world, 'etl.run_table', ['run', '--json'], kill(signal)),
      failure,
      ...failed,
      endMsMax: promisedMs,
    },
    ...(signal === 'SIGHUP'
      ? []
      : [
          {
            code,
            why: `${signal} comes twice while the publish waits`,
            play: (world: World) =>
              stopped(world, 'etl.run_table', ['run', '--json'], kill(signal, signal)),
            ledger: ['extracted'],
            published: 0,
            endMsMax: 5_000,
          },
        ]),
  ]),
  {
    code: 143,
    why: 'SIGTERM comes while a command other than a run waits for a lock',
    play: async (world) => {
      await writeFile(
        path.join(world.home, 'rates.csv'),
        'currency,date,rate\nEUR,2026-01-02,1.1\n',
      )
      return stopped(world, 'etl.fx_quote', ['fx', 'rates.csv', '--json'], kill('SIGTERM'))
    },
    failure: 'signal.terminated',
    ...nothing,
    endMsMax: promisedMs,
  },
]

describe.concurrent('the end of a command', () => {
  test('every exit code has a row', () => {
    const codes = Object.values(exitCodes).map(({ code }) => code)
    expect([...new Set(ends.map(({ code }) => code))].sort()).toEqual(codes.sort())
  })

  test.each(ends.map((end) => [`${end.code} when ${end.why}`, end] as const))(
    'cosell ends with %s, and the next run publishes everything',
    (_, { code, play, failure, ledger, published, endMsMax, isResumed }) =>
      withWorld(async (world) => {
        const { db } = world
        const end = await play(world)
        expect({ code: end.code, signal: end.signal }, end.stderr).toEqual({ code, signal: null })
        if (failure !== undefined) {
          expect(resultOf(end)).toMatchObject({ status: 'failed', code: failure, exit_code: code })
        }
        if (endMsMax !== undefined) {
          expect(endedAt.get(end), 'milliseconds from the signal to the end').toBeLessThan(endMsMax)
        }
        expect(await countRows(db, 'dw.fact_referral')).toBe(published)
        expect(await runsOf(db)).toEqual(ledger)
        // What a killed process held lapses within a minute.
        await sql`update etl.lease set expires_at = clock_timestamp()`.execute(db)
        const next = await run(world)
        expect(next.code, next.stderr).toBe(0)
        expect((await runsOf(db)).at(-1)).toBe('published')
        expect(resultOf(next)).toMatchObject({ status: 'published', quarantined: 0 })
        if (isResumed) {
          const [first = 0, second = 0] = await landedByRun(db)
          expect(first, 'what the first run landed is kept').toBeGreaterThan(0)
          expect(first + second, 'and is not landed again').toBe(referrals)
        }
        const loaded = await sql<{ n: number }>`
          select count(*) as n from dw.dim_referral where is_missing = false`.execute(db)
        expect(loaded.rows).toEqual([
          { n: published % referrals === 0 ? referrals : referrals + 1 },
        ])
      }),
    300_000,
  )
})
