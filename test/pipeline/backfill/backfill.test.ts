import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { describe, expect, test, vi } from 'vitest'
import { readAccountState } from '../../../src/load/runs/ledger.ts'
import { backfill } from '../../../src/pipeline/backfill/backfill.ts'
import { planBackfill } from '../../../src/pipeline/backfill/backfill-plan.ts'
import type { RunSummary } from '../../../src/pipeline/run-summary.ts'
import { demoSettings } from '../../../src/sandbox/settings.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import {
  deadline,
  environmentFor,
  fill,
  fresh,
  from,
  interruptAfter,
  isListCall,
  now,
  pageCap,
  state,
  to,
  withArrivals,
} from '../../support/arrivals.ts'
import { countRows } from '../../support/digest.ts'
import { type CliProcess, resultOf, startCli } from '../../support/run-cli.ts'
import { failureOf, type TestPipeline, withPipeline } from '../../support/with-pipeline.ts'

const timeoutMs = 120_000

const windowsOf = (db: Kysely<Database>) =>
  db
    .selectFrom('etl.run as run')
    .innerJoin('etl.extract_window as window', 'window.run_id', 'run.run_id')
    .select([
      'run.run_id',
      'run.run_status',
      'window.window_status',
      'window.resume_at',
      'window.page_count',
      'window.referral_count',
    ])
    .where('run.run_mode', '=', 'backfill')
    .orderBy('run.run_id')
    .execute()

/**
 * A page that passes the end of its window is landed whole, and one that goes on may begin with the
 * row that the one before ended with: two windows bring a page or two more than they hold.
 */
function expectAbout(referrals: number, { seen }: RunSummary) {
  expect(seen).toBeGreaterThanOrEqual(referrals)
  expect(seen).toBeLessThanOrEqual(referrals + 2 * pageCap)
}

async function landedReferrals({ db }: TestPipeline): Promise<number> {
  const counts = await countRows(db, /^raw\.payload$/)
  return counts['raw.payload'] ?? 0
}

const listCalls = ({ sandbox }: TestPipeline) =>
  sandbox.requests.filter(({ url }) => isListCall(url)).length

describe('a backfill', () => {
  test('a backfill month by month leaves what one full run leaves', () =>
    withArrivals(async (nights) => {
      const summary = await fill(nights)
      expect(summary).toMatchObject({ status: 'published', changed: 40 })
      expectAbout(40, summary)
      expect(await state(nights.db)).toEqual(await fresh(nights))
      expect(await windowsOf(nights.db)).toMatchObject([
        { run_status: 'published', window_status: 'done', resume_at: null },
        { run_status: 'published', window_status: 'done', resume_at: null },
      ])
    }))

  test('a backfill reads the requested days, and at most a page of later referrals', () =>
    withArrivals(async (nights) => {
      expectAbout(10, await fill(nights, { from: '2026-07-10', to: '2026-07-20' }))
      const days = await nights.db
        .selectFrom('dw.fact_referral')
        .select('created_date')
        .orderBy('created_date')
        .execute()
      expect(days[0]?.created_date).toBe('2026-07-10')
      expect(days[9]?.created_date).toBe('2026-07-19')
      expect(days.length).toBeLessThan(10 + pageCap)
    }))

  test('a backfill before the first run leaves that run everything to read', () =>
    withArrivals(async (nights) => {
      await fill(nights)
      const key = 1
      expect(await readAccountState(nights.db, key)).toEqual({
        watermark: null,
        last_full_read_at: null,
      })
      expect(await nights.run()).toMatchObject({ seen: 40, changed: 0 })
      const modes = await nights.db.selectFrom('etl.run').select('run_mode').execute()
      expect(modes.at(-1)).toEqual({ run_mode: 'full' })
    }))

  test('a backfill after a run leaves the watermark and the day of the full read alone', () =>
    withArrivals(async (nights) => {
      await nights.run()
      const before = await readAccountState(nights.db, 1)
      expect(before.watermark).not.toBeNull()
      nights.sandbox.change(10)
      expect((await fill(nights)).changed).toBeGreaterThan(0)
      expect(await readAccountState(nights.db, 1)).toEqual(before)
    }))

  test('a backfill skips finished months, and reads all again when all are finished', () =>
    withArrivals(async (nights) => {
      await fill(nights, { from, to: '2026-08-01' })
      const july = await landedReferrals(nights)
      const rest = await fill(nights)
      expect(rest).toMatchObject({ changed: 40 - july })
      expectAbout(9, rest)
      const { environment, messages } = environmentFor(nights)
      const again = await backfill(environment, { from, to }, { now, pauseMs: 0 })
      expect(again).toMatchObject({ changed: 0, rows_written: 0 })
      expectAbout(40, again)
      expect(messages()).toContain('every window was read before: all are read again')
    }))

  test.each([
    { from: '2026-08-01', to: '2026-07-01' },
    { from: '2026-07-32', to: undefined },
  ])('a backfill from $from to $to is wrong usage, and asks and writes nothing', (span) =>
    withPipeline({ referrals: 3 }, async (nights) => {
      const { environment } = environmentFor(nights)
      for (const attempt of [backfill, planBackfill]) {
        const failure = await failureOf(attempt(environment, span))
        expect(failure).toMatchObject({ kind: 'usage', exitCode: 2 })
      }
      expect(nights.sandbox.requests).toEqual([])
      expect(await countRows(nights.db, /^etl\.(run|lease)$|dim_partner_account$/)).toEqual({
        'etl.run': 0,
        'etl.lease': 0,
        'dw.dim_partner_account': 0,
      })
    }),
  )
})

describe('a backfill over an API without date filters', () => {
  test('a backfill over an API without date filters reads everything at once, and logs it', () =>
    withArrivals(
      async (nights) => {
        const { environment, messages } = environmentFor(nights)
        const summary = await backfill(environment, { from, to }, { now, pauseMs: 0 })
        expect(summary).toMatchObject({ seen: 40, changed: 40 })
        expect(messages()).toContainEqual(
          expect.stringMatching(
            /does not filter by creation date, nor by update: every referral up to/,
          ),
        )
        expect(await windowsOf(nights.db)).toHaveLength(1)
        expect(await state(nights.db)).toEqual(await fresh(nights))
        expect(await readAccountState(nights.db, 1)).toMatchObject({ last_full_read_at: null })
      },
      { dateFilter: false },
    ))
})

describe('a stopped backfill', () => {
  /** Ends a backfill as its deadline does, at its request for page `pages` + 1 of its first window. */
  async function stopAfter(nights: TestPipeline, pages: number) {
    const started = environmentFor(nights)
    const first = (await windowsOf(nights.db)).length
    interruptAfter(nights, pages, started)
    const work = backfill(started.environment, { from, to }, { now, pauseMs: 0 })
    expect(await failureOf(work)).toMatchObject({ failure: deadline })
    return (await windowsOf(nights.db))[first]
  }

  test('a backfill that reaches its deadline ends with 75, and the next one reads only the rest', () =>
    withArrivals(async (nights) => {
      const stopped = await stopAfter(nights, 5)
      expect(stopped).toMatchObject({ run_status: 'failed', window_status: 'running' })
      expect(stopped?.resume_at).not.toBeNull()
      expect(await countRows(nights.db, /^dw\.fact_referral$/)).toEqual({ 'dw.fact_referral': 0 })
      const landed = await landedReferrals(nights)
      // More than the tolerance of the expected rest, and less than July.
      expect(landed).toBeGreaterThan(2 * pageCap)
      expect(landed).toBeLessThan(31)
      const summary = await fill(nights)
      expect(summary).toMatchObject({ changed: 40 })
      expectAbout(40 - landed, summary)
      expect(await state(nights.db)).toEqual(await fresh(nights))
    }))

  test('a backfill that is stopped twice goes on from the second stop', () =>
    withArrivals(async (nights) => {
      await stopAfter(nights, 3)
      const first = await landedReferrals(nights)
      expect(await stopAfter(nights, 4)).toMatchObject({ run_status: 'failed' })
      const second = await landedReferrals(nights)
      expect(first).toBeGreaterThan(0)
      expect(second).toBeGreaterThan(first + 2 * pageCap - 1)
      const summary = await fill(nights)
      expect(summary).toMatchObject({ changed: 40 })
      expectAbout(40 - second, summary)
      expect(await state(nights.db)).toEqual(await fresh(nights))
    }))

  test('a backfill goes on after a run has published the pages it had landed', () =>
    withArrivals(async (nights) => {
      await stopAfter(nights, 5)
      const landed = await landedReferrals(nights)
      expect(landed).toBeGreaterThan(2 * pageCap)
      expect(await nights.run()).toMatchObject({ changed: 40 })
      expect((await windowsOf(nights.db)).at(0)).toMatchObject({ run_status: 'abandoned' })
      const summary = await fill(nights)
      expect(summary).toMatchObject({ changed: 0 })
      expectAbout(40 - landed, summary)
    }))

  test('a backfill stopped after its last page asks for no page of that month again', () =>
    withArrivals(async (nights) => {
      await fill(nights, { from, to: '2026-08-01' })
      // The state that a kill in the publish transaction leaves.
      await sql`update etl.run set run_status = 'extracted', published_at = null`.execute(nights.db)
      const before = listCalls(nights)
      const summary = await fill(nights, { from, to: '2026-08-01' })
      expect(summary).toMatchObject({ seen: 0, changed: await landedReferrals(nights) })
      expect(listCalls(nights)).toBe(before)
      expect((await windowsOf(nights.db)).map((window) => window.run_status)).toEqual([
        'abandoned',
        'published',
      ])
    }))

  test('a backfill starts a window again when the API no longer knows the stored cursor', () =>
    withArrivals(
      async (nights) => {
        expect((await stopAfter(nights, 3))?.resume_at).toContain('skiptoken=')
        await sql`update etl.extract_window
          set resume_at = regexp_replace(resume_at, '(skiptoken=)[^"]*', '\\1gone')`.execute(
          nights.db,
        )
        expect(await fill(nights)).toMatchObject({ seen: 40, changed: 40 })
        expect(nights.sandbox.requests.map(({ status }) => status)).toContain(400)
      },
      { dateFilter: false, skip: false },
    ))
})

describe('a backfill beside a run', () => {
  test(
    'a backfill lets a waiting run in between two months, and goes on',
    () =>
      withArrivals(async (nights) => {
        const { environment, messages } = environmentFor(nights, {
          COSELL_REQUESTS_PER_MINUTE: '120',
        })
        const filling = backfill(environment, { from, to }, { now, pauseMs: 3_000 })
        await vi.waitFor(async () => {
          const held = await nights.db.selectFrom('etl.lease').select('holder').execute()
          expect(held[0]?.holder).toMatch(/^backfill /)
          expect(await windowsOf(nights.db)).toHaveLength(1)
        }, 10_000)
        expect(await nights.run()).toMatchObject({ status: 'published', seen: 40 })
        expect(nights.logged.join('')).toContain('the account is being loaded: waiting')
        expectAbout(40, await filling)
        expect(messages()).not.toContain('run failed')
        const runs = await nights.db
          .selectFrom('etl.run')
          .select(['run_mode', 'run_status', 'started_at', 'finished_at'])
          .orderBy('run_id')
          .execute()
        expect(runs.map((each) => each.run_mode)).toEqual(['backfill', 'full', 'backfill'])
        for (const [index, each] of runs.entries()) {
          expect(each.run_status).toBe('published')
          expect(each.started_at > (runs[index - 1]?.finished_at ?? '')).toBe(true)
        }
        expect(await state(nights.db)).toEqual(await fresh(nights))
      }),
    timeoutMs,
  )

  test(
    'a backfill waits for a run that holds the account',
    () =>
      withArrivals(async (nights) => {
        const night = nights.run(false, { COSELL_REQUESTS_PER_MINUTE: '240' })
        await vi.waitFor(async () =>
          expect(await nights.db.selectFrom('etl.run').select('run_id').execute()).toHaveLength(1),
        )
        const { environment, messages } = environmentFor(nights)
        const filled = await backfill(environment, { from, to }, { now, pauseMs: 0 })
        expect(filled).toMatchObject({ changed: 0 })
        expectAbout(40, filled)
        expect(messages()).toContain('the account is being loaded: waiting')
        expect(await night).toMatchObject({ changed: 40 })
      }),
    timeoutMs,
  )
})

describe('planBackfill', () => {
  const asked = { from, to }

  test('planBackfill takes counts from an API that counts, and changes nothing', () =>
    withArrivals(
      async (nights) => {
        const { environment } = environmentFor(nights, { COSELL_REQUESTS_PER_MINUTE: '60' })
        const { accounts } = await planBackfill(environment, asked, now)
        expect(accounts).toMatchObject([
          {
            account: 'demo',
            strategy: 'created',
            basis: 'counted by the API',
            is_again: false,
            windows: [
              { from: '2026-07-01', to: '2026-08-01', state: 'new', referrals: 31, calls: 8 },
              { from: '2026-08-01', to: '2026-08-11', state: 'new', referrals: 9, calls: 3 },
            ],
            referrals: 40,
            calls: 11,
            requests_per_minute: 60,
            seconds: 13,
          },
        ])
        const written = await countRows(nights.db, /^etl\.(run|lease|extract_window|api_)|account$/)
        expect(new Set(Object.values(written))).toEqual(new Set([0]))
      },
      { count: 'total' },
    ))

  test('planBackfill shows finished and unfinished windows, with the counts of the warehouse', () =>
    withArrivals(async (nights) => {
      await fill(nights, { from: '2026-08-01', to })
      const { environment } = environmentFor(nights)
      const plan = async () => (await planBackfill(environment, asked, now)).accounts[0]
      expect(await plan()).toMatchObject({
        basis: 'known so far',
        is_again: false,
        windows: [
          { state: 'new', referrals: 0, calls: 1 },
          { state: 'done', referrals: 9, calls: 0 },
        ],
        calls: 1,
      })
      const interrupted = environmentFor(nights)
      interruptAfter(nights, 2, interrupted)
      await failureOf(backfill(interrupted.environment, asked, { now, pauseMs: 0 }))
      expect(await plan()).toMatchObject({ windows: [{ state: 'unfinished' }, { state: 'done' }] })
      await fill(nights)
      expect(await plan()).toMatchObject({
        is_again: true,
        windows: [
          { state: 'done', calls: 8 },
          { state: 'done', calls: 3 },
        ],
        calls: 11,
      })
      const before = listCalls(nights)
      await fill(nights)
      expect(Math.abs(listCalls(nights) - before - 11)).toBeLessThanOrEqual(1)
    }))

  test('planBackfill estimates the time from the learned request rate', () =>
    withArrivals(async (nights) => {
      await fill(nights, { from, to: '2026-07-02' })
      await sql`insert into etl.api_capability
        select partner_account_key, 'requests_per_minute', '3', clock_timestamp()
        from dw.dim_partner_account
        on conflict (partner_account_key, capability) do update set observed_value = '3'`.execute(
        nights.db,
      )
      const { accounts } = await planBackfill(environmentFor(nights).environment, asked, now)
      expect(accounts).toMatchObject([{ requests_per_minute: 3, seconds: 62 }])
    }))

  test('planBackfill explains itself over an API without date filters', () =>
    withArrivals(
      async (nights) => {
        const { accounts } = await planBackfill(environmentFor(nights).environment, asked, now)
        expect(accounts).toMatchObject([
          {
            strategy: 'everything',
            explanation: expect.stringMatching(/does not filter by creation date, nor by update/),
            windows: [{ from, to, state: 'new', referrals: 40 }],
          },
        ])
      },
      { dateFilter: false, count: 'total' },
    ))
})

test(
  'a killed backfill goes on at its cursor, and asks only for the remaining pages',
  () =>
    withPipeline({ referrals: 3_000, seed: 5, pageCap }, async (nights) => {
      const { db, sandbox, url, home } = nights
      const start = (perMinute: string): CliProcess => {
        const env = {
          ...demoSettings(sandbox.url),
          COSELL_DATABASE_URL: `${url}?application_name=child`,
          COSELL_HOME: home,
          COSELL_REQUESTS_PER_MINUTE: perMinute,
        }
        const span = ['--from', '2024-03-01', '--to', '2024-04-01']
        return startCli(['backfill', ...span, '--json'], { env, cwd: home })
      }
      const killed = start('120')
      const landed = async () => (await windowsOf(db))[0]?.page_count ?? 0
      const over = killed.ended.then(({ stderr }) => Promise.reject(new Error(stderr)))
      over.catch(() => undefined)
      while ((await landed()) < 3) await Promise.race([sleep(10), over])
      killed.child.kill('SIGKILL')
      expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' })
      const [before] = await windowsOf(db)
      expect(before).toMatchObject({ run_status: 'running', window_status: 'running' })
      // The dead process leaves its lease, which lapses within a minute.
      await sql`update etl.lease set expires_at = clock_timestamp()`.execute(db)
      const [calls, landedBefore] = [listCalls(nights), await landedReferrals(nights)]

      const done = await start('6000').ended
      expect(done.code, done.stderr).toBe(0)
      const created = sandbox
        .referrals()
        .filter((referral) => referral.createdDateTime?.startsWith('2024-03'))
      const rest = created.length - landedBefore
      expect(rest).toBeGreaterThan(2 * pageCap)
      expect(resultOf(done)).toMatchObject({ status: 'published' })
      // Each page but the first repeats the row that the one before ended with.
      expect(listCalls(nights) - calls).toBeLessThanOrEqual(Math.ceil(rest / (pageCap - 1)) + 1)
    }),
  timeoutMs,
)
